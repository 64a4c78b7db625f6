import AsyncHTTPClient
import MeterstoneShipping
import NIOCore
import NIOHTTP1

/// Asks a bucket's server over TCP.
struct BucketClient: BucketTransport {
    /// More than any part of a file.
    private static let bodyBytesMax = 256 * 1_048_576

    func send(
        _ request: BucketRequest, timeoutMilliseconds: Int64
    ) async throws -> BucketResponse {
        var outgoing = HTTPClientRequest(url: request.url)
        outgoing.method = HTTPMethod(rawValue: request.method)
        for header in request.headers {
            outgoing.headers.add(name: header.name, value: header.value)
        }
        if !request.body.isEmpty { outgoing.body = .bytes(ByteBuffer(bytes: request.body)) }
        let answer = try await HTTPClient.shared.execute(
            outgoing, timeout: .milliseconds(timeoutMilliseconds))
        let body = try await answer.body.collect(upTo: Self.bodyBytesMax)
        return BucketResponse(
            status: Int(answer.status.code),
            headers: answer.headers.map { ($0.name, $0.value) }, body: Array(buffer: body))
    }
}
