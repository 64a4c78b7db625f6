package import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
package import MeterstoneCore
package import MeterstoneStore

/// A request that is not carried out, as RFC 9457 tells it. Only this file knows which status an
/// error has.
package struct Problem: Error, Sendable {
    package var status: HTTPResponse.Status
    /// Stable, for programs; every code has a line in `docs/reference/errors.md`.
    package var code: String
    /// A sentence for people about this occurrence.
    var detail: String
    /// Path of the field in the request.
    package var field: String?
    package var headers = HTTPFields()
    /// Writes members beyond those that every problem has.
    var members: (@Sendable (inout JSONWriter) -> Void)?

    func response() -> Response { Response(answer()) }

    func answer() -> JSONAnswer {
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        writer.name("type")
        writer.string("/docs/errors#" + code)
        writer.name("title")
        writer.string(title)
        writer.name("status")
        writer.integer(Int64(status.code))
        writer.name("detail")
        writer.string(detail)
        writer.name("code")
        writer.string(code)
        if let field, !field.isEmpty {
            writer.name("field")
            writer.string(field)
        }
        members?(&writer)
        writer.endObject()
        return JSONAnswer(
            json: writer.bytes, status: status, type: "application/problem+json", headers: headers)
    }

    /// The code in words.
    private var title: String {
        code.prefix(1).uppercased() + code.dropFirst().replacing("_", with: " ")
    }
}

// MARK: - From errors

extension Problem {
    /// `nil` for errors that are not ours to explain.
    init?(explaining error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let rejection as Rejection: self.init(rejection)
        case let error as StoreError: self.init(error)
        default: return nil
        }
    }

    /// - Parameter path: codes that speak of what the path names, which is not there.
    package init(_ rejection: Rejection, missing path: Set<Rejection.Code> = []) {
        self.init(
            status: path.contains(rejection.code) ? .notFound : Self.status(of: rejection.code),
            code: rejection.code.rawValue, detail: rejection.message, field: rejection.field)
    }

    static func status(of code: Rejection.Code) -> HTTPResponse.Status {
        switch code {
        case .malformed: .badRequest
        case .trackingDisabled, .foreignSubject: .forbidden
        case .alreadyVoided, .eventVoided, .eventRefunded, .inUse, .idempotencyConflict,
            .tooManyEvents, .reservationOpen, .reservationClosed,
            .duplicateGrant, .alreadyRefunded, .subjectErased, .monthClosed, .monthNotOver:
            .conflict
        case .preconditionFailed: .preconditionFailed
        case .tooManyReservations: .tooManyRequests
        case .timeZoneRules: .serviceUnavailable
        case .tooLarge: .contentTooLarge
        case .cursorExpired: .gone
        case .invalidField, .missingField, .unknownField, .unknownMeter, .unknownPlan,
            .unknownLimit, .unknownFeature, .unknownAddOn, .unknownWebhook, .unknownSubject,
            .unknownEvent,
            .unknownTimeZone,
            .nothingToCount,
            .quantityOverflow, .occurredAtOutOfRange, .cyclicParent, .unknownReservation,
            .unknownGrant, .unknownReference, .creditOverflow, .unknownType, .unpricedModel:
            .unprocessableContent
        }
    }

    package init(_ error: StoreError) {
        let (status, retryAfterSeconds) = Self.status(of: error.code)
        self.init(status: status, code: error.code.text, detail: error.message)
        if let retryAfterSeconds { headers[.retryAfter] = String(retryAfterSeconds) }
    }

    /// 503 where nothing was done and the same request may succeed later, here or after a restart.
    static func status(
        of code: StoreError.Code
    ) -> (status: HTTPResponse.Status, retryAfterSeconds: Int?) {
        switch code.kind {
        case .overloaded, .unavailable: (.serviceUnavailable, 1)
        case .closed, .halted, .locked, .inputOutput, .timeZoneRules, .following:
            (.serviceUnavailable, 5)
        case .diskFull: (HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage"), nil)
        case .outcomeUnknown, .corrupt, .schemaTooNew, .misuse: (.internalServerError, nil)
        }
    }
}

// MARK: - Refusals

