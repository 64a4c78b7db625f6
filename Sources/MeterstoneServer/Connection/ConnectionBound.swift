import CoreMetrics
import HTTPTypes
import MeterstoneStore
import NIOCore
import NIOHTTPTypes
import Synchronization

/// How many connections are open, and how many may be.
final class OpenConnections: Sendable {
    private let max: Int
    private let count = Atomic(0)
    private let meter: CoreMetrics.Meter

    init(max: Int, _ metrics: PrometheusMetrics) {
        self.max = max
        meter = CoreMetrics.Meter(label: ServerMetric.connections.rawValue, factory: metrics)
    }

    /// Counts one more, and says whether there is room for it.
    func add() -> Bool {
        meter.increment()
        return count.add(1, ordering: .relaxed).newValue <= max
    }

    func remove() {
        meter.decrement()
        count.subtract(1, ordering: .relaxed)
    }
}

/// Turns a connection away at once when too many are open, so that those which are go on being served,
/// and nobody waits for a place in silence.
final class ConnectionBound: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundOut = HTTPResponsePart

    private let connections: OpenConnections
    private var isTurnedAway = false

    init(_ connections: OpenConnections) {
        self.connections = connections
    }

    func handlerAdded(context: ChannelHandlerContext) {
        isTurnedAway = !connections.add()
        context.channel.closeFuture.whenComplete { [connections] _ in connections.remove() }
        if isTurnedAway, context.channel.isActive { turnAway(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        if isTurnedAway { turnAway(context) }
    }

    /// What comes meanwhile is not looked at.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isTurnedAway { context.fireChannelRead(data) }
    }

    private func turnAway(_ context: ChannelHandlerContext) {
        let answer = Problem(
            StoreError(code: .overloaded, message: "too many connections are open")
        ).answer()
        var fields = answer.headers
        fields[.contentLength] = String(answer.json.count)
        fields[.connection] = "close"
        let head = HTTPResponse(status: answer.status, headerFields: fields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.json))), promise: nil)
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
        let here = NIOLoopBound(context, eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in here.value.close(promise: nil) }
    }
}
