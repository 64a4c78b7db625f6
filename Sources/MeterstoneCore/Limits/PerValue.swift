/// A limit that counts by itself for each value that events tell of something: each model, each session.
public struct PerValue: Hashable, Sendable {
    /// What is told apart: `session` and `project` are the event's fields, anything else a dimension. An
    /// event that does not tell it is not limited.
    public var name: String
    /// Allowances of some values, by a pattern in which `*` stands for any text. What no pattern matches
    /// has the limit's own.
    public var allowances: [String: ValueAllowance]
    /// How many values of one window have a counter of their own.
    public var valuesMax: Int
    /// What becomes of further values.
    public var beyond: BeyondValues

    public init(
        _ name: String, allowances: [String: ValueAllowance] = [:],
        valuesMax: Int = PerValue.valuesDefault, beyond: BeyondValues = .refuse
    ) {
        self.name = name
        self.allowances = allowances
        self.valuesMax = valuesMax
        self.beyond = beyond
    }

    public static let valuesDefault = 1_000
    public static let valuesRange: ClosedRange<Int64> = 1...10_000
    public static let patternsMax = 200
    /// What stands for all values that have no counter yet, where each value is listed.
    public static let anyOther = "*"
}

/// What becomes of a value that is one too many.
public enum BeyondValues: String, Hashable, Sendable, NamedChoice {
    /// Its allowance is 0 until a window begins, or a value leaves it.
    case refuse
    /// Those that come last in alphabetical order share one counter and one allowance.
    case together
}

/// What the values that a pattern matches are allowed.
public struct ValueAllowance: Hashable, Sendable {
    public var allowances: [PlanKey: Allowance]
    /// For plans that are not listed; `nil`: as the limit has it.
    public var defaultAllowance: Allowance?

    public init(_ defaultAllowance: Allowance?, allowances: [PlanKey: Allowance] = [:]) {
        self.allowances = allowances
        self.defaultAllowance = defaultAllowance
    }

    /// `nil`: as the limit has it.
    func allowance(under plan: PlanKey?) -> Allowance? {
        plan.flatMap { allowances[$0] } ?? defaultAllowance
    }
}

/// A number alone is the default allowance.
extension ValueAllowance: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case allowances, defaultAllowance
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    public init(from decoder: any Decoder) throws {
        if let number = try? decoder.singleValueContainer().decode(Int64.self) {
            guard let allowance = Allowance(wire: number) else {
                throw DecodingError.dataCorrupted(
                    .init(
                        codingPath: decoder.codingPath,
                        debugDescription: "expected a whole number from 0, or -1 for unlimited"))
            }
            self.init(allowance)
            return
        }
        let known = CodingKeys.allCases.map(\.rawValue)
        for key in try decoder.container(keyedBy: AnyKey.self).allKeys
        where !known.contains(key.stringValue) {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "expected a whole number, or an object with allowances and "
                        + "defaultAllowance"))
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decodeIfPresent(Allowance.self, forKey: .defaultAllowance),
            allowances: try PlanKey.keyed(
                try container.decodeIfPresent([String: Allowance].self, forKey: .allowances) ?? [:],
                container, .allowances))
    }

    public func encode(to encoder: any Encoder) throws {
        if allowances.isEmpty, let defaultAllowance {
            var container = encoder.singleValueContainer()
            return try container.encode(defaultAllowance)
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(allowances.keyedByText, forKey: .allowances)
        try container.encodeIfPresent(defaultAllowance, forKey: .defaultAllowance)
    }
}

extension PerValue {
    /// What it counts, whatever is allowed.
    var counting: PerValue { PerValue(name, valuesMax: valuesMax, beyond: beyond) }

    /// What is wrong with it in a limit, if something is, and with which field of the limit.
    package func mistake(in window: Window) -> (field: String, expectation: String)? {
        guard SubjectID.isValid(name) else {
            return ("per", "session, project or the name of a dimension")
        }
        guard Self.valuesRange.contains(Int64(valuesMax)) else {
            let range = Self.valuesRange
            return ("valuesMax", "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        if case .sinceFirst = window {
            return (
                "per", "nothing beside the window '\(window)', which opens for all values at once"
            )
        }
        if beyond == .together, window.isRolling || window == .concurrent {
            return (
                "beyondValues", "refuse, since the window '\(window)' has no counter that stays"
            )
        }
        guard allowances.count <= Self.patternsMax else {
            return ("values", "at most \(Self.patternsMax) patterns")
        }
        for pattern in allowances.keys.sorted() where !SubjectID.isValid(pattern) {
            return ("values", "patterns of \(SubjectID.expectation)")
        }
        return nil
    }
}

/// Where an event tells a value.
package enum ValueSource: Hashable, Sendable {
    case session
    case project
    case dimension(String)

    package init(_ name: String) {
        self =
            switch name {
            case "session": .session
            case "project": .project
            default: .dimension(name)
            }
    }

    /// `nil`: the event does not tell it.
    package func value(of details: EventDetails?) -> String? {
        guard let details else { return nil }
        switch self {
        case .session: return details.session
        case .project: return details.project
        case .dimension(let name): return details.dimension(name)
        }
    }
}

/// What the values of a limit are allowed that a pattern matches.
package struct ValuePattern: Sendable {
    package let pattern: TextPattern
    package let allowance: ValueAllowance

    /// The one that is looked at first comes first: with the most that is not `*`, of equals by the text.
    package static func sorted(_ allowances: [String: ValueAllowance]) -> [ValuePattern] {
        allowances.map { ValuePattern(pattern: TextPattern($0), allowance: $1) }
            .sorted { one, other in
                (other.pattern.weight, one.pattern.text) < (one.pattern.weight, other.pattern.text)
            }
    }

    package func matches(_ value: String) -> Bool { pattern.matches(value) }
}
