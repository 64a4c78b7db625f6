import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Tells clients that wait for it to send their body, unless the request is refused without it.
///
/// `curl` asks before a body of more than a megabyte, and without an answer waits for a second. A request
/// that is refused by its head alone is not asked for a body: who may call, where it goes, and how long
/// it says to be. The router looks at the same and gives the answer.
///
/// It stands after the ``ConsumeHandler``, which lets a request through when those before it are answered:
/// an invitation must not fall into the middle of another answer.
final class ExpectContinueHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundOut = HTTPResponsePart

    private let guardian: Guardian
    private let paths: PathTable

    init(_ guardian: Guardian, _ paths: PathTable) {
        self.guardian = guardian
        self.paths = paths
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data), head.expectsContinue, isWelcome(head) {
            let head = HTTPResponse(status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        }
        context.fireChannelRead(data)
    }

    private func isWelcome(_ head: HTTPRequest) -> Bool {
        do { try guardian.check(head) } catch { return false }
        let path = String((head.path ?? "").prefix { $0 != "?" })
        guard paths.methods(of: path).contains(head.method.rawValue) else { return false }
        // A length that is no number, or none, says nothing.
        let length = head.headerFields[.contentLength].flatMap { Int($0) } ?? 0
        return length <= RequestLimits.bodyBytesMax(path)
    }
}

extension HTTPRequest {
    /// Whether the client waits to be asked for its body.
    var expectsContinue: Bool {
        headerFields[.expect].map { $0.lowercased() == "100-continue" } ?? false
    }
}
