import MeterstoneAPI

/// The problems that operations share, by status.
enum OpenAPIProblem: String, CaseIterable, Sendable {
    case malformed, unauthorized, insufficientCredits, forbidden, notFound, methodNotAllowed
    case conflict, reservationConflict, cursorExpired, preconditionFailed, tooLarge,
        unsupportedMediaType, unprocessable
    case limitExceeded, tooMany, signInsLimited, tooFrequent, storeFailed, badGateway
    case unavailable, storeFull

    var status: Int {
        switch self {
        case .malformed: 400
        case .unauthorized: 401
        case .insufficientCredits: 402
        case .forbidden: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .conflict, .reservationConflict: 409
        case .cursorExpired: 410
        case .preconditionFailed: 412
        case .tooLarge: 413
        case .unsupportedMediaType: 415
        case .unprocessable: 422
        case .limitExceeded, .tooMany, .signInsLimited, .tooFrequent: 429
        case .storeFailed: 500
        case .badGateway: 502
        case .unavailable: 503
        case .storeFull: 507
        }
    }

    private var description: String {
        switch self {
        case .malformed: "The body is not JSON, or the query not percent-encoded UTF-8."
        case .unauthorized: "The key or token is missing, wrong or expired."
        case .insufficientCredits: "Fewer credits are left than it costs. Nothing was counted."
        case .forbidden:
            "Not allowed: to this key or token, to a blocked subject, or while a part is switched off."
        case .notFound: "What the path names is not there."
        case .methodNotAllowed: "The path does not take this method."
        case .conflict: "Another request stands in the way: an id or key that was used, or use."
        case .reservationConflict: "The reservation was closed before, in another way."
        case .cursorExpired: "What the list was begun with is kept no longer; start again."
        case .preconditionFailed: "It is not as If-Match or If-None-Match say. Nothing changed."
        case .tooLarge: "The body is too long."
        case .unsupportedMediaType: "The body has another media type than the operation takes."
        case .unprocessable: "A field breaks a rule, or refers to something that is not there."
        case .limitExceeded: "Not enough is left. Nothing was counted."
        case .tooMany: "Not enough is left, or too many reservations are open. Nothing was counted."
        case .tooFrequent: "The key asks more often than it may. Nothing was done."
        case .signInsLimited: "Too many sign-ins failed. Wait."
        case .storeFailed: "The store failed, and whether it was done is not known."
        case .badGateway: "The receiver did not take the message."
        case .unavailable: "Not now. Nothing was done."
        case .storeFull: "The disk is full. Nothing was done."
        }
    }

    private var headers: [OpenAPIHeader] {
        switch self {
        case .unauthorized: [.authenticate]
        case .methodNotAllowed: [.allow]
        case .forbidden, .insufficientCredits, .limitExceeded, .tooMany:
            [.retryAfter, .rateLimit, .rateLimitPolicy]
        case .unavailable, .signInsLimited, .tooFrequent: [.retryAfter]
        default: []
        }
    }

    private var schema: String {
        switch self {
        case .insufficientCredits: "Denial"
        case .forbidden, .tooMany, .limitExceeded: "Refusal"
        case .reservationConflict: "ReservationProblem"
        default: "Problem"
        }
    }

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.name("description")
        writer.string(description)
        OpenAPIHeader.write(headers, to: &writer)
        writer.name("content")
        writer.beginObject()
        writer.name("application/problem+json")
        writer.content(schema: schema)
        writer.endObject()
        writer.endObject()
    }
}
