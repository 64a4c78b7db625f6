/// What is in force at all, and for whom; everything is, unless something else is said.
public struct Switches: Hashable, Sendable, Codable {
    /// `off`: whoever is not in is decided and answered as always, and nothing of it is recorded.
    public var tracking: Switch
    /// `shadow`: limits that enforce refuse nobody and count what they would have refused. `off`: no limit is looked
    /// at.
    public var limits: Switch
    /// `off`: nothing costs credits.
    public var credits: Switch
    /// `off`: reports and what-if do not answer.
    public var analytics: Switch

    public init(
        tracking: Switch = Switch(), limits: Switch = Switch(), credits: Switch = Switch(),
        analytics: Switch = Switch()
    ) {
        self.tracking = tracking
        self.limits = limits
        self.credits = credits
        self.analytics = analytics
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case tracking, limits, credits, analytics
    }

    /// The names of its members on the wire.
    package static let fields = CodingKeys.allCases.map(\.rawValue)

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func read(_ key: CodingKeys) throws -> Switch {
            try container.decodeIfPresent(Switch.self, forKey: key) ?? Switch()
        }
        self.init(
            tracking: try read(.tracking), limits: try read(.limits), credits: try read(.credits),
            analytics: try read(.analytics))
    }

    /// What is wrong with it, if something is: a field and what was expected.
    package var mistake: (field: String, expectation: String)? {
        for (name, one) in [("tracking", tracking), ("credits", credits), ("analytics", analytics)]
        where one.state == .shadow {
            return ("\(name).state", "on or off: there is no shadow of it")
        }
        if analytics.rollout != nil {
            return ("analytics.rollout", "none: reports are about everybody")
        }
        for (name, one) in [("tracking", tracking), ("limits", limits), ("credits", credits)] {
            if let (field, expectation) = one.rollout?.mistake {
                return ("\(name).\(field)", expectation)
            }
        }
        return nil
    }
}

/// One thing that may be switched.
public struct Switch: Hashable, Sendable, Codable {
    public var state: SwitchState
    /// For whom it is on already, where it is; `nil`: for everybody.
    public var rollout: Rollout?

    public init(_ state: SwitchState = .on, rollout: Rollout? = nil) {
        self.state = state
        self.rollout = rollout
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case state, rollout
    }

    package static let fields = CodingKeys.allCases.map(\.rawValue)

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decodeIfPresent(SwitchState.self, forKey: .state) ?? .on,
            rollout: try container.decodeIfPresent(Rollout.self, forKey: .rollout))
    }
}

public enum SwitchState: String, Hashable, Sendable, NamedChoice {
    case on, shadow, off
}

/// Whom a switch is on for, as the catalog compiled it.
package struct SwitchGroup: Sendable {
    private let isOn: Bool
    private let group: RolloutGroup?

    package init(_ one: Switch?) {
        isOn = one.map { $0.state == .on } ?? true
        group = one?.rollout.map { RolloutGroup($0) }
    }

    /// Whether it is on or off for everybody; `nil`: that hangs on who it is.
    @inline(__always)
    package var isOnForAll: Bool? { isOn && group != nil ? nil : isOn }

    /// - Parameters:
    ///   - levels: the subject, and the teams above it from the nearest up.
    ///   - plan: of the subject.
    package func isOn(for levels: [SubjectID], plan: PlanKey?) -> Bool {
        isOn && group?.contains(levels, plan: plan) ?? true
    }
}
