import MeterstoneAPI
import MeterstoneCore
import Synchronization

/// A line for each request, when its answer is ready.
///
/// A client that reads its answer slowly, or a report that is still being sent, does not delay the line.
public struct RequestLog: Sendable {
    public enum Format: String, Sendable, CaseIterable {
        /// `2026-03-10T12:00:00.000Z POST /v1/consume 200 0.412 ms id=5f0c… trace=00-4bf9…`
        case text
        /// `{"time":"2026-03-10T12:00:00.000Z","requestId":"5f0c…","method":"POST",…}`
        case json
    }

    let format: Format
    let write: @Sendable ([UInt8]) -> Void

    /// - Parameter write: takes a line with its end. It is called on the threads that serve, and must
    ///   not wait.
    public init(_ format: Format, write: @escaping @Sendable ([UInt8]) -> Void) {
        self.format = format
        self.write = write
    }
}

/// What a line says.
struct RequestLine {
    let time: Instant
    let requestID: String
    let trace: TraceParent?
    let method: String
    /// As the route was declared: `/v1/subjects/{subject}`, so that no line holds whom a request is about.
    /// `nil`: the path belongs to no route.
    let route: String?
    /// `nil`: the connection ended first.
    let status: Int?
    let microseconds: UInt64

    func bytes(_ format: RequestLog.Format) -> [UInt8] {
        switch format {
        case .text: Array((text + "\n").utf8)
        case .json: json
        }
    }

    /// A method may be any token, so that nothing in a line needs quotes.
    private var text: String {
        let status = status.map(String.init) ?? "-"
        let end = trace.map { " trace=\($0.text)" } ?? ""
        return
            "\(time.rfc3339) \(method) \(route ?? "-") \(status) \(milliseconds) ms id=\(requestID)\(end)"
    }

    private var json: [UInt8] {
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        writer.name("time")
        writer.string(time.rfc3339)
        writer.name("requestId")
        writer.string(requestID)
        if let trace {
            writer.name("traceparent")
            writer.string(trace.text)
        }
        writer.name("method")
        writer.string(method)
        if let route {
            writer.name("route")
            writer.string(route)
        }
        if let status {
            writer.name("status")
            writer.integer(Int64(status))
        }
        writer.name("durationMilliseconds")
        writer.json(milliseconds)
        writer.endObject()
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    private var milliseconds: String {
        let rest = String(microseconds % 1_000)
        return "\(microseconds / 1_000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }
}

/// The header field `traceparent` of W3C Trace Context: `00-TRACE-PARENT-FLAGS`.
struct TraceParent {
    let text: String

    /// `nil` when it is not of that form.
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, parts.map(\.utf8.count) == [2, 32, 16, 2], parts[0] != "ff",
            parts.allSatisfy({ $0.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) } }),
            parts[1].contains(where: { $0 != "0" }), parts[2].contains(where: { $0 != "0" })
        else { return nil }
        self.text = text
    }
}

/// Gives each request an id: the caller's own when it is well-formed, or the next of a series that
/// differs from start to start.
struct RequestIDs: Sendable {
    private let counter: Counter
    private let seed = UInt64.random(in: 0...UInt64.max)

    private final class Counter: Sendable {
        let value = Atomic<UInt64>(0)
    }

    init() { counter = Counter() }

    static let bytesMax = 128

    func id(asked: String?) -> String {
        if let asked, Self.isWellFormed(asked) { return asked }
        let count = counter.value.wrappingAdd(1, ordering: .relaxed).newValue
        // SplitMix64, which is one to one: no id comes twice.
        var bits = seed &+ count &* 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        let digits = String(bits ^ (bits >> 31), radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// Letters, digits and what ids are made of elsewhere; nothing that could break a line.
    static func isWellFormed(_ text: String) -> Bool {
        1...bytesMax ~= text.utf8.count
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "-_.:/+=".utf8.contains(byte)
                }
            }
    }
}
