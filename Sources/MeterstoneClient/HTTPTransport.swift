import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// A request as the client makes it, before it is anybody's HTTP.
package struct ClientRequest: Sendable {
    package var method: String
    /// The path and the query, percent-encoded.
    package var path: String
    package var headers: [(name: String, value: String)] = []
    package var body: [UInt8]?
}

package struct ClientResponse: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// - Parameter name: in lower case.
    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name }?.value
    }
}

/// An answer that comes bit by bit, and may go on for minutes.
package struct ClientStream: Sendable {
    package var status: Int
    package var chunks: any AsyncSequence<[UInt8], any Error> & Sendable

    package init(status: Int, chunks: any AsyncSequence<[UInt8], any Error> & Sendable) {
        self.status = status
        self.chunks = chunks
    }
}

/// Carries requests to a server. What it throws means that there was no answer.
package protocol HTTPTransport: Sendable {
    func send(
        _ request: ClientRequest, timeoutMilliseconds: Int64
    ) async throws -> ClientResponse

    /// Returns when the answer begins. A stream of which nothing comes for 45 seconds fails.
    func stream(_ request: ClientRequest) async throws -> ClientStream

    func shutdown() async
}

/// Over TCP, with connections that are kept and used again.
struct NetworkTransport: HTTPTransport {
    private static let bodyBytesMax = 256 * 1_048_576
    /// A server says something every 15 seconds.
    private static let silenceSecondsMax: Int64 = 45

    private let client: HTTPClient
    private let origin: String

    /// - Parameter origin: scheme, host and port.
    init(origin: String) {
        self.origin = origin
        var configuration = HTTPClient.Configuration()
        // Whether, and when, to try again is decided above.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.read = .seconds(Self.silenceSecondsMax)
        client = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func send(
        _ request: ClientRequest, timeoutMilliseconds: Int64
    ) async throws -> ClientResponse {
        let answer = try await client.execute(
            outgoing(request), timeout: .milliseconds(timeoutMilliseconds))
        let body = try await answer.body.collect(upTo: Self.bodyBytesMax)
        return ClientResponse(
            status: Int(answer.status.code),
            headers: answer.headers.map { ($0.name, $0.value) },
            body: Array(buffer: body))
    }

    func stream(_ request: ClientRequest) async throws -> ClientStream {
        let answer = try await client.execute(outgoing(request), deadline: .distantFuture)
        return ClientStream(
            status: Int(answer.status.code), chunks: answer.body.map { Array(buffer: $0) })
    }

    private func outgoing(_ request: ClientRequest) -> HTTPClientRequest {
        var outgoing = HTTPClientRequest(url: origin + request.path)
        outgoing.method = HTTPMethod(rawValue: request.method)
        for header in request.headers {
            outgoing.headers.add(name: header.name, value: header.value)
        }
        if let body = request.body { outgoing.body = .bytes(ByteBuffer(bytes: body)) }
        return outgoing
    }

    func shutdown() async {
        try? await client.shutdown()
    }
}
