import MeterstoneAPI
import MeterstoneCore
import MeterstoneStore

/// What a server answered: a value, or a problem with its code.
struct ClientAnswer: Sendable {
    let status: Int
    let response: ClientResponse
    /// When it came.
    let at: Instant
    /// Of a problem; `nil`: it is none.
    let problem: Problem?

    struct Problem: Sendable {
        let code: String
        let field: String
        let detail: String
        let fields: WireFields

        var rejection: Rejection? {
            Rejection.Code(rawValue: code).map {
                Rejection(code: $0, field: field, message: detail)
            }
        }
    }

    init(_ response: ClientResponse, at: Instant) throws(ClientError) {
        status = response.status
        self.response = response
        self.at = at
        guard !(200..<300).contains(response.status) else {
            problem = nil
            return
        }
        do throws(WireMismatch) {
            let fields = try WireFields(response.body)
            problem = Problem(
                code: try fields("code"), field: try fields("field") ?? "",
                detail: try fields("detail"), fields: fields)
        } catch {
            problem = nil
            guard !mayBeRepeated else { return }
            throw ClientError(
                .unexpectedAnswer,
                "the server answered with status \(response.status), and with no problem of Meterstone"
            )
        }
    }

    /// Whether the same request may have another answer later.
    var mayBeRepeated: Bool {
        switch status {
        case 502, 503, 504: true
        // What became of it is not known, and asking again with the same id tells.
        case 500: problem?.code == StoreError.Code.outcomeUnknown.text
        case 408: true
        default: false
        }
    }

    var retryAfterMilliseconds: Int64? {
        response.header("retry-after").flatMap { Int64($0) }.flatMap { seconds in
            (0...86_400).contains(seconds) ? seconds * 1_000 : nil
        }
    }

    /// The value of an answer that is no problem.
    func value<Value>(_ shape: Shape<Value>) throws -> Value {
        try value { (fields) throws(WireMismatch) in try shape.read(fields) }
    }

    func value<Value>(
        _ read: (WireFields) throws(WireMismatch) -> Value
    ) throws -> Value {
        if let error { throw error }
        do throws(WireMismatch) {
            return try read(try WireFields(response.body))
        } catch {
            throw ClientError(error)
        }
    }

    /// What is no outcome of the rules; `nil`: it is a value, or one of those.
    var error: (any Error)? {
        guard let problem else {
            guard !(200..<300).contains(status) else { return nil }
            return ClientError(
                .unreachable, "what stands before the server answered with status \(status)")
        }
        if let rejection = problem.rejection { return rejection }
        if let code = StoreError.Code(text: problem.code) {
            return StoreError(code: code, message: problem.detail)
        }
        switch status {
        case 401: return ClientError(.unauthorized, problem.detail, problem: problem.code)
        default: return ClientError(.refused, problem.detail, problem: problem.code)
        }
    }
}

extension ClientError {
    init(_ mismatch: WireMismatch) {
        let place = mismatch.path.isEmpty ? "the answer" : "'\(mismatch.path)' of the answer"
        self.init(.unexpectedAnswer, "\(place): expected \(mismatch.expectation)")
    }
}
