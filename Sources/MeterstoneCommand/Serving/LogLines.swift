import Dispatch
import Foundation
import Synchronization

/// Lines on their way to the standard output.
///
/// Whoever adds one never waits: while the output takes nothing, as a pipe whose reader has stopped, lines
/// are kept up to a bound and then left out, and a line says how many.
final class LogLines: Sendable {
    private static let bytesMax = 4 * 1_048_576

    private struct State {
        var bytes: [UInt8] = []
        var left = 0
        var isWriting = false
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "meterstone.log")

    func add(_ line: [UInt8]) {
        let mustStart = state.withLock { state in
            guard state.bytes.count + line.count <= Self.bytesMax else {
                state.left += 1
                return false
            }
            state.bytes += line
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if mustStart { queue.async { self.write() } }
    }

    private func write() {
        while true {
            let (bytes, left) = state.withLock { state in
                defer {
                    state.isWriting = !state.bytes.isEmpty
                    state.bytes = []
                    state.left = 0
                }
                return (state.bytes, state.left)
            }
            if bytes.isEmpty { return }
            // Nobody can be told that nobody can be told.
            try? FileHandle.standardOutput.write(contentsOf: Data(bytes))
            if left > 0 { Console.note("\(left) lines of the request log were left out") }
        }
    }
}
