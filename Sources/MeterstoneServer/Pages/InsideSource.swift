import HTTPTypes
import Hummingbird
import MeterstoneCore
import MeterstonePages
import NIOCore
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What can be read of the interface, asked within the process. Who asks, and whether they may, is
/// looked at as for any request; it is not counted or logged as one.
struct InsideRoutes: Sendable {
    let responder: RouterResponder<ServerContext>
}

/// The interface, in the name of whoever asks for a page.
struct InsideSource: PageSource {
    let head: HTTPRequest
    let context: ServerContext
    let routes: InsideRoutes
    let now: Instant
    let mayChange: Bool

    var hasSession: Bool {
        head.headerFields[.cookie]?.contains("meterstone_session=") ?? false
    }

    func text(_ path: String) async throws(PageProblem) -> String {
        String(decoding: try await bytes(path), as: UTF8.self)
    }

    func get(_ path: String) async throws(PageProblem) -> PageValue {
        let bytes = try await bytes(path)
        do {
            return try JSONDecoder().decode(PageValue.self, from: Data(bytes))
        } catch {
            throw PageProblem(
                status: 500, code: "unreadable", detail: "The answer of \(path) is no JSON.")
        }
    }

    private func bytes(_ path: String) async throws(PageProblem) -> [UInt8] {
        var head = HTTPRequest(
            method: .get, scheme: self.head.scheme, authority: self.head.authority, path: path)
        for name in [HTTPField.Name.authorization, .cookie, .origin] {
            if let value = self.head.headerFields[name] { head.headerFields[name] = value }
        }
        do {
            let response = try await routes.responder.respond(
                to: Request(head: head, body: RequestBody(buffer: ByteBuffer())), context: context)
            let collected = CollectedBody()
            try await response.body.write(BodyCollector(body: collected))
            return collected.bytes
        } catch {
            throw PageProblem(explaining: error)
        }
    }
}

/// What a body gives, all of it.
private final class CollectedBody: Sendable {
    private let collected = Mutex<[UInt8]>([])

    var bytes: [UInt8] { collected.withLock { $0 } }

    func add(_ buffer: ByteBuffer) {
        collected.withLock { $0.append(contentsOf: buffer.readableBytesView) }
    }
}

private struct BodyCollector: ResponseBodyWriter {
    let body: CollectedBody

    mutating func write(_ buffer: ByteBuffer) async throws { body.add(buffer) }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

extension PageProblem {
    fileprivate init(explaining error: any Error) {
        guard let problem = Problem(explaining: error) else {
            self.init(
                status: 500, code: "failed", detail: "The server could not answer. Try again.")
            return
        }
        self.init(
            status: Int(problem.status.code), code: problem.code,
            detail: problem.detail.prefix(1).uppercased() + problem.detail.dropFirst() + ".")
    }
}
