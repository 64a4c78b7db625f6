import Foundation
import Synchronization

/// A network between a node and a PostgreSQL server that fails at the commit, as it is told to.
///
/// It listens on a port of its own and forwards what it reads, one round trip at a time, so that a
/// fault finds the server in a state that is known. It speaks no TLS. Call ``close()`` at the end.
public final class CuttingProxy: Sendable {
    /// What becomes of a commit.
    public enum Fault: Sendable, CaseIterable {
        /// What comes before it in its round trip arrives; then both sides are cut.
        case cutInside
        /// Its round trip does not arrive, and nobody is told: the connection stays, and is silent.
        case silentBefore
        /// What comes before it in its round trip arrives; then the connection is silent.
        case silentInside
        /// It is carried out; both sides are cut before the answer arrives.
        case cutAfter
        /// It is carried out; the connection is silent from then on.
        case silentAfter
        /// Its round trip does not arrive, and every connection is silent, new ones too.
        case blackHoleBefore
        /// It is carried out; every connection is silent from then on, new ones too.
        case blackHoleAfter

        public var arrives: Bool {
            switch self {
            case .cutAfter, .silentAfter, .blackHoleAfter: true
            case .cutInside, .silentBefore, .silentInside, .blackHoleBefore: false
            }
        }

        public var isBlackHole: Bool { self == .blackHoleBefore || self == .blackHoleAfter }

        fileprivate var arrivesInPart: Bool { self == .cutInside || self == .silentInside }
        fileprivate var cuts: Bool { self == .cutInside || self == .cutAfter }
    }

    /// Where it listens.
    public let port: Int
    private let serverPort: Int
    private let listener: Int32
    private let state = Mutex(State())

    private struct State {
        var fault: Fault?
        var isMet = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isBlackHole = false
        var isClosed = false
        var links: [Link] = []
        var connections = 0
        var roundTrips = 0
        var bytesDown = 0
        var notices: [String] = []
    }

    public init(toPort serverPort: Int) throws {
        self.serverPort = serverPort
        (listener, port) = try Socket.listen()
        Thread.detachNewThread { self.accept() }
    }

    /// The URL of a database of the server, by way of this proxy.
    public func url(of database: String) -> String {
        database.replacing(":\(serverPort)/", with: ":\(port)/")
            + "?sslmode=disable&gssencmode=disable"
    }

    // MARK: What tests ask for

    public func failNextCommit(_ fault: Fault) {
        state.withLock { state in
            state.fault = fault
            state.isMet = false
        }
    }

    /// Returns when a commit has met the fault.
    public func faultIsMet() async {
        await withCheckedContinuation { continuation in
            let isMet = state.withLock { state in
                if !state.isMet { state.waiting.append(continuation) }
                return state.isMet
            }
            if isMet { continuation.resume() }
        }
    }

    /// Works again. Connections that were silent end.
    public func recover() {
        let links = state.withLock { state in
            state.fault = nil
            state.isBlackHole = false
            return state.links
        }
        for link in links where link.mode == .silent { link.cut() }
    }

    /// Connections that nodes have made.
    public var connections: Int { state.withLock { $0.connections } }

    /// Messages that ask the server for an answer (`Sync`).
    public var roundTrips: Int { state.withLock { $0.roundTrips } }

    /// Bytes that the server has answered.
    public var bytesDown: Int { state.withLock { $0.bytesDown } }

    /// What the server said besides its answers since this was asked last.
    public func takeNotices() -> [String] {
        state.withLock { state in
            defer { state.notices = [] }
            return state.notices
        }
    }

    /// Cuts every connection and takes no more.
    public func close() {
        let links: [Link]? = state.withLock { state in
            defer { state.isClosed = true }
            return state.isClosed ? nil : state.links
        }
        guard let links else { return }
        // Wakes the thread that accepts, which closes it.
        shutdown(listener, Int32(SHUT_RDWR))
        for link in links { link.cut() }
    }

    // MARK: Forwarding

    private func accept() {
        while let client = Socket.accept(listener) {
            guard let server = Socket.connect(port: serverPort) else {
                Socket.close(client)
                continue
            }
            let link = Link(client: client, server: server)
            let isClosed = state.withLock { state in
                state.links.append(link)
                state.connections += 1
                if state.isBlackHole { link.become(.silent) }
                return state.isClosed
            }
            if isClosed { link.cut() }
            Thread.detachNewThread { self.forwardUp(link) }
            Thread.detachNewThread { self.forwardDown(link) }
        }
        Socket.close(listener)
    }

