/// For whom something is in force already. It is for nobody else yet.
///
/// A subject is in when its key is named, when its plan is, or when its team is in the share; `!` before a
/// pattern keeps out whom it matches, whatever else is said.
public struct Rollout: Hashable, Sendable {
    /// So many of a hundred teams. A subject without a team is one of its own.
    public var percent: Int
    public var plans: [PlanKey]
    /// Patterns of keys, of the subject itself or of a team above it. `*` stands for any text.
    public var subjects: [String]

    public init(percent: Int = 0, plans: [PlanKey] = [], subjects: [String] = []) {
        self.percent = percent
        self.plans = plans
        self.subjects = subjects
    }

    public static let percentRange = 0...100
    package static let plansMax = 50

    /// In which of a hundred shares a team is: the same on every node and for ever, since it is made of
    /// nothing but the key.
    package static func share(of root: SubjectID) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in root.text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        // Keys that differ in the last letter alone are to lie far apart.
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
        return Int((hash ^ hash >> 33) % 100)
    }

    /// What is wrong with it, if something is: a field and what was expected.
    package var mistake: (field: String, expectation: String)? {
        if !Self.percentRange.contains(percent) {
            return ("rollout.percent", Self.percentExpectation)
        }
        if plans.count > Self.plansMax {
            return ("rollout.plans", "at most \(Self.plansMax) plans")
        }
        return LimitSubjects.mistake(in: subjects).map {
            ("rollout.subjects[\($0)]", LimitSubjects.expectation)
        }
    }

    private static let percentExpectation =
        "a whole number from \(percentRange.lowerBound) to \(percentRange.upperBound)"
}

extension Rollout: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case percent, plans, subjects
    }

    /// The names of its members on the wire.
    package static let fields = CodingKeys.allCases.map(\.rawValue)

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            percent: try container.decodeIfPresent(Int.self, forKey: .percent) ?? 0,
            plans: try container.decodeIfPresent([PlanKey].self, forKey: .plans) ?? [],
            subjects: try container.decodeIfPresent([String].self, forKey: .subjects) ?? [])
        guard let (field, expectation) = mistake else { return }
        let name = CodingKeys.allCases.first { field.hasPrefix("rollout.\($0.rawValue)") }
        throw DecodingError.dataCorruptedError(
            forKey: name ?? .percent, in: container, debugDescription: "expected \(expectation)")
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(percent, forKey: .percent)
        if !plans.isEmpty { try container.encode(plans, forKey: .plans) }
        if !subjects.isEmpty { try container.encode(subjects, forKey: .subjects) }
    }
}

/// Whom a rollout takes in, as the catalog compiled it.
package struct RolloutGroup: Sendable {
    private let percent: Int
    private let plans: Set<PlanKey>
    private let named: [TextPattern]
    private let left: [TextPattern]

    package init(_ rollout: Rollout) {
        percent = rollout.percent
        plans = Set(rollout.plans)
        (named, left) = LimitSubjects.patterns(rollout.subjects)
    }

    /// - Parameters:
    ///   - levels: the subject, and the teams above it from the nearest up.
    ///   - plan: of the subject.
    package func contains(_ levels: [SubjectID], plan: PlanKey?) -> Bool {
        func isAny(of patterns: [TextPattern]) -> Bool {
            !patterns.isEmpty
                && levels.contains { id in patterns.contains { $0.matches(id.text) } }
        }
        if isAny(of: left) { return false }
        return isAny(of: named) || plan.map { plans.contains($0) } ?? false
            || levels.last.map { Rollout.share(of: $0) < percent } ?? false
    }
}
