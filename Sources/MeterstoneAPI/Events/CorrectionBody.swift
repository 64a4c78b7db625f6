package import MeterstoneCore

/// What a request to void or amend an event says: who, why, and what counts instead.
package struct CorrectionBody: Sendable {
    package let author: String?
    package let reason: String
    package let source: String?
    package let kind: Correction.Kind
    /// Which details are told, also those that are told to be none.
    package let fields: EventDetailFields

    private enum Field: String, CaseIterable {
        case author, reason, source
    }

    package static func voiding(_ json: [UInt8]) throws(Rejection) -> CorrectionBody {
        try CorrectionBody(json, amends: false)
    }

    package static func amending(_ json: [UInt8]) throws(Rejection) -> CorrectionBody {
        try CorrectionBody(json, amends: true)
    }

    private init(_ json: [UInt8], amends: Bool) throws(Rejection) {
        var reader = JSONReader(json)
        try reader.validate()
        guard reader.kind() == .object else { throw .invalid("", "an object") }
        try reader.enterObject()
        var author: String?
        var reason: String?
        var source: String?
        var draft = EventDraft()
        var names: Set<String> = []
        var isFirst = true
        while let member = try reader.nextName(&isFirst) {
            let name = reader.text(of: member)
            guard names.insert(name).inserted else { throw .repeated(name) }
            switch Field(rawValue: name) {
            case .author:
                author = try reader.readText(name, bytes: 1...WireBounds.authorBytesMax)
            case .reason:
                reason = try reader.readText(name, bytes: 1...WireBounds.reasonBytesMax)
            case .source:
                source = try reader.readName(name)
            case nil:
                guard amends, let field = EventField(rawValue: name), field.isTold else {
                    throw .unknown(name)
                }
                try draft.read(field, from: &reader)
            }
        }
        guard let reason else {
            throw .missing("reason", "a text of 1 to \(WireBounds.reasonBytesMax) bytes")
        }
        self.author = author
        self.reason = reason
        self.source = source
        fields = names.reduce(into: []) { fields, name in
            fields.formUnion(EventField(rawValue: name)?.detail ?? [])
        }
        kind = amends ? try Self.amendment(&draft, names, fields) : .void
    }

    private static func amendment(
        _ draft: inout EventDraft, _ names: Set<String>, _ fields: EventDetailFields
    ) throws(Rejection) -> Correction.Kind {
        guard names.contains("quantities") || names.contains("meter") else {
            throw .missing("quantities", "the quantities that count instead")
        }
        try draft.mergeMeter()
        return .amend(draft.quantities, fields.isEmpty ? nil : draft.details() ?? EventDetails.none)
    }
}
