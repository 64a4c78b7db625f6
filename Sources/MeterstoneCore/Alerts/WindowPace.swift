/// How much of a window has gone by.
///
/// A window of which less than a tenth has gone by counts as if a tenth had: the first use of a month would
/// otherwise come to thousands of times the allowance.
package struct WindowPace: Hashable, Sendable {
    private let from: Instant
    private let length: Int64
    private let elapsed: Int64

    /// - Parameters:
    ///   - span: which has begun, and ends.
    ///   - start: from when on use counts, if not from the beginning of the window.
    package init?(_ span: WindowSpan, countingFrom start: Instant? = nil, at now: Instant) {
        let from = max(span.from, start ?? span.from)
        let length = span.until.millisecondsSince1970 - from.millisecondsSince1970
        guard length > 0, from <= now, now < span.until else { return nil }
        self.from = from
        self.length = length
        elapsed = max(now.millisecondsSince1970 - from.millisecondsSince1970, length / 10, 1)
    }

    /// Whether use that goes on like this comes to a share of the allowance, in hundredths, where the window ends.
    package func comes(to percent: Int64, of allowed: Int64, with used: Int64) -> Bool {
        Int128(used) * Int128(length) * 100 >= Int128(allowed) * Int128(percent) * Int128(elapsed)
    }

    /// When nothing will be left; `nil`: nothing is left now, or something will be when the window ends.
    package func fullAt(_ used: Int64, of allowed: Int64) -> Instant? {
        guard used > 0, used < allowed else { return nil }
        let milliseconds = Int128(elapsed) * Int128(allowed) / Int128(used)
        guard milliseconds < Int128(length) else { return nil }
        return from.advanced(byMilliseconds: Int64(milliseconds))
    }
}
