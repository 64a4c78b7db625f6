import Foundation
import Synchronization

/// Why nothing came of a connection, or of a test's preparations.
struct ClientFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// A connection to a port of this machine. Used by one caller at a time; it waits, but not for ever.
@safe final class Socket {
    /// Longer than a node is ever held up here.
    private static let seconds = 20

    private let descriptor: Int32
    /// What was received, and how much of it was read.
    private var received: [UInt8] = []
    private var start = 0

    init(port: Int) throws {
        #if os(Linux)
        let stream = Int32(SOCK_STREAM.rawValue)
        #else
        let stream = SOCK_STREAM
        #endif
        descriptor = socket(AF_INET, stream, 0)
        // Programs that are started meanwhile must not hold the connection open.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var time = timeval(tv_sec: Self.seconds, tv_usec: 0)
        let timeLength = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, timeLength)
        #if !os(Linux)
        var yes: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &yes, 4)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe connect(descriptor, address, length)
            }
        }
        guard code == 0 else { throw ClientFailure("port \(port): error \(errno)") }
    }

    deinit {
        close(descriptor)
    }

    func write(_ bytes: [UInt8]) throws {
        #if os(Linux)
        let flags = Int32(MSG_NOSIGNAL)
        #else
        let flags: Int32 = 0
        #endif
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes { bytes in
                unsafe send(descriptor, bytes.baseAddress, bytes.count, flags)
            }
            guard count > 0 else { throw ClientFailure("sending failed: error \(errno)") }
            sent += count
        }
    }

    func read(_ count: Int) throws -> [UInt8] {
        while received.count - start < count { try receive() }
        defer { start += count }
        return Array(received[start..<start + count])
    }

    /// The bytes before the next line feed, without a carriage return.
    func readLine() throws -> String {
        var end = start
        while true {
            while end < received.count, received[end] != 10 { end += 1 }
            if end < received.count { break }
            end -= start
            try receive()
        }
        defer { start = end + 1 }
        let line = received[start..<end]
        return String(decoding: line.last == 13 ? line.dropLast() : line, as: UTF8.self)
    }

    /// Takes more in, and forgets what was read: what is left then begins at 0.
    private func receive() throws {
        received.removeFirst(start)
        start = 0
        var part = [UInt8](repeating: 0, count: 16_384)
        let count = unsafe part.withUnsafeMutableBytes { bytes in
            unsafe recv(descriptor, bytes.baseAddress, bytes.count, 0)
        }
        guard count > 0 else {
            throw ClientFailure(count == 0 ? "closed" : "receiving failed: error \(errno)")
        }
        received += part[..<count]
    }
}

/// What a server answered.
struct HTTPAnswer: Sendable {
    let status: Int
    let body: String

    func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: Data(body.utf8))
    }

    /// The `code` of a problem.
    var code: String? {
        struct Problem: Decodable { let code: String }
        return try? decoded(as: Problem.self).code
    }
}

/// A client of one server: one request at a time, over a connection that stays open until it breaks.
final class HTTPConnection: Sendable {
    private let port: Int
    private let socket: Mutex<Socket?> = Mutex(nil)

    init(port: Int) {
        self.port = port
    }

    /// Throws when there was no answer; then nobody knows whether the request was carried out.
    func send(_ method: String, _ path: String, _ body: String = "") throws -> HTTPAnswer {
        let head = [
            "\(method) \(path) HTTP/1.1", "Host: 127.0.0.1:\(port)",
            "Content-Type: application/json", "Content-Length: \(body.utf8.count)", "", "",
        ]
        let bytes = Array((head.joined(separator: "\r\n") + body).utf8)
        return try socket.withLock { socket in
            let open = try socket ?? Socket(port: port)
            socket = nil
            try open.write(bytes)
            let (answer, staysOpen) = try Self.read(open)
            if staysOpen { socket = open }
            return answer
        }
    }

    private static func read(_ socket: Socket) throws -> (HTTPAnswer, staysOpen: Bool) {
        let first = try socket.readLine().split(separator: " ")
        guard first.count > 1, let status = Int(first[1]) else {
            throw ClientFailure("expected a status line, not '\(first)'")
        }
        var length = 0
        var staysOpen = true
        while true {
            let field = try socket.readLine().lowercased()
            if field.isEmpty { break }
            if field.hasPrefix("content-length: ") { length = Int(field.dropFirst(16)) ?? 0 }
            if field == "connection: close" { staysOpen = false }
            guard !field.hasPrefix("transfer-encoding") else {
                throw ClientFailure("expected a body of known length")
            }
        }
        let body = String(decoding: try socket.read(length), as: UTF8.self)
        return (HTTPAnswer(status: status, body: body), staysOpen)
    }
}

/// Runs `body` on as many threads at once, however few processors there are; the group waits for them.
func startThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) -> DispatchGroup {
    let group = DispatchGroup()
    for place in 0..<count {
        group.enter()
        Thread.detachNewThread {
            body(place)
            group.leave()
        }
    }
    return group
}
