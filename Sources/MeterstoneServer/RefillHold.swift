import Meterstone
import MeterstoneCore
import MeterstoneStore

/// Lets a request that has too few credits wait for those that the payment side is asked for.
struct RefillHold: Sendable {
    let engine: MeterstoneEngine
    /// Passes so many milliseconds.
    let pause: @Sendable (Int64) async -> Void

    private static let lookMilliseconds: Int64 = 200

    /// Asks for credits where a decision says that they are short, and waits for them as long as their alert says.
    ///
    /// - Returns: whether it waited, so that it is worth deciding anew.
    func waited(after decision: Decision, for subject: SubjectID) async throws -> Bool {
        guard decision.denial?.reason == .insufficientCredits, !decision.isDryRun else {
            return false
        }
        let seconds = try await engine.askForRefills(of: subject)
        let looks = Int64(seconds) * 1_000 / Self.lookMilliseconds
        guard looks > 0 else { return false }
        let before = try await engine.wallet(of: subject).balance
        for _ in 0..<looks where !Task.isCancelled {
            await pause(Self.lookMilliseconds)
            if try await engine.wallet(of: subject).balance > before { break }
        }
        return true
    }
}
