/// What a plan says of one feature: on, off, or a value.
public enum PlanFeature: Hashable, Sendable {
    case flag(Bool)
    /// A number that a program compares with its own: seats, days of history.
    case number(Int64)
    case text(String)

    /// Whether it is there at all; a value is, and the number 0 is none.
    public var isOn: Bool {
        switch self {
        case .flag(let flag): flag
        case .number(let number): number != 0
        case .text: true
        }
    }

    /// How long a name or a text may be, in bytes of UTF-8.
    public static let textBytesMax = 255
    /// How many a plan may have.
    public static let countMax = 256
    public static let expectation = "true, false, a whole number or a text of at most 255 bytes"
}

extension PlanFeature: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Int64.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self),
            text.utf8.count <= Self.textBytesMax
        {
            self = .text(text)
        } else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected \(Self.expectation)")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .flag(let flag): try container.encode(flag)
        case .number(let number): try container.encode(number)
        case .text(let text): try container.encode(text)
        }
    }
}

/// What a subject's plan says of every feature that any plan names.
public struct SubjectFeatures: Hashable, Sendable {
    public let subject: SubjectID
    /// The plan that applies; `nil`: none.
    public let plan: PlanKey?
    /// Where the subscription stands; `nil`: there is none.
    public let subscription: SubscriptionStatus?
    public let features: [String: PlanFeature]

    package init(
        subject: SubjectID, plan: PlanKey?, subscription: SubscriptionStatus?,
        features: [String: PlanFeature]
    ) {
        self.subject = subject
        self.plan = plan
        self.subscription = subscription
        self.features = features
    }
}

extension Blueprint {
    /// What a plan says of every feature that any plan names: what it does not name is off.
    public func features(of plan: PlanKey?) -> [String: PlanFeature] {
        var result: [String: PlanFeature] = [:]
        for name in plans.flatMap(\.features.keys) { result[name] = .flag(false) }
        let own = plans.first { $0.key == plan }?.features ?? [:]
        return result.merging(own) { $1 }
    }
}
