import MeterstoneAPI
import MeterstoneCore

/// What a request to grant credit says.
struct GrantBody: Decodable {
    private let id: GrantID?
    private let amount: Int64
    private let priority: Int?
    private let effectiveAt: Instant?
    private let expiresAt: Instant?
    private let source: CreditSource?
    private let reference: String?
    private let metadata: [String: String]?
    private let oncePerPerson: Bool?

    private static let fields = [
        "id", "amount", "priority", "effectiveAt", "expiresAt", "source", "reference", "metadata",
        "oncePerPerson",
    ]

    static func order(_ json: [UInt8]) throws(Rejection) -> GrantOrder {
        let body = try AdministrativeBody(json, fields: fields).decode(GrantBody.self)
        if let reference = body.reference, !SubjectID.isValid(reference) {
            throw .invalid("reference", SubjectID.expectation)
        }
        return GrantOrder(
            id: body.id, amount: body.amount,
            priority: body.priority ?? CreditGrant.priorityDefault, effectiveAt: body.effectiveAt,
            expiresAt: body.expiresAt, source: body.source ?? .adjustment,
            reference: body.reference, metadata: body.metadata ?? [:],
            oncePerPerson: body.oncePerPerson ?? false)
    }
}

/// Why a grant is voided.
struct ReasonBody: Decodable {
    private let reason: String?

    static let expectation = "a text of 1 to \(WireBounds.reasonBytesMax) bytes"

    static func reason(_ json: [UInt8]) throws(Rejection) -> String? {
        try AdministrativeBody(json, fields: ["reason"]).decode(ReasonBody.self).reason
    }

    static func checked(_ reason: String) throws(Rejection) -> String {
        guard 1...WireBounds.reasonBytesMax ~= reason.utf8.count, !reason.utf8.contains(0) else {
            throw .invalid("reason", expectation)
        }
        return reason
    }
}

/// What a request to refund says: the reference under which credits were spent, and perhaps why.
struct RefundBody: Decodable {
    private let reference: String
    private let reason: String?

    static func read(_ json: [UInt8]) throws(Rejection) -> (reference: String, reason: String) {
        let body = try AdministrativeBody(json, fields: ["reference", "reason"])
            .decode(RefundBody.self)
        guard SubjectID.isValid(body.reference) else {
            throw .invalid("reference", SubjectID.expectation)
        }
        guard let reason = body.reason else { return (body.reference, "") }
        return (body.reference, try ReasonBody.checked(reason))
    }
}
