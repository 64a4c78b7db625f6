public import Meterstone
import MeterstoneAPI
package import MeterstoneCore
import MeterstoneStore

/// A Meterstone server, as ``MeterstoneService``: what an engine in this process answers, this answers.
///
/// Every request may be sent again, and is, when nobody answers or the server says that it may succeed
/// later: events without an id get one first, and changes a key, so that nothing counts twice.
///
///     let client = try MeterstoneClient(url: "http://127.0.0.1:8080")
///     let answer = try await client.consume(UsageEvent(subject: "ada", quantities: .one("prompts", 1)))
public final class MeterstoneClient: MeterstoneService {
    public struct Options: Sendable {
        /// How long one attempt may take.
        public var timeoutMilliseconds: Int64 = 10_000
        /// How often a request is sent before the client gives up, at least once.
        public var attemptsMax = 4
        /// The wait before the second attempt is at most so long, and doubles with each more.
        public var backOffMilliseconds: Int64 = 100
        /// No wait is longer, unless the server asks for it.
        public var backOffMillisecondsMax: Int64 = 5_000
        /// A server that asks for more patience than that is not waited for.
        public var retryAfterMillisecondsMax: Int64 = 30_000

        public init() {}
    }

    private let transport: any HTTPTransport
    private let key: String?
    private let options: Options
    let failModes = FailModes()
    let clock: @Sendable () -> Instant
    private let random: @Sendable (ClosedRange<Int64>) -> Int64
    private let sleep: @Sendable (_ milliseconds: Int64) async throws -> Void

    /// - Parameters:
    ///   - url: scheme, host and port of the server, such as `http://127.0.0.1:8080`.
    ///   - key: its administrator key, where it has one.
    ///
    /// Throws ``ClientError`` for an address that is none.
    public convenience init(
        url: String, key: String? = nil, options: Options = Options()
    ) throws(ClientError) {
        let parts = url.split(separator: "/", omittingEmptySubsequences: false)
        let isKnown = parts.first == "http:" || parts.first == "https:"
        guard isKnown, parts.count == 3 || parts.count == 4 && parts[3].isEmpty, parts[1].isEmpty,
            !parts[2].isEmpty
        else {
            throw ClientError(
                .unreachable,
                "'\(url)' is no address of a server; expected http://HOST:PORT or https://HOST")
        }
        let origin = parts[..<3].joined(separator: "/")
        self.init(NetworkTransport(origin: origin), key: key, options: options)
    }

    /// - Parameters:
    ///   - random: a number of a range, for the length of a wait.
    package init(
        _ transport: any HTTPTransport, key: String? = nil, options: Options = Options(),
        clock: @escaping @Sendable () -> Instant = SystemClock.now,
        random: @escaping @Sendable (ClosedRange<Int64>) -> Int64 = { .random(in: $0) },
        sleep: @escaping @Sendable (_ milliseconds: Int64) async throws -> Void = {
            try await Task.sleep(for: .milliseconds($0))
        }
    ) {
        self.transport = transport
        self.key = key
        self.options = options
        self.clock = clock
        self.random = random
        self.sleep = sleep
    }

    public func shutdown() async {
        await transport.shutdown()
    }

    // MARK: Requests

    /// Sends a request until there is an answer that is final.
    func send(
        _ method: String, _ path: RequestPath, _ body: [UInt8]? = nil,
        headers: [(name: String, value: String)] = []
    ) async throws -> ClientAnswer {
        var request = request(method, path, headers)
        if let body {
            request.headers.append(("Content-Type", "application/json"))
            request.body = body
        }
        var attempt = 1
        while true {
            let patience: Int64?
            do {
                let response = try await transport.send(
                    request, timeoutMilliseconds: options.timeoutMilliseconds)
                let answer = try ClientAnswer(response, at: clock())
                guard attempt < options.attemptsMax, answer.mayBeRepeated else { return answer }
                patience = answer.retryAfterMilliseconds
                if let patience, patience > options.retryAfterMillisecondsMax { return answer }
            } catch let error as ClientError {
                throw error
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                guard attempt < options.attemptsMax else {
                    throw ClientError(.unreachable, "\(method) \(path.text): \(error)")
                }
                patience = nil
            }
            try await sleep(max(patience ?? 0, wait(after: attempt)))
            attempt += 1
        }
    }

    /// An answer that comes bit by bit, asked for once.
    func stream(
        _ path: RequestPath, headers: [(name: String, value: String)]
    ) async throws -> ClientStream {
        try await transport.stream(request("GET", path, headers))
    }

    private func request(
        _ method: String, _ path: RequestPath, _ headers: [(name: String, value: String)]
    ) -> ClientRequest {
        var request = ClientRequest(method: method, path: path.text)
        request.headers = headers
        if let key { request.headers.append(("Authorization", "Bearer \(key)")) }
        return request
    }

    /// Waits before the next attempt.
    func pause(after attempt: Int) async throws { try await sleep(wait(after: attempt)) }

    /// Full jitter: any time up to a bound that doubles, so that clients do not come all at once.
    private func wait(after attempt: Int) -> Int64 {
        let doubled = options.backOffMilliseconds << Int64(min(attempt - 1, 30))
        return random(0...max(0, min(doubled, options.backOffMillisecondsMax)))
    }

    /// An id of UUID version 7, for an event that has none: what is sent again is then the same event.
    func identified(_ event: UsageEvent) -> UsageEvent {
        guard event.id == nil else { return event }
        var event = event
        event.id = makeID()
        return event
    }

    func makeID() -> EventID {
        let milliseconds = UInt64(bitPattern: clock().millisecondsSince1970) & 0xFFFF_FFFF_FFFF
        let high = UInt64(bitPattern: random(0...0xFFF))
        let low = UInt64(bitPattern: random(0...0x3FFF_FFFF_FFFF_FFFF))
        return .uuid(milliseconds << 16 | 0x7000 | high, 0x8000_0000_0000_0000 | low)
    }
}

/// A path with its query, put together from texts that are not encoded yet.
struct RequestPath: Sendable {
    private(set) var text: String
    private var hasQuery = false

    /// - Parameter segments: each becomes one segment, whatever is in it.
    init(_ segments: String...) { self.init(segments) }

    init(_ segments: [String]) {
        text = segments.map { "/" + $0.percentEncoded }.joined()
    }

    /// One more segment.
    func appending(_ segment: String) -> RequestPath {
        var path = self
        path.text += "/" + segment.percentEncoded
        return path
    }

    func with(_ name: String, _ value: String?) -> RequestPath {
        guard let value else { return self }
        var path = self
        path.text += "\(hasQuery ? "&" : "?")\(name.percentEncoded)=\(value.percentEncoded)"
        path.hasQuery = true
        return path
    }

    func with(_ parameters: [(name: String, value: String)]) -> RequestPath {
        parameters.reduce(self) { $0.with($1.name, $1.value) }
    }
}
