/// Where usage leads when it goes on as it did so far in its window.
public struct UsagePace: Hashable, Sendable {
    /// Expected when the window ends, half a unit rounded up; the greatest quantity where more than
    /// that is expected. `nil`: the window never ends, or no time has passed in it yet.
    public let projected: Quantity?
    /// When the allowance is used up: now when it is already. `nil`: not before the window ends, or
    /// never, as far as this pace tells.
    public let reachedAt: Instant?

    /// - Parameters:
    ///   - used: counted so far in the window.
    ///   - span: the window; of those that follow each other, or all of time.
    ///   - since: from when usage counts in the window, if that is after its start: of all of time the
    ///     subject's first activity.
    ///   - now: within the window. Of one that is over, what was used is what is expected.
    public init(
        used: Quantity, allowance: Allowance, span: WindowSpan, since: Instant, now: Instant
    ) {
        let start = min(max(span.from, since, .earliest), .latest).millisecondsSince1970
        let end = span.until > .latest ? nil : span.until.millisecondsSince1970
        let present = min(now.millisecondsSince1970, end ?? .max)
        let elapsed = UInt64(max(0, present - start))
        let units = UInt64(max(0, used.units))
        projected = end.flatMap { end in
            Self.projected(units, elapsed: elapsed, of: UInt64(max(0, end - start)))
        }
        reachedAt =
            allowance.isReached(by: used)
            ? now
            : Self.duration(until: allowance, at: units, per: elapsed)
                .map { Instant(millisecondsSince1970: start + $0) }
                .flatMap { $0 < min(span.until, .latest) ? $0 : nil }
    }

    private static func projected(
        _ used: UInt64, elapsed: UInt64, of length: UInt64
    ) -> Quantity? {
        guard elapsed > 0 else { return nil }
        guard let (whole, rest) = used.scaled(by: length, over: elapsed) else {
            return Quantity(.max)
        }
        let isRoundedUp = rest >= elapsed - rest
        let (rounded, isOver) = whole.addingReportingOverflow(isRoundedUp ? 1 : 0)
        return Quantity(isOver ? .max : Int64(clamping: rounded))
    }

    /// Milliseconds from the start until the allowance is used up, the next whole one; `nil`: never, or
    /// later than any instant.
    private static func duration(
        until allowance: Allowance, at used: UInt64, per elapsed: UInt64
    ) -> Int64? {
        guard case .units(let allowed) = allowance, used > 0, elapsed > 0,
            let (whole, rest) = elapsed.scaled(by: UInt64(max(0, allowed.units)), over: used),
            whole < UInt64(Instant.latest.millisecondsSince1970 * 2)
        else { return nil }
        return Int64(whole) + (rest > 0 ? 1 : 0)
    }
}

extension Allowance {
    fileprivate func isReached(by used: Quantity) -> Bool {
        guard case .units(let allowed) = self else { return false }
        return used >= allowed
    }
}

extension UInt64 {
    /// This times a factor, divided, with nothing lost between; `nil` when the quotient does not fit.
    fileprivate func scaled(
        by factor: UInt64, over divisor: UInt64
    ) -> (quotient: UInt64, remainder: UInt64)? {
        let product = multipliedFullWidth(by: factor)
        guard product.high < divisor else { return nil }
        return divisor.dividingFullWidth(product)
    }
}
