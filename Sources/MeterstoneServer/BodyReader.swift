import HTTPTypes
import Hummingbird
import MeterstoneAPI
import MeterstoneCore
import MeterstoneStore
import NIOCore
import Synchronization

/// A body as it arrives: unpacked where it is gzipped, and bounded before and after that.
struct BodyReader {
    private var iterator: RequestBody.AsyncIterator
    private let decoder: GzipDecoder?
    private let max: Int
    private var received = 0
    private var unpacked = 0

    /// Throws for a body that says that it is too long, before any of it is read.
    init(_ request: Request, upTo max: Int) throws {
        switch request.headers[.contentEncoding]?.lowercased() {
        case nil, "identity": decoder = nil
        case "gzip", "x-gzip": decoder = GzipDecoder()
        default: throw Problem.unsupportedEncoding
        }
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > max {
            throw Problem.tooLarge(max)
        }
        iterator = request.body.makeAsyncIterator()
        self.max = max
    }

    /// The next bytes; `nil` at the end.
    ///
    /// - Parameter recorded: events that were recorded of the body before, for whoever sent too much.
    mutating func next(after recorded: Int = 0) async throws -> ByteBuffer? {
        while true {
            if let decoder, let piece = try Self.next(of: decoder) {
                unpacked += piece.count
                guard unpacked <= max else { throw Problem.tooLarge(max, after: recorded) }
                return ByteBuffer(bytes: piece)
            }
            guard let buffer = try await iterator.next(isolation: #isolation) else {
                if let decoder, !decoder.isComplete { throw Rejection.badGzip }
                return nil
            }
            received += buffer.readableBytes
            guard received <= max else { throw Problem.tooLarge(max, after: recorded) }
            guard let decoder else { return buffer }
            decoder.feed(Array(buffer: buffer))
        }
    }

    private static func next(of decoder: GzipDecoder) throws(Rejection) -> [UInt8]? {
        do throws(GzipDecoder.Damage) { return try decoder.next() } catch { throw .badGzip }
    }
}

/// Events of lines, one after the other, while the lines arrive.
struct EventLineReader {
    private var body: BodyReader
    private var lines = EventLines()
    private var isWhole = false

    init(_ request: Request, upTo max: Int) throws {
        body = try BodyReader(request, upTo: max)
    }

    /// The next event; `nil` at the end.
    ///
    /// - Parameter recorded: as of ``BodyReader/next(after:)``.
    mutating func next(after recorded: Int = 0) async throws -> ReadEvent? {
        while true {
            if let event = lines.next(isLast: isWhole) { return event }
            if isWhole { return nil }
            if let buffer = try await body.next(after: recorded) {
                try BodyMemory.current?.take(buffer.readableBytes)
                lines.append(buffer.readableBytesView)
            } else {
                isWhole = true
            }
        }
    }
}

extension EventLineReader {
    /// All that come, of which there may be so many.
    consuming func all(upTo max: Int) async throws -> [ReadEvent] {
        var events: [ReadEvent] = []
        while let event = try await next() {
            guard events.count < max else { throw Rejection.tooManyEvents(max) }
            events.append(event)
        }
        return events
    }
}

extension Rejection {
    fileprivate static let badGzip = Rejection(
        code: .malformed, field: "", message: "the body is not gzip, or ends too early")
}

/// What one request holds of the memory that all bodies together may take.
final class BodyMemory: Sendable {
    /// That of the request which is being answered.
    @TaskLocal static var current: BodyMemory?

    private let budget: MemoryBudget
    private let held = Atomic(0)

    init(_ budget: MemoryBudget) {
        self.budget = budget
    }

    deinit { release() }

    func take(_ bytes: Int) throws(StoreError) {
        guard budget.take(bytes) else {
            throw StoreError(
                code: .overloaded,
                message: "the bodies of other requests take the memory there is; try again shortly")
        }
        held.add(bytes, ordering: .relaxed)
    }

    /// Gives back all of it.
    func release() {
        budget.giveBack(held.exchange(0, ordering: .relaxed))
    }
}