extension Problem {
    /// A consume that is refused: which limits, when to try again, which plans would allow it.
    static func denied(
        _ denial: Denial, limits: [LimitStatus], credits: CreditCharge? = nil, at now: Instant
    ) -> Problem {
        var problem = Problem(status: .tooManyRequests, code: denial.code, detail: "")
        switch denial.reason {
        case .subjectBlocked(let subject):
            problem.status = .forbidden
            let names = denial.violated.map(\.text).joined(separator: ", ")
            problem.detail =
                "\(subject) is blocked" + (names.isEmpty ? "" : ": nothing is left of \(names)")
        case .featureOff(let name):
            problem.status = .forbidden
            problem.detail = "the plan does not have the feature '\(name)'"
        case .limitExceeded:
            let names = denial.violated.map(\.text).joined(separator: ", ")
            let full = limits.first { $0.isBeyondValues && denial.violated.contains($0.limit) }
            problem.detail =
                full.map { "\($0.limit) has no counter left for the value '\($0.value ?? "")'" }
                ?? "not enough is left of \(names)"
        case .insufficientCredits:
            problem.status = HTTPResponse.Status(code: 402, reasonPhrase: "Payment Required")
            let cost = credits.map { "\($0.amount) credits are needed, \($0.balance) are left" }
            problem.detail = cost ?? "not enough credits are left"
        }
        if let seconds = denial.retryAfterSeconds(at: now) {
            problem.headers[.retryAfter] = String(seconds)
        }
        problem.headers.addRateLimits(limits, at: now)
        let decision = Decision(
            denial: denial, isDuplicate: false, eventID: nil, limits: limits, credits: credits)
        problem.members = {
            $0.members(of: CheckAnswer(decision, at: now), Shapes.denied)
        }
        return problem
    }

    /// - Parameter fields: those that say something else than before.
    static func eventConflict(_ id: EventID, differs fields: [String]) -> Problem {
        var problem = Problem(
            status: .conflict, code: "event_conflict",
            detail: "\(id) was used before, by an event with other content"
                + list(of: fields), field: "id")
        problem.members = { $0.differs(fields) }
        return problem
    }

    /// What differs, as the end of a sentence.
    private static func list(of fields: [String]) -> String {
        guard let first = fields.first else { return "" }
        let more = fields.count > 1 ? ", and \(fields.count - 1) more" : ""
        return ": another \(first)\(more)"
    }

    /// A reservation that was closed before, in another way.
    static func reservationConflict(
        _ reservation: Reservation, differs fields: [String]
    ) -> Problem {
        var problem = Problem(
            status: .conflict, code: "reservation_conflict",
            detail: "\(reservation.id) was closed before, in another way" + list(of: fields))
        problem.members = { writer in
            writer.differs(fields)
            writer.name("reservation")
            writer.object(reservation, Shapes.reservation)
        }
        return problem
    }

    /// What the path names does not exist.
    static func missing(_ code: Rejection.Code, _ name: String) -> Problem {
        missing(code.rawValue, name)
    }

    static func missing(_ code: String, _ name: String) -> Problem {
        Problem(status: .notFound, code: code, detail: "there is no \(name)")
    }

    /// An error that nothing is known about.
    static let unexplained = Problem(
        status: .internalServerError, code: StoreError.Code.misuse.text,
        detail: "the request failed for a reason that the server does not know")

    static let notFound = Problem(
        status: .notFound, code: "not_found", detail: "there is nothing at this path")

    static func methodNotAllowed(_ methods: [String]) -> Problem {
        let allow = methods.joined(separator: ", ")
        return Problem(
            status: .methodNotAllowed, code: "method_not_allowed",
            detail: "this path takes \(allow)", headers: [.allow: allow])
    }

    static let unauthorized = Problem(
        status: .unauthorized, code: "unauthorized",
        detail: "expected the header field 'Authorization: Bearer KEY' with a key that is accepted",
        headers: [.wwwAuthenticate: "Bearer realm=\"meterstone\""])

    static func unsupportedMediaType(_ expected: String) -> Problem {
        Problem(
            status: .unsupportedMediaType, code: "unsupported_media_type",
            detail: "expected a body of \(expected), in UTF-8", field: "Content-Type")
    }

    static let unsupportedEncoding = Problem(
        status: .unsupportedMediaType, code: "unsupported_media_type",
        detail: "expected a body that is gzipped or as it is", field: "Content-Encoding",
        headers: [.acceptEncoding: "gzip"])

    static func tooLarge(_ bytes: Int, after recorded: Int = 0) -> Problem {
        let before = recorded > 0 ? "; the first \(recorded) events were taken" : ""
        return Problem(
            status: .contentTooLarge, code: Rejection.Code.tooLarge.rawValue,
            detail: "expected a body of at most \(bytes) bytes\(before)")
    }

    static let analyticsDisabled = Problem(
        status: .forbidden, code: "analytics_disabled",
        detail: "analytics are switched off by USAGE_ANALYTICS_ENABLED")
}

extension JSONWriter {
    /// Writes which fields of a request say something else than before.
    fileprivate mutating func differs(_ fields: [String]) {
        guard !fields.isEmpty else { return }
        name("differs")
        beginArray()
        for field in fields { string(field) }
        endArray()
    }
}

extension MeterstoneEngine {
    /// The problem of a conflict, with what differs.
    func conflict(
        _ id: EventID, _ event: UsageEvent, _ terms: ReservationTerms? = nil
    ) async throws -> Problem {
        let differs = try await differences(of: event, terms: terms)
        // What is another's event, or not, is nobody's to learn who is bound to a subject.
        let isForeign = Caller.current.subject != nil && differs.contains("subject")
        return .eventConflict(id, differs: isForeign ? [] : differs)
    }
}
