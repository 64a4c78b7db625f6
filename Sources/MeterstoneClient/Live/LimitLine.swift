public import MeterstoneCore

/// One limit as a view shows it: a label, what was used of what is allowed, and a bar.
public struct LimitLine: Hashable, Identifiable, Sendable {
    public enum Level: Hashable, Sendable {
        /// Less than four fifths are used.
        case free
        case near
        /// Nothing is left.
        case full
    }

    public let limit: LimitKey
    /// Of a limit per value: whose counter it is.
    public let value: String?
    /// The team whose limit it is; `nil`: the subject's own.
    public let team: SubjectID?
    public let label: String
    public let used: Int64
    /// `nil`: without a bound.
    public let allowance: Int64?
    public let resetsAt: Instant?

    public var id: String { "\(limit.text) \(team?.text ?? "") \(value ?? "")" }

    package init(_ status: LimitStatus, label: String?) {
        limit = status.limit
        value = status.value
        team = status.ancestor
        self.label = label ?? Self.words(status.limit.text)
        used = status.used.units
        allowance =
            switch status.allowance {
            case .units(let units): units.units
            case .unlimited: nil
            }
        resetsAt = status.resetsAt
    }

    /// How much of the bar is full, from 0 to 1; 0 without a bound, and 1 where nothing is allowed.
    public var share: Double {
        guard let allowance else { return 0 }
        return allowance == 0 ? 1 : min(1, max(0, Double(used) / Double(allowance)))
    }

    public var level: Level {
        switch share {
        case 1...: .full
        case 0.8...: .near
        default: .free
        }
    }

    /// "7 / 10", or "7 / ∞".
    public var text: String { "\(used) / \(allowance.map { "\($0)" } ?? "∞")" }

    /// "2h 5m", "3d 4h" from two days on, rounded up to a minute; `nil`: counting never starts anew.
    public func resetsIn(at now: Instant) -> String? {
        guard let resetsAt else { return nil }
        let milliseconds = max(0, resetsAt.millisecondsSince1970 - now.millisecondsSince1970)
        let minutes = (milliseconds + 59_999) / 60_000
        if minutes >= 2_880 { return "\(minutes / 1_440)d \(minutes % 1_440 / 60)h" }
        return minutes >= 60 ? "\(minutes / 60)h \(minutes % 60)m" : "\(minutes)m"
    }

    /// "prompts_daily" is "Prompts daily".
    private static func words(_ key: String) -> String {
        let words = String(key.map { "_-".contains($0) ? " " : $0 })
        return words.prefix(1).uppercased() + words.dropFirst()
    }
}
