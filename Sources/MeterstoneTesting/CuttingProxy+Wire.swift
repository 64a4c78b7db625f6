import Foundation

/// Messages of PostgreSQL's protocol, cut out of a stream of bytes.
struct MessageReader {
    struct Message {
        /// 0 for the first one of a node, which has no type.
        let type: UInt8
        /// As it came.
        let bytes: [UInt8]

        /// Without type and length.
        var body: ArraySlice<UInt8> { bytes.dropFirst(type == 0 ? 4 : 5) }

        /// `Sync`, a query of the simple protocol, the end, or what is said while connecting.
        var endsRoundTrip: Bool {
            [0, UInt8(ascii: "S"), UInt8(ascii: "Q"), UInt8(ascii: "X"), UInt8(ascii: "p")]
                .contains(type)
        }

        /// So many strings, each ended by a zero, with which the body begins.
        func strings(_ count: Int) -> [[UInt8]] {
            let parts = body.split(
                separator: 0, maxSplits: count, omittingEmptySubsequences: false)
            return (0..<count).map { $0 < parts.count ? Array(parts[$0]) : [] }
        }
    }

    private var buffer: [UInt8] = []
    private var start = 0
    private var hasType: Bool

    init(beginsWithStartup: Bool) {
        hasType = !beginsWithStartup
    }

    mutating func append(_ bytes: [UInt8]) {
        buffer.removeFirst(start)
        start = 0
        buffer += bytes
    }

    /// The next message that is there as a whole.
    mutating func next() -> Message? {
        let prefix = hasType ? 1 : 0
        guard buffer.count >= start + prefix + 4 else { return nil }
        let length = buffer[(start + prefix)..<(start + prefix + 4)].reduce(0) {
            $0 << 8 | Int($1)
        }
        let end = start + prefix + length
        guard buffer.count >= end else { return nil }
        defer {
            start = end
            hasType = true
        }
        return Message(type: hasType ? buffer[start] : 0, bytes: Array(buffer[start..<end]))
    }
}

/// TCP on 127.0.0.1, as the system has it. Calls wait until they are done or the socket is shut down.
enum Socket {
    struct Failure: Error {
        let call: String
        let code: Int32
    }

    /// Listens on a port that the system chooses.
    static func listen() throws -> (socket: Int32, port: Int) {
        let listener = make()
        var bound = address(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = unsafe withUnsafeMutablePointer(to: &bound) { bound in
            unsafe bound.withMemoryRebound(to: sockaddr.self, capacity: 1) { bound in
                guard unsafe bind(listener, bound, length) == 0,
                    Foundation.listen(listener, 128) == 0
                else { return errno }
                return unsafe getsockname(listener, bound, &length) == 0 ? 0 : errno
            }
        }
        guard code == 0 else { throw Failure(call: "listen", code: code) }
        return (listener, Int(UInt16(bigEndian: bound.sin_port)))
    }

    /// `nil` when nobody listens any more.
    static func accept(_ listener: Int32) -> Int32? {
        let socket = Foundation.accept(listener, nil, nil)
        guard socket >= 0 else { return nil }
        sendAtOnce(socket)
        return socket
    }

    static func connect(port: Int) -> Int32? {
        let socket = make()
        var address = address(port: port)
        let code = unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe Foundation.connect(
                    socket, address, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            close(socket)
            return nil
        }
        sendAtOnce(socket)
        return socket
    }

    static func close(_ socket: Int32) {
        _ = Foundation.close(socket)
    }

    /// What has arrived; `nil` at the end.
    static func read(_ socket: Int32) -> [UInt8]? {
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            unsafe count = max(0, recv(socket, buffer.baseAddress, buffer.count, 0))
        }
        return bytes.isEmpty ? nil : bytes
    }

    /// Writes everything, or as much as the other side takes.
    static func write(_ bytes: [UInt8], to socket: Int32) {
        unsafe bytes.withUnsafeBytes { bytes in
            var rest = unsafe bytes[...]
            while unsafe !rest.isEmpty {
                let part = unsafe UnsafeRawBufferPointer(rebasing: rest)
                let count = unsafe send(socket, part.baseAddress, part.count, noSignal)
                guard count > 0 else { return }
                unsafe rest = unsafe rest.dropFirst(count)
            }
        }
    }

    #if os(Linux)
    private static let noSignal = Int32(MSG_NOSIGNAL)
    private static let stream = Int32(SOCK_STREAM.rawValue)
    #else
    private static let noSignal: Int32 = 0
    private static let stream = SOCK_STREAM
    #endif

    private static func make() -> Int32 {
        let made = socket(AF_INET, stream, 0)
        // Programs that are started meanwhile must not hold connections open.
        _ = fcntl(made, F_SETFD, FD_CLOEXEC)
        return made
    }

    private static func sendAtOnce(_ socket: Int32) {
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        var yes: Int32 = 1
        unsafe setsockopt(
            socket, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func address(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
        return address
    }
}