    private func forwardUp(_ link: Link) {
        defer { link.leave() }
        var messages = MessageReader(beginsWithStartup: true)
        var commits: Set<[UInt8]> = []
        var roundTrip: [UInt8] = []
        while let bytes = Socket.read(link.client) {
            if state.withLock({ $0.isBlackHole }) { link.become(.silent) }
            if link.mode == .silent { continue }
            messages.append(bytes)
            while let message = messages.next() {
                switch message.type {
                case UInt8(ascii: "P"):
                    if message.strings(2)[1] == Array("COMMIT".utf8) {
                        commits.insert(message.strings(1)[0])
                    }
                case UInt8(ascii: "B"):
                    if commits.contains(message.strings(2)[1]) { meet(link, after: roundTrip) }
                case UInt8(ascii: "Q"):
                    let text = String(decoding: message.body, as: UTF8.self)
                    if text.contains("COMMIT") { meet(link, after: roundTrip) }
                case UInt8(ascii: "S"): state.withLock { $0.roundTrips += 1 }
                default: break
                }
                roundTrip += message.bytes
                guard message.endsRoundTrip else { continue }
                if link.mode != .silent { Socket.write(roundTrip, to: link.server) }
                roundTrip = []
            }
        }
        // Of a silent connection nobody hears that it ended.
        if link.mode != .silent { link.cut() }
    }

    private func forwardDown(_ link: Link) {
        defer { link.leave() }
        var messages = MessageReader(beginsWithStartup: false)
        while let bytes = Socket.read(link.server) {
            state.withLock { $0.bytesDown += bytes.count }
            messages.append(bytes)
            var passed: [UInt8] = []
            while let message = messages.next() {
                if message.type == UInt8(ascii: "N") {
                    let text = String(decoding: message.body, as: UTF8.self)
                    state.withLock { $0.notices.append(text) }
                }
                switch link.mode {
                case .passing: passed += message.bytes
                case .swallowing(let fault):
                    // The server is ready for more: the commit was carried out.
                    if message.type == UInt8(ascii: "Z") { suffer(fault, link) }
                case .silent: break
                }
            }
            if !state.withLock({ $0.isBlackHole }) { Socket.write(passed, to: link.client) }
        }
        if link.mode != .silent { link.cut() }
    }

    /// A commit is about to be forwarded, after what comes before it in its round trip.
    private func meet(_ link: Link, after roundTrip: [UInt8]) {
        let fault = state.withLock { state in
            defer { state.fault = nil }
            return state.fault
        }
        guard let fault else { return }
        if fault.arrives { return link.become(.swallowing(fault)) }
        if fault.arrivesInPart { Socket.write(roundTrip, to: link.server) }
        suffer(fault, link)
    }

    private func suffer(_ fault: Fault, _ link: Link) {
        link.become(.silent)
        if fault.cuts { link.cut() }
        let (links, waiting) = state.withLock { state in
            state.isMet = true
            if fault.isBlackHole { state.isBlackHole = true }
            defer { state.waiting = [] }
            return (state.links, state.waiting)
        }
        if fault.isBlackHole { for link in links { link.become(.silent) } }
        for continuation in waiting { continuation.resume() }
    }
}

/// One connection of a node, and the one to the server that belongs to it.
private final class Link: Sendable {
    enum Mode: Equatable {
        case passing
        case swallowing(CuttingProxy.Fault)
        case silent
    }

    let client: Int32
    let server: Int32
    private let state = Mutex((mode: Mode.passing, threads: 2))

    init(client: Int32, server: Int32) {
        (self.client, self.server) = (client, server)
    }

    var mode: Mode { state.withLock { $0.mode } }

    func become(_ mode: Mode) {
        state.withLock { $0.mode = mode }
    }

    /// Ends both sides; whoever reads from them goes on.
    func cut() {
        state.withLock { state in
            // Closed numbers may belong to others by now.
            guard state.threads > 0 else { return }
            for socket in [client, server] { shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }

    /// Called by each of the two threads when it is done.
    func leave() {
        state.withLock { state in
            state.threads -= 1
            guard state.threads == 0 else { return }
            for socket in [client, server] { Socket.close(socket) }
        }
    }
}
