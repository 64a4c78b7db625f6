import HTTPTypes
import Hummingbird
import MeterstoneAPI
import MeterstoneCore
import MeterstoneStore
import NIOCore

extension Request {
    /// The body, at once, unpacked and without a byte order mark. It is counted as memory until the
    /// request is answered.
    func bytes(upTo max: Int = RequestLimits.bodyBytesMax) async throws -> [UInt8] {
        var reader = try BodyReader(self, upTo: max)
        var bytes: [UInt8] = []
        while let buffer = try await reader.next() {
            try BodyMemory.current?.take(buffer.readableBytes)
            bytes.append(contentsOf: buffer.readableBytesView)
        }
        return bytes.withoutByteOrderMark
    }

    /// A body that has to be JSON.
    func json(upTo max: Int = RequestLimits.bodyBytesMax) async throws -> [UInt8] {
        try headers.requireJSON()
        return try await bytes(upTo: max)
    }
}

// MARK: - Header fields

extension HTTPFields {
    /// Throws unless the body has a media type of JSON, or none.
    func requireJSON() throws {
        guard let header = self[.contentType], header != "application/json" else { return }
        let type = MediaTypeName(header)
        guard type.isJSON, type.isUTF8 else {
            throw Problem.unsupportedMediaType("application/json")
        }
    }

    /// Whether the body is newline-delimited JSON.
    var sayLines: Bool {
        guard let header = self[.contentType], header != "application/json" else { return false }
        let type = MediaTypeName(header)
        return type.isLines && type.isUTF8
    }

    /// The header field `Idempotency-Key`, with or without the quotes of its specification.
    func idempotencyKey() throws(Rejection) -> String? {
        guard let header = self[.idempotencyKey] else { return nil }
        let isQuoted = header.utf8.count >= 2 && header.hasPrefix("\"") && header.hasSuffix("\"")
        let key = isQuoted ? String(header.dropFirst().dropLast()) : header
        guard EventID(key) != nil else { throw .invalid("Idempotency-Key", EventID.expectation) }
        return key
    }

    func idempotencyEventID() throws(Rejection) -> EventID? {
        try idempotencyKey().flatMap { EventID($0) }
    }

    /// Who is named in the audit log: the header field `X-Author`, whoever asks, or both.
    func author() throws(Rejection) -> String {
        let caller = Caller.current
        guard let header = self[.author] else { return caller.name }
        guard SubjectID.isValid(header) else { throw .invalid("X-Author", SubjectID.expectation) }
        return caller == .administrator ? header : "\(header), \(caller.name)"
    }
}

extension Request {
    /// A change with its author and its key, both from header fields.
    /// - Parameter told: as of ``ChangeRequest/told``, before it is digested.
    func change(_ change: Change, told: [UInt8]? = nil) throws(Rejection) -> ChangeRequest {
        ChangeRequest(
            change: change, author: try headers.author(),
            idempotencyKey: try headers.idempotencyKey(),
            told: told.map { String(XXH64.hash($0[...], seed: 0), radix: 16) },
            condition: try headers.condition(), address: Caller.address)
    }
}

extension HTTPField.Name {
    static let idempotencyKey = known("Idempotency-Key")
    static let idempotencyReplayed = known("Idempotency-Replayed")
    static let author = known("X-Author")
    static let outcome = known("Meterstone-Outcome")
    static let signature = known("Meterstone-Signature")
    static let requestID = known("X-Request-Id")
    static let traceParent = known("traceparent")
    static let link = known("Link")
    static let rateLimit = known("RateLimit")
    static let rateLimitPolicy = known("RateLimit-Policy")
    static let cloudEventID = known("ce-id")
    static let cloudEventVersion = known("ce-specversion")

    private static func known(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else {
            preconditionFailure("'\(text)' is a name of a header field")
        }
        return name
    }
}

// MARK: - Path

extension Request {
    /// Refuses empty segments, which routing would pass over: `/v1/subjects//usage` is not the
    /// subject `usage`.
    func requireWholePath() throws {
        let path = head.path ?? ""
        let end = path.utf8.firstIndex(of: UInt8(ascii: "?")) ?? path.utf8.endIndex
        var previous: UInt8 = 0
        for byte in path.utf8[..<end] {
            if byte == UInt8(ascii: "/"), previous == byte { throw Problem.notFound }
            previous = byte
        }
    }
}

extension ServerContext {
    /// A parameter of the path, as the identifier that it has to be.
    func parameter<Identifier: TextIdentifier>(
        _ name: String, as type: Identifier.Type = Identifier.self
    ) throws(Rejection) -> Identifier {
        guard let text = parameters[name[...]], let decoded = percentDecoded(text),
            let identifier = Identifier(decoded)
        else { throw .invalid(name, Identifier.expectation) }
        return identifier
    }

    func eventID(_ name: String) throws(Rejection) -> EventID {
        guard let text = parameters[name[...]], let decoded = percentDecoded(text),
            let id = EventID(decoded)
        else { throw .invalid(name, EventID.expectation) }
        return id
    }
}
