/// What is left of a window and may be used in later ones.
public struct LimitRollover: Hashable, Sendable {
    /// The most that is there in one window beside its own allowance; `nil`: all that was left.
    public var max: Quantity?
    /// In how many of the windows that follow it may be used.
    public var windows: Int

    public init(max: Quantity? = nil, windows: Int = 1) {
        self.max = max
        self.windows = windows
    }

    public static let windowsRange = 1...24
    public static let maxRange: ClosedRange<Int64> = 1...1_000_000_000_000_000
}

extension LimitRollover: Codable {
    private enum CodingKeys: String, CodingKey {
        case max, windows
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let max = try container.decodeIfPresent(Int64.self, forKey: .max)
        let windows = try container.decodeIfPresent(Int.self, forKey: .windows) ?? 1
        guard max.map(Self.maxRange.contains) ?? true else {
            throw DecodingError.dataCorruptedError(
                forKey: .max, in: container,
                debugDescription: "expected a whole number from 1 to \(Self.maxRange.upperBound)")
        }
        guard Self.windowsRange.contains(windows) else {
            throw DecodingError.dataCorruptedError(
                forKey: .windows, in: container,
                debugDescription: "expected a whole number from 1 to "
                    + "\(Self.windowsRange.upperBound)")
        }
        self.init(max: max.map { Quantity($0) }, windows: windows)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(max?.units, forKey: .max)
        try container.encode(windows, forKey: .windows)
    }
}

extension Limit {
    /// Whether what one window leaves, or goes beyond, changes what later ones allow.
    package var carries: Bool { rollover != nil || debt }

    /// Windows before one that say what it is carried into it.
    package var windowsLookedBack: Int {
        Swift.max(rollover?.windows ?? 0, debt ? Self.debtWindows : 0)
    }

    /// For how many windows what went beyond is owed.
    package static let debtWindows = 12

    /// What is wrong with carrying over, if something is.
    package func carryingMistake(of meter: Meter) -> (field: String, expectation: String)? {
        guard carries else { return nil }
        let field = rollover == nil ? "debt" : "rollover"
        guard window.isOfCalendar else {
            return (field, "none, since windows like '\(window)' do not follow each other")
        }
        if perValue != nil { return (field, "none beside 'per'") }
        return meter.canRoll ? nil : (field, "none, since the meter is neither a sum nor a count")
    }
}

extension Window {
    /// Whether one window of the kind follows the other, with a beginning and an end by the clock.
    package var isOfCalendar: Bool {
        switch self {
        case .minute, .hour, .day, .week, .month, .quarter, .year, .billingMonth: true
        case .lifetime, .request, .concurrent, .rolling, .sinceFirst: false
        }
    }
}

/// What a row of windows leaves for the next one, or owes it.
///
/// What is used beyond a window's own allowance takes from what was left, the latest first. So what is
/// left of a window follows from the windows after it alone, and nobody has to know those before.
package struct CarriedOver: Hashable, Sendable {
    private let terms: LimitRollover?
    private let hasDebt: Bool
    /// What is left of each window, the oldest first.
    private var left: [Int64] = []
    /// What was used beyond everything that there was.
    private var owed: Int64 = 0

    /// A window that has ended.
    package struct Window: Hashable, Sendable {
        /// What it allowed by itself.
        package var own: Allowance
        package var used: Int64
        /// Whether the limit was reset within it; then nothing is owed any more.
        package var isReset: Bool

        package init(own: Allowance, used: Int64, isReset: Bool = false) {
            self.own = own
            self.used = used
            self.isReset = isReset
        }
    }

    /// - Parameter windows: the oldest first, as many as ``Limit/windowsLookedBack`` says.
    package init(_ limit: Limit, _ windows: some Sequence<Window> = []) {
        terms = limit.rollover
        hasDebt = limit.debt
        for window in windows { pass(window) }
    }

    /// Takes in the next window.
    package mutating func pass(_ window: Window) {
        guard case .units(let allowed) = window.own else {
            owed = 0
            left.append(0)
            return
        }
        if window.isReset { owed = 0 }
        let rest = allowed.units.subtractingSaturated(window.used)
        let paid = min(max(0, rest), owed)
        owed -= paid
        var beyond = max(0, Int64(0).subtractingSaturated(rest))
        for place in left.indices.reversed().prefix(terms?.windows ?? 0) where beyond > 0 {
            let taken = min(left[place], beyond)
            left[place] -= taken
            beyond -= taken
        }
        if hasDebt { owed = owed.addingSaturated(beyond) }
        left.append(max(0, rest) - paid)
    }

    /// What the next window has more than its own, or less.
    ///
    /// - Parameter isReset: whether the limit was reset in that window, until now.
    package func units(isReset: Bool) -> Int64 {
        let sum = left.suffix(terms?.windows ?? 0).reduce(Int64(0)) { $0.addingSaturated($1) }
        let more = min(sum, terms?.max?.units ?? .max)
        return isReset ? more : more.subtractingSaturated(owed)
    }
}

extension Allowance {
    /// With so much more or less; never below 0.
    package func carrying(_ units: Int64) -> Allowance {
        guard case .units(let own) = self else { return self }
        return .units(Quantity(max(0, own.units.addingSaturated(units))))
    }
}
