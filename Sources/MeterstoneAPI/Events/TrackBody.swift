package import MeterstoneCore

/// An event as an application's own log has it, with its names in camel case or in snake case:
/// `{"userId":"u1","usageType":"export","eventSubtype":"mp4"}`.
package struct TrackBody: Sendable {
    private var id: EventID?
    package private(set) var user: SubjectID?
    package private(set) var type: String?
    private var occurredAt: Instant?
    private var tokens: Int64?
    private var credits: Int64?
    private var subtype: String?
    private var project: String?
    private var scene: String?
    private var durationMilliseconds: Int64?
    private var status: EventStatus?
    private var errorMessage: String?
    private var metadata: String?

    private static let names = [
        "id", "userId", "usageType", "eventType", "eventSubtype", "projectId", "sceneId",
        "tokensUsed", "creditsUsed", "durationMs", "status", "errorMessage", "metadata",
        "createdAt", "occurredAt",
    ]

    package init(_ json: [UInt8]) throws(Rejection) {
        var names: Set<String> = []
        try JSONReader.readBody(json) { (name, reader) throws(Rejection) in
            let known = name.camelCased
            guard names.insert(known).inserted else { throw .repeated(name) }
            try read(known, as: name, from: &reader)
        }
    }

    private mutating func read(
        _ known: String, as name: String, from reader: inout JSONReader
    ) throws(Rejection) {
        switch known {
        case "id": id = try reader.readEventID(name)
        case "userId": user = try reader.readIdentifier(name)
        case "usageType", "eventType":
            let text = try reader.readName(name)
            guard type == nil || type == text else {
                throw .invalid(name, "the same as the other name of the type")
            }
            type = text
        case "eventSubtype": subtype = try reader.readName(name)
        case "projectId": project = try reader.readName(name)
        case "sceneId": scene = try reader.readName(name)
        case "tokensUsed": tokens = try reader.readWholeNumber(name)
        case "creditsUsed": credits = try reader.readWholeNumber(name)
        case "durationMs": durationMilliseconds = try reader.readWholeNumber(name)
        case "status":
            let expectation = "success, failed or cancelled"
            let text = try reader.readText(name, bytes: 1...16, expectation: expectation)
            status = try text.map { (text) throws(Rejection) in
                guard let status = EventStatus(rawValue: text) else {
                    throw .invalid(name, expectation)
                }
                return status
            }
        case "errorMessage":
            errorMessage = try reader.readText(name, bytes: 0...WireBounds.errorMessageBytesMax)
        case "metadata":
            metadata = try reader.readObjectText(name, bytesMax: WireBounds.propertiesBytesMax)
        case "createdAt", "occurredAt": occurredAt = try reader.readInstant(name)
        default: throw .unknown(name, among: Self.names)
        }
    }

    /// The event, with its tokens and credits under the names that the meters have for them.
    package func event(
        of subject: SubjectID, key: EventID?, _ blueprint: Blueprint
    ) throws(Rejection) -> UsageEvent {
        guard let type else { throw .missing("usageType", "what was used, such as 'prompt'") }
        var quantities: [NamedQuantity] = []
        for (name, units, names) in [
            ("tokensUsed", tokens, ["tokensUsed", "tokens_used", "tokens"]),
            ("creditsUsed", credits, ["creditsUsed", "credits_used", "credits"]),
        ] {
            guard let units else { continue }
            let keys = names.map { MeterKey(unchecked: $0) }
            guard
                let meter = blueprint.meters.first(where: { meter in
                    keys.contains { meter.names.contains($0) }
                })
            else {
                throw Rejection(
                    code: .unknownMeter, field: name,
                    message: "expected a meter that is called "
                        + names.map { "'\($0)'" }.joined(separator: " or ")
                        + ", and there is none")
            }
            quantities.append(NamedQuantity(name: meter.key, quantity: Quantity(units)))
        }
        return UsageEvent(
            id: id ?? key, subject: subject, occurredAt: occurredAt,
            quantities: Quantities(quantities),
            details: EventDetails(
                type: type, subtype: subtype, status: status ?? .success,
                durationMilliseconds: durationMilliseconds, errorMessage: errorMessage,
                project: project, scene: scene, properties: metadata))
    }
}

extension String {
    /// `user_id` as `userId`; a name in camel case stays as it is.
    package var camelCased: String {
        let parts = split(separator: "_")
        guard parts.count > 1, let first = parts.first else { return self }
        return String(first)
            + parts.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
