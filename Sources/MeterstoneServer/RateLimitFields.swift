import HTTPTypes
import MeterstoneAPI
import MeterstoneCore

extension HTTPFields {
    /// Adds `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers) for the
    /// limits that have a bound and enforce it, at most ``RequestLimits/rateLimitsMax`` of them.
    ///
    /// Where a subject and its teams have the same limit, the one with the least left speaks,
    /// because it is the one that would refuse.
    mutating func addRateLimits(_ statuses: [LimitStatus], at now: Instant) {
        var policy = StructuredList()
        var state = StructuredList()
        for status in Self.binding(statuses) {
            guard case .units(let quota) = status.allowance else { continue }
            policy.item(status.limit.text)
            policy.parameter(UInt8(ascii: "q"), quota.units)
            if let seconds = status.window.seconds { policy.parameter(UInt8(ascii: "w"), seconds) }
            state.item(status.limit.text)
            state.parameter(UInt8(ascii: "r"), status.remaining)
            // A window that is past has no end to wait for.
            if let resetsAt = status.resetsAt, resetsAt > now {
                state.parameter(UInt8(ascii: "t"), resetsAt.secondsRoundedUp(since: now))
            }
        }
        guard !policy.isEmpty else { return }
        self[.rateLimitPolicy] = policy.text
        self[.rateLimit] = state.text
    }

    private static func binding(_ statuses: [LimitStatus]) -> [LimitStatus] {
        var binding: [LimitStatus] = []
        for status in statuses where status.mode == .enforce && status.allowance != .unlimited {
            if status.ancestor != nil,
                let index = binding.firstIndex(where: { $0.limit == status.limit })
            {
                if status.remaining < binding[index].remaining { binding[index] = status }
            } else if binding.count < RequestLimits.rateLimitsMax {
                binding.append(status)
            }
        }
        return binding
    }
}

/// A list of structured field values (RFC 9651): names in quotes, each with numbers as parameters.
private struct StructuredList {
    private var bytes: [UInt8] = []

    var isEmpty: Bool { bytes.isEmpty }
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// - Parameter name: printable ASCII without quotes, as the keys of limits are.
    mutating func item(_ name: String) {
        if bytes.isEmpty { bytes.reserveCapacity(256) } else { bytes += ", ".utf8 }
        bytes.append(UInt8(ascii: "\""))
        bytes += name.utf8
        bytes.append(UInt8(ascii: "\""))
    }

    /// Integers of a structured field have at most fifteen digits.
    mutating func parameter(_ name: UInt8, _ value: Int64) {
        bytes.append(UInt8(ascii: ";"))
        bytes.append(name)
        bytes.append(UInt8(ascii: "="))
        bytes.append(decimal: min(value, 999_999_999_999_999))
    }
}

extension Window {
    /// How long the window is; `nil` where that depends on the calendar or there is no end.
    fileprivate var seconds: Int64? {
        switch self {
        case .minute: 60
        case .hour: 3_600
        case .day: 86_400
        case .week: 604_800
        case .rolling(let seconds), .sinceFirst(let seconds): seconds
        case .month, .quarter, .year, .billingMonth, .lifetime, .request, .concurrent: nil
        }
    }
}
