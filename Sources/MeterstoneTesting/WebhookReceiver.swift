import Foundation
import Synchronization

/// A receiver of webhooks on 127.0.0.1: takes every message, and remembers in which order they came.
package final class WebhookReceiver: Sendable {
    package let port: Int
    private let listener: Int32
    private let received = Mutex<[String]>([])
    private let arrivals = DispatchSemaphore(value: 0)

    package init() throws {
        (listener, port) = try Socket.listen()
        Thread.detachNewThread { [self] in
            while let client = Socket.accept(listener) {
                Thread.detachNewThread { [self] in serve(client) }
            }
        }
    }

    /// Takes no further connections.
    package func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        Socket.close(listener)
    }

    /// The ids of all messages so far, repeats included.
    package var ids: [String] { received.withLock { $0 } }

    /// Waits until so many different messages have come.
    ///
    /// - Returns: whether they came within the seconds.
    package func waitFor(_ count: Int, seconds: Int = 60) -> Bool {
        let end = DispatchTime.now() + .seconds(seconds)
        while Set(ids).count < count {
            guard arrivals.wait(timeout: end) == .success else { return false }
        }
        return true
    }

    private func serve(_ client: Int32) {
        defer { Socket.close(client) }
        var text = ""
        while let bytes = Socket.read(client) {
            text += String(decoding: bytes, as: UTF8.self)
            guard let end = text.range(of: "\r\n\r\n") else { continue }
            let head = text[..<end.lowerBound].split(separator: "\r\n").map { $0.lowercased() }
            func value(_ name: String) -> String? {
                head.first { $0.hasPrefix(name + ": ") }.map {
                    String($0.dropFirst(name.count + 2))
                }
            }
            let length = value("content-length").flatMap { Int($0) } ?? 0
            guard text[end.upperBound...].utf8.count >= length else { continue }
            if let id = value("webhook-id") {
                received.withLock { $0.append(id) }
                arrivals.signal()
            }
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            return Socket.write(Array(answer.utf8), to: client)
        }
    }
}
