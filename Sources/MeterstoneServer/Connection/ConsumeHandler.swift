import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Answers `POST /v1/consume` on the thread that reads its socket, ahead of the router.
///
/// A consume is a few microseconds of work, and the way to a route and back costs more than that:
/// measured with 64 connections, a fifth of all processor time of a request. Everything that is
/// not a short, plain consume passes through, and the route of the same path does the same work
/// for the rest, so that this is only a faster way to the same answer.
///
/// Answers leave in the order of the requests: while a request is under way, on either path, parts
/// of later ones wait here, and so does news of the connection's end.
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
    private let guardian: Guardian
    private let observer: Observer
    private let route: ObservedRoute
    /// How long a server that stops waits for the rest of a request.
    private let stoppingTime: TimeAmount
    /// How long it waits for answers, and for the client to take them.
    private let closingTime: TimeAmount
    /// Whether the connection ends with the answer that is under way.
    private var isLast = false
    private var date = HTTPDate()
    private var state = State.idle
    private var waiting = CircularBuffer<HTTPRequestPart>()
    private var isTaking = false
    private var isReadHeld = false
    private var heldEvents: [Any] = []
    private var heldError: (any Error)?
    private var executor: EventLoopExecutor?

    init(
        routes: ConsumeRoutes, guardian: Guardian, observer: Observer,
        stoppingTime: TimeAmount, closingTime: TimeAmount
    ) {
        self.routes = routes
        self.guardian = guardian
        self.observer = observer
        route = observer.route(.post, ConsumeRoutes.consumePath)
        self.stoppingTime = stoppingTime
        self.closingTime = closingTime
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
            // The state lets go of the body, so that appending does not copy it.
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
            length <= RequestLimits.shortBodyBytesMax, head.headerFields[.contentEncoding] == nil,
            !head.headerFields.sayLines, !head.expectsContinue
        else { return false }
        let connection = head.headerFields[.connection]
        return connection == nil || connection?.lowercased() == "keep-alive"
    }

    private func takeWaiting(_ context: ChannelHandlerContext) {
        guard !waiting.isEmpty else { return }
        isTaking = true
        while let part = waiting.popFirst() {
            guard take(part, context) else {
                waiting.prepend(part)
                break
            }
        }
        isTaking = false
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

    /// Starts a task that belongs to no group: it lasts as long as one commit, the engine answers
    /// every command, also while it shuts down, and the connection waits for it.
    private func decide(
        _ head: HTTPRequest, _ body: ByteBuffer, _ context: ChannelHandlerContext
    ) {
        state = .deciding
        let executor = executor ?? EventLoopExecutor(context.eventLoop)
        self.executor = executor
        let here = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        let (routes, guardian, observer, route) = (routes, guardian, observer, route)
        let address = context.channel.remoteAddress
        Task.immediate(executorPreference: executor) {
            let answer = await routes.answer(head, body, from: address, guardian, observer, route)
            let (handler, context) = here.value
            handler.send(answer, context)
        }
    }

    private func send(_ answer: JSONAnswer, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        var fields = answer.headers
        fields[.contentLength] = String(answer.json.count)
        fields[.date] = date.text(at: routes.clock())
        let head = HTTPResponse(status: answer.status, headerFields: fields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.json))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: closing(context, nil))
        finish(context)
    }

    /// The promise of the end of an answer, with which the connection ends if it is the last.
    private func closing(
        _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
    ) -> EventLoopPromise<Void>? {
        guard isLast else { return promise }
        let promise = promise ?? context.eventLoop.makePromise()
        let here = NIOLoopBound(context, eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { _ in here.value.close(promise: nil) }
        return promise
    }

    private func finish(_ context: ChannelHandlerContext) {
        state = .idle
        guard !isLast else { return waiting.removeAll() }
        // An answer that is known at once comes while its request is being taken, and goes on
        // there: a client that sends a thousand requests at once must not make a thousand calls
        // deep.
        guard !isTaking else { return }
        takeWaiting(context)
        guard isFree else { return }
        let events = heldEvents
        heldEvents.removeAll()
        for event in events { context.fireUserInboundEventTriggered(event) }
        if let error = heldError {
            heldError = nil
            context.fireErrorCaught(error)
        }
    }

    /// Sees when Hummingbird has answered.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        guard case .end = part, case .passing(let isRead, _) = state else {
            return context.write(wrapOutboundOut(part), promise: promise)
        }
        context.write(wrapOutboundOut(part), promise: closing(context, promise))
        if isRead {
            finish(context)
        } else {
            state = .passing(isRead: false, isAnswered: true)
        }
    }

    // MARK: The connection

    /// Whether nothing of ours is under way, and nobody waits.
    private var isFree: Bool {
        switch state {
        case .idle, .passing: waiting.isEmpty
        case .collecting, .deciding: false
        }
    }

    /// That the server stops, or that the client sends no more, must not close the connection on a
    /// consume that is being decided.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { return closeUnlessAnswering(context) }
        if event is ChannelShouldQuiesceEvent { closeLater(context) }
        if isFree {
            context.fireUserInboundEventTriggered(event)
        } else {
            heldEvents.append(event)
        }
    }

    /// A client that stopped in the middle of its request, or that does not take its answer, is let
    /// go; one whose request is whole waits for us, and not we for it.
    private func closeUnlessAnswering(_ context: ChannelHandlerContext) {
        switch state {
        case .idle, .collecting, .passing(isRead: false, _): context.close(promise: nil)
        case .passing(isRead: true, _), .deciding: break
        }
    }

    /// While the server stops: gives the rest of a request some time to arrive, answers what arrived, and
    /// then waits for nobody, whether a client sends on and on or takes nothing.
    private func closeLater(_ context: ChannelHandlerContext) {
        let here = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        let tasks = [
            context.eventLoop.scheduleTask(in: stoppingTime) {
                let (handler, context) = here.value
                handler.isLast = true
                handler.closeUnlessAnswering(context)
            },
            context.eventLoop.scheduleTask(in: closingTime) {
                here.value.context.close(promise: nil)
            },
        ]
        context.channel.closeFuture.whenComplete { _ in
            for task in tasks { task.cancel() }
        }
    }

    /// What cannot be read comes after what could.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isFree {
            context.fireErrorCaught(error)
        } else {
            heldError = error
        }
    }
}
