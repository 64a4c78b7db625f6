import MeterstoneAPI
public import MeterstoneCore

extension MeterstoneClient {
    /// Where a subject stands with its limits: now, and each time that it changes, within about a second.
    ///
    ///     for try await limits in client.liveLimits() { show(limits) }
    ///
    /// - Parameter subject: `nil`: the one whose token the client has.
    public func liveLimits(of subject: SubjectID? = nil) -> LiveLimits {
        LiveLimits(
            client: self,
            path: subject.map { RequestPath("v1", "subjects", $0.text, "live") }
                ?? RequestPath("v1", "me", "live"))
    }

    /// A stream that has begun. What may succeed later is thrown as ``ServerSentEvents/BrokenOff``.
    fileprivate func stream(_ path: RequestPath, after id: String?) async throws -> ClientStream {
        let stream = try await stream(path, headers: id.map { [("Last-Event-ID", $0)] } ?? [])
        guard stream.status != 200 else { return stream }
        var body: [UInt8] = []
        var chunks = stream.chunks.makeAsyncIterator()
        while let chunk = try await chunks.next(isolation: #isolation), body.count < 65_536 {
            body += chunk
        }
        let answer = try ClientAnswer(
            ClientResponse(status: stream.status, headers: [], body: body), at: clock())
        guard let error = answer.error, !answer.mayBeRepeated, stream.status != 429 else {
            throw ServerSentEvents.BrokenOff()
        }
        throw error as? ClientError ?? ClientError(.refused, "\(error)")
    }
}

/// Where a subject stands with its limits, as it changes. Each value is the whole state, and whoever takes them
/// slowly gets the newest one next.
///
/// A stream that breaks off is begun again, however often, with the waits of
/// ``MeterstoneClient/Options``. It throws where the server refuses it
/// (``ClientError/Code/unauthorized``, ``ClientError/Code/refused``), and ends when the task is cancelled.
public struct LiveLimits: AsyncSequence, Sendable {
    fileprivate let client: MeterstoneClient
    fileprivate let path: RequestPath

    public func makeAsyncIterator() -> Iterator { Iterator(client: client, path: path) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let client: MeterstoneClient
        fileprivate let path: RequestPath
        private var events = ServerSentEvents()
        private var waiting: [ServerSentEvents.Event] = []
        /// `nil`: a stream is yet to begin.
        private var chunks: (any AsyncIteratorProtocol<[UInt8], any Error>)?
        private var failures = 0

        fileprivate init(client: MeterstoneClient, path: RequestPath) {
            self.client = client
            self.path = path
        }

        public mutating func next() async throws -> [LimitStatus]? {
            while true {
                let newest = waiting.last { $0.name == "limits" }
                waiting = []
                if let newest { return try Self.limits(newest.data) }
                do {
                    try await read()
                } catch let error as ClientError {
                    throw error
                } catch {
                    // It broke off, or never began.
                    chunks = nil
                }
                if chunks == nil, !Task.isCancelled {
                    failures += 1
                    try? await client.pause(after: failures)
                }
                if Task.isCancelled { return nil }
            }
        }

        /// What comes next, from the stream after this one where it ends.
        private mutating func read() async throws {
            if chunks == nil {
                let stream = try await client.stream(path, after: events.lastID)
                events.begin()
                chunks = stream.chunks.makeAsyncIterator()
            }
            guard let bytes = try await chunks?.next(isolation: #isolation) else {
                chunks = nil
                return
            }
            failures = 0
            waiting = events.push(bytes)
        }

        private static func limits(_ data: [UInt8]) throws(ClientError) -> [LimitStatus] {
            do throws(WireMismatch) {
                return try Shapes.limits.read(try WireFields(data)).limits
            } catch {
                throw ClientError(error)
            }
        }
    }
}
