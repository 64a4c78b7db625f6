import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Answers `POST /v1/consume` on the thread that reads its socket, ahead of the router.
///
/// A consume is a few microseconds of work, and Hummingbird's way to a route and back costs several
/// times that: measured with 64 connections, it halved what one machine answers. Everything that is
/// not a short, plain consume passes through, and the route of the same path does the same for the
/// rest, so that this is only a faster way to the same answer.
///
/// Answers leave in the order of the requests: while a request is under way, on either path, parts of
/// later ones wait here.
final class ConsumeHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum State {
        case idle
        /// A request that is not ours is under way.
        case passing(isRead: Bool, isAnswered: Bool)
        case collecting(HTTPRequest, ByteBuffer)
        case deciding
    }

    private let routes: ConsumeRoutes
    private let key: AdministratorKey?
    private var date = HTTPDate()
    private var state = State.idle
    private var waiting = CircularBuffer<HTTPRequestPart>()
    private var isReadHeld = false
    private var isQuiescing = false
    private var executor: EventLoopExecutor?

    init(routes: ConsumeRoutes, key: AdministratorKey?) {
        self.routes = routes
        self.key = key
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if !waiting.isEmpty || !take(part, context) { waiting.append(part) }
    }

    /// Moves on with the next part, or returns `false` when it has to wait.
    private func take(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) -> Bool {
        switch (state, part) {
        case (.idle, .head(let head)) where isShortConsume(head):
            state = .collecting(head, ByteBuffer())
        case (.idle, _):
            state = .passing(isRead: false, isAnswered: false)
            return take(part, context)
        case (.passing(isRead: false, let isAnswered), _):
            if case .end = part {
                state = isAnswered ? .idle : .passing(isRead: true, isAnswered: false)
            }
            context.fireChannelRead(wrapInboundOut(part))
        case (.collecting(let head, var body), .body(var bytes)):
            state = .idle
            if body.readableBytes == 0 { body = bytes } else { body.writeBuffer(&bytes) }
            state = .collecting(head, body)
        case (.collecting(let head, let body), _):
            decide(head, body, context)
        case (.passing(isRead: true, _), _), (.deciding, _):
            return false
        }
        return true
    }

    private func isShortConsume(_ head: HTTPRequest) -> Bool {
        guard head.method == .post, head.path == ConsumeRoutes.consumePath,
            let length = head.headerFields[.contentLength].flatMap({ Int($0) }),
            length <= RequestLimits.shortBodyBytesMax
        else { return false }
        return head.headerFields[.connection] == nil
            || head.headerFields[.connection]?.lowercased() == "keep-alive"
    }

    private func takeWaiting(_ context: ChannelHandlerContext) {
        guard !waiting.isEmpty else { return }
        while let part = waiting.first, take(part, context) { waiting.removeFirst() }
        context.fireChannelReadComplete()
        if isReadHeld, waiting.count < RequestLimits.waitingPartsMax {
            isReadHeld = false
            context.read()
        }
    }

    /// Lets a client that sends request after request wait for its answers.
    func read(context: ChannelHandlerContext) {
        if waiting.count < RequestLimits.waitingPartsMax {
            context.read()
        } else {
            isReadHeld = true
        }
    }

    // MARK: Answers

    private func decide(
        _ head: HTTPRequest, _ body: ByteBuffer, _ context: ChannelHandlerContext
    ) {
        state = .deciding
        let executor = executor ?? EventLoopExecutor(context.eventLoop)
        self.executor = executor
        let here = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        let routes = routes
        let key = key
        Task.immediate(executorPreference: executor) {
            let answer = await routes.answer(head.headerFields, body, key: key)
            let (handler, context) = here.value
            handler.write(answer, context)
        }
    }

    private func write(_ answer: JSONAnswer, _ context: ChannelHandlerContext) {
        var fields = answer.headers
        fields[.contentLength] = String(answer.json.count)
        fields[.date] = date.text(at: routes.clock())
        let head = HTTPResponse(status: answer.status, headerFields: fields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.json))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        finish(context)
    }

    private func finish(_ context: ChannelHandlerContext) {
        state = .idle
        takeWaiting(context)
        if isQuiescing, case .idle = state {
            context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
    }

    /// Sees when Hummingbird has answered.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        context.write(wrapOutboundOut(part), promise: promise)
        guard case .end = part, case .passing(let isRead, _) = state else { return }
        if isRead {
            finish(context)
        } else {
            state = .passing(isRead: false, isAnswered: true)
        }
    }

    // MARK: The connection

    /// A server that stops lets a consume that is being decided have its answer first.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch (event, state) {
        case (is ChannelShouldQuiesceEvent, .collecting), (is ChannelShouldQuiesceEvent, .deciding):
            isQuiescing = true
        case (is IdleStateHandler.IdleStateEvent, .idle),
            (is IdleStateHandler.IdleStateEvent, .collecting):
            context.close(promise: nil)
        case (is IdleStateHandler.IdleStateEvent, _):
            break
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }
}

/// Runs tasks on an event loop.
final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute {
            unsafe job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }
}
