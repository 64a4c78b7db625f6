import MeterstoneCore

/// Tokens of a request of kinds that most requests have none of.
struct OtherTokens: Hashable, Sendable, Codable {
    private var cacheWrite: Int64?
    private var cacheWriteLong: Int64?
    private var audioInput: Int64?
    private var audioOutput: Int64?
    private var images: Int64?
    private var batch: Bool?

    /// `nil`: there are none.
    init?(_ counts: TokenCounts) {
        func some(_ count: Int64) -> Int64? { count == 0 ? nil : count }
        cacheWrite = some(counts.cacheWrite)
        cacheWriteLong = some(counts.cacheWriteLong)
        audioInput = some(counts.audioInput)
        audioOutput = some(counts.audioOutput)
        images = some(counts.images)
        batch = counts.isBatch ? true : nil
        let numbers = [cacheWrite, cacheWriteLong, audioInput, audioOutput, images]
        guard batch != nil || numbers.contains(where: { $0 != nil }) else { return nil }
    }

    func add(to counts: inout TokenCounts) {
        counts.cacheWrite = cacheWrite ?? 0
        counts.cacheWriteLong = cacheWriteLong ?? 0
        counts.audioInput = audioInput ?? 0
        counts.audioOutput = audioOutput ?? 0
        counts.images = images ?? 0
        counts.isBatch = batch ?? false
    }
}
