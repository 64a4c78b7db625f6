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
    /// Parts of a request that waits for its invitation; `nil`: none does.
    private var held: [HTTPRequestPart]?

    init(_ guardian: Guardian, _ paths: PathTable) {
        self.guardian = guardian
        self.paths = paths
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if held != nil {
            held?.append(part)
        } else if case .head(let head) = part, head.expectsContinue, mayGo(head) {
            held = [part]
            look(at: head, context)
        } else {
            context.fireChannelRead(data)
        }
    }

    /// Whether it goes to a route, with no longer a body than the route takes.
    private func mayGo(_ head: HTTPRequest) -> Bool {
        let path = String((head.path ?? "").prefix { $0 != "?" })
        guard paths.methods(of: path).contains(head.method.rawValue) else { return false }
        // A length that is no number, or none, says nothing.
        let length = head.headerFields[.contentLength].flatMap { Int($0) } ?? 0
        return length <= RequestLimits.bodyBytesMax(path)
    }

    /// Lets the request wait until it is known who sends it.
    private func look(at head: HTTPRequest, _ context: ChannelHandlerContext) {
        let here = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        let (guardian, address) = (guardian, context.channel.remoteAddress)
        Task.immediate(executorPreference: EventLoopExecutor(context.eventLoop)) {
            let isWelcome = await guardian.knows(head, from: address)
            let (handler, context) = here.value
            handler.goOn(isWelcome, context)
        }
    }

    private func goOn(_ isWelcome: Bool, _ context: ChannelHandlerContext) {
        let parts = held ?? []
        held = nil
        guard context.channel.isActive else { return }
        if isWelcome {
            let head = HTTPResponse(status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        }
        for part in parts { context.fireChannelRead(wrapInboundOut(part)) }
        context.fireChannelReadComplete()
    }
}

extension HTTPRequest {
    /// Whether the client waits to be asked for its body.
    var expectsContinue: Bool {
        headerFields[.expect].map { $0.lowercased() == "100-continue" } ?? false
    }
}
