/// An instant from which on a subject's limit counts anew, because somebody said so.
///
/// Usage and reports stay. What occurred before, or was recorded before in the same millisecond, counts no
/// more against the limit; an event of that time that comes late counts with what was before.
public struct LimitReset: Hashable, Sendable, Codable {
    public var at: Instant
    /// Its place among all facts.
    public var sequence: Int64
    public var author: String
    public var reason: String

    package init(at: Instant, sequence: Int64, author: String, reason: String) {
        self.at = at
        self.sequence = sequence
        self.author = author
        self.reason = reason
    }

    /// Of one limit of a subject. What is older counts together with what the oldest one begins.
    package static let countMax = 256
}

extension [LimitReset] {
    /// Takes one in, in the order of time; of two in one millisecond the later one counts.
    package mutating func put(_ reset: LimitReset) {
        removeAll { $0.at == reset.at }
        insert(reset, at: firstIndex { reset.at < $0.at } ?? endIndex)
        if count > LimitReset.countMax { removeFirst(count - LimitReset.countMax) }
    }
}

/// The resets of one limit of a subject. A class, so that a limit without any costs nothing more.
package final class ResetHistory: Sendable {
    /// In the order of time.
    package let resets: [LimitReset]

    package init(_ resets: [LimitReset]) {
        self.resets = resets
    }

    /// The part of time between resets that an instant falls into, for what is recorded now.
    package func piece(at instant: Instant) -> ResetPiece {
        ResetPiece(
            after: resets.last { $0.at <= instant }, before: resets.first { instant < $0.at })
    }
}

/// What occurred between two resets.
package struct ResetPiece: Hashable, Sendable {
    package var after: LimitReset?
    package var before: LimitReset?

    package init(after: LimitReset?, before: LimitReset?) {
        self.after = after
        self.before = before
    }

    /// Whether a fact is one of it. What was recorded in the millisecond of a reset is told by its place.
    package func contains(_ instant: Instant, at sequence: Int64) -> Bool {
        if let after, (instant, sequence) < (after.at, after.sequence) { return false }
        if let before, (instant, sequence) >= (before.at, before.sequence) { return false }
        return true
    }

    /// Whether a reset lies in a span.
    package func isEdge(within span: WindowSpan) -> Bool {
        (after.map { span.contains($0.at) } ?? false)
            || (before.map { span.contains($0.at) } ?? false)
    }

    /// The part of a span that it may lie in.
    package func cutting(_ span: WindowSpan) -> WindowSpan {
        WindowSpan(
            from: max(span.from, after?.at ?? span.from),
            until: min(span.until, before.map { $0.at.advanced(byMilliseconds: 1) } ?? span.until))
    }
}
