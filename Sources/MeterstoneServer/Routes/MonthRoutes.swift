import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Closing months, and what closed months came to.
struct MonthRoutes: Sendable {
    let engine: MeterstoneEngine
    /// `nil`: statements are not signed.
    let secret: StatementSecret?

    private static let path = "/v1/months"

    func add(to routes: inout Routes) {
        routes.on(.get, Self.path) { _, _ in
            Response(try await engine.closedMonths(), Shapes.closedMonths)
        }
        routes.on(.post, Self.path + "/:month/close") { request, context in
            try await close(try context.month(), request)
        }
        routes.on(.get, Self.path + "/:month/statement") { _, context in
            try await statement(of: try context.month(), for: nil)
        }
        routes.on(.get, "/v1/subjects/:subject/statements/:month") { _, context in
            try await statement(
                of: try context.month(), for: try context.parameter("subject") as SubjectID)
        }
    }

    private func close(_ month: CivilMonth, _ request: Request) async throws -> Response {
        try await engine.put(.closeMonth(month), request) { after in
            // From now on it says the same for ever.
            _ = try await engine.statement(of: month)
            guard let closed = try await engine.closedMonths().first(where: { $0.month == month })
            else { return after }
            var writer = JSONWriter()
            writer.object(closed, Shapes.closedMonth)
            return writer.bytes
        }
    }

    private func statement(
        of month: CivilMonth, for subject: SubjectID?
    ) async throws -> Response {
        switch try await engine.statement(of: month, for: subject) {
        case .notClosed: throw Problem.missing("unknown_month", "closed month \(month)")
        case .unknownSubject:
            throw Problem.missing(.unknownSubject, "subject \(subject?.text ?? "")")
        case .document(let document):
            let bytes = Array(document.text.utf8)
            var headers = HTTPFields()
            headers[.signature] = secret?.signature(of: bytes)
            return Response(json: bytes, headers: headers)
        }
    }
}

extension ServerContext {
    fileprivate func month() throws(Rejection) -> CivilMonth {
        guard let text = parameters["month"], let month = CivilMonth(String(text)) else {
            throw .invalid("month", CivilMonth.expectation)
        }
        return month
    }
}

extension OpenAPIOperation {
    static let months: [OpenAPIOperation] = [
        get(
            "/v1/months", "listMonths", "Months that were closed, the oldest first", [],
            "ClosedMonthList", []),
        OpenAPIOperation(
            method: .post, path: "/v1/months/{month}/close", id: "closeMonth",
            summary: "Close a month, for good",
            description: """
                From then on nothing that counts in it changes: usage that is told late counts in the \
                first open month, and events of the month are neither voided nor amended.
                """,
            parameters: [.civilMonth, .idempotencyKey, .author],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "It was closed before.", schema: "ClosedMonth",
                    headers: [.tag, .outcome, .replayed]),
                OpenAPIAnswer(
                    status: 201, description: "It is closed.", schema: "ClosedMonth",
                    headers: [.tag, .outcome, .replayed]),
            ],
            problems: [.conflict]),
        statement(
            "/v1/months/{month}/statement", "getStatement",
            "What all subjects used in a closed month", [.civilMonth]),
        statement(
            "/v1/subjects/{subject}/statements/{month}", "getSubjectStatement",
            "What the subject used in a closed month", [.subject, .civilMonth]),
    ]

    private static func statement(
        _ path: String, _ id: String, _ summary: String, _ parameters: [OpenAPIParameter]
    ) -> OpenAPIOperation {
        OpenAPIOperation(
            method: .get, path: path, id: id, summary: summary,
            description: """
                Asked for again it is the same, byte for byte. Where the server has a secret for it, a \
                header field has the HMAC with SHA-256 of the body, in hexadecimal digits.
                """,
            parameters: parameters,
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "The statement.", schema: "MonthStatement",
                    headers: [.signature])
            ],
            problems: [.notFound])
    }
}

extension OpenAPIParameter {
    fileprivate static let civilMonth = OpenAPIParameter(
        place: .path, name: "month", description: "A month: 2026-10.",
        schema: #"{"type":"string","pattern":"^[0-9]{4}-(0[1-9]|1[0-2])$"}"#)
}
