package import MeterstoneCore

/// What a member of an answer can be read as.
package protocol WireValue {
    /// `nil`: it is something else.
    init?(_ node: WireNode)
    /// What a member stands for that is not there; `nil`: it has to be.
    static var absent: Self? { get }
}

extension WireValue {
    package static var absent: Self? { nil }
}

extension Optional: WireValue where Wrapped: WireValue {
    package init?(_ node: WireNode) {
        if case .null = node.content {
            self = .none
            return
        }
        guard let value = Wrapped(node) else { return nil }
        self = .some(value)
    }

    package static var absent: Self? { .some(.none) }
}

extension Array: WireValue where Element: WireValue {
    package init?(_ node: WireNode) {
        guard case .array(let elements) = node.content else { return nil }
        self = []
        for element in elements {
            guard let value = Element(element) else { return nil }
            append(value)
        }
    }
}

extension Dictionary: WireValue where Key == String, Value: WireValue {
    package init?(_ node: WireNode) {
        guard case .object(let members) = node.content else { return nil }
        self = [:]
        for (name, member) in members {
            guard let value = Value(member) else { return nil }
            self[name] = value
        }
    }
}

extension Bool: WireValue {
    package init?(_ node: WireNode) {
        guard case .boolean(let value) = node.content else { return nil }
        self = value
    }
}

extension Int64: WireValue {
    package init?(_ node: WireNode) {
        guard case .number(let text) = node.content else { return nil }
        self.init(text)
    }
}

extension Int: WireValue {
    package init?(_ node: WireNode) {
        guard let value = Int64(node) else { return nil }
        self.init(exactly: value)
    }
}

extension String: WireValue {
    package init?(_ node: WireNode) {
        guard case .text(let text) = node.content else { return nil }
        self = text
    }
}

/// A value that is written as a text.
package protocol WireText: WireValue {
    /// `nil`: the text is of another form.
    init?(_ text: String)
}

extension WireText {
    package init?(_ node: WireNode) {
        guard let text = String(node) else { return nil }
        self.init(text)
    }
}

extension SubjectID: WireText {}
extension MeterKey: WireText {}
extension LimitKey: WireText {}
extension AdditionID: WireText {}
extension PlanKey: WireText {}
extension GrantID: WireText {}
extension APIKeyID: WireText {}
extension AlertKey: WireText {}
extension WebhookKey: WireText {}
extension EmailAddress: WireText {}
extension SessionID: WireText {}
extension MilestoneKey: WireText {}
extension EventID: WireText {}
extension EntrySeal: WireText {}
extension Window: WireText {}
extension CivilDate: WireText {}

extension WireValue where Self: RawRepresentable, RawValue == String {
    package init?(_ node: WireNode) {
        guard let text = String(node) else { return nil }
        self.init(rawValue: text)
    }
}

extension LimitMode: WireValue {}
extension LimitFailMode: WireValue {}
extension MergedMember.Verdict: WireValue {}
extension AccessScope: WireValue {}
extension AlertMeasure: WireValue {}
extension RefillNote.Outcome: WireValue {}
extension AdministratorRole: WireValue {}
extension ReservationStatus: WireValue {}
extension ExpiryPolicy: WireValue {}
extension OveragePolicy: WireValue {}
extension AbortPolicy: WireValue {}
extension CreditSource: WireValue {}
extension EventStatus: WireValue {}
extension CorrectionNote.Kind: WireValue {}
extension Rejection.Code: WireValue {}

extension LedgerEntry.Kind: WireValue {
    package init?(_ node: WireNode) {
        guard let text = String(node), let kind = Self.allCases.first(where: { $0.name == text })
        else { return nil }
        self = kind
    }
}

extension Instant: WireValue {
    package init?(_ node: WireNode) {
        guard let text = String(node) else { return nil }
        self.init(rfc3339: text)
    }
}

extension Quantity: WireValue {
    package init?(_ node: WireNode) {
        guard let units = Int64(node) else { return nil }
        self.init(units)
    }
}

extension Allowance: WireValue {
    package init?(_ node: WireNode) {
        guard let number = Int64(node) else { return nil }
        self.init(wire: number)
    }
}

extension Quantities: WireValue {
    package init?(_ node: WireNode) {
        guard let byName = [String: Quantity](node) else { return nil }
        self.init(
            byName.map { NamedQuantity(name: MeterKey(unchecked: $0.key), quantity: $0.value) })
    }
}

extension Ratio: WireValue {
    /// With the six digits that it is written with.
    package init?(_ node: WireNode) {
        guard case .number(let text) = node.content else { return nil }
        self.init(decimal: text)
    }
}

/// A value as it came, whatever it is.
package struct WireJSON: WireValue, Sendable {
    package let text: String

    package init?(_ node: WireNode) {
        text = String(decoding: node.json, as: UTF8.self)
    }
}
