import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneStore
import NIOCore
import ServiceLifecycle

/// What happens, as it happens: Server-Sent Events (the HTML standard, 9.2).
///
/// Each event says how things stand, whole. An event is left out where it would say the same as the one
/// before, also the one that `Last-Event-ID` names.
struct LiveRoutes: Sendable {
    let engine: MeterstoneEngine
    let lastsMilliseconds: Int64

    func add(to routes: inout Routes) {
        routes.on(.get, "/v1/subjects/:subject/live") { request, context in
            let subject = try await engine.ownKey(of: try context.parameter("subject"))
            return stream(request, of: subject) { standing in
                var writer = JSONWriter(capacity: 512)
                writer.object(SubjectLimits(subject, standing.limits), Shapes.limits)
                return LiveEvent(name: "limits", sequence: standing.sequence, data: writer.bytes)
            }
        }
        routes.on(.get, "/v1/live") { request, _ in
            stream(request, of: nil) { standing in
                LiveEvent(
                    name: "changes", sequence: standing.sequence,
                    data: Array("{\"sequence\":\(standing.sequence)}".utf8))
            }
        }
    }

    private func stream(
        _ request: Request, of subject: SubjectID?,
        _ event: @escaping @Sendable (LiveStanding) -> LiveEvent
    ) -> Response {
        let asked = request.headers[.lastEventID]
        let standings = engine.live(of: subject, forMilliseconds: lastsMilliseconds)
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-store",
                // Proxies pass on what comes, at once.
                .accelBuffering: "no",
            ],
            body: ResponseBody { writer in
                try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
                var told = asked
                for await standing in standings.cancelOnGracefulShutdown() {
                    let event = event(standing)
                    if event.id != told {
                        try await writer.write(ByteBuffer(bytes: event.bytes))
                        told = event.id
                    } else if standing.isHeartbeat {
                        try await writer.write(ByteBuffer(string: ": as before\n\n"))
                    }
                }
                try await writer.finish(nil)
            })
    }
}

/// One event of a stream.
struct LiveEvent {
    let name: String
    let id: String
    let data: [UInt8]

    /// - Parameter data: JSON in one line.
    init(name: String, sequence: Int64, data: [UInt8]) {
        self.name = name
        self.data = data
        // What is said may change without a fact, when a window ends.
        id = "\(sequence)-\(String(XXH64.hash(data[...], seed: 0), radix: 16))"
    }

    var bytes: [UInt8] {
        Array("event: \(name)\nid: \(id)\ndata: ".utf8) + data + Array("\n\n".utf8)
    }
}

extension HTTPField.Name {
    fileprivate static let lastEventID = live("Last-Event-ID")
    fileprivate static let accelBuffering = live("X-Accel-Buffering")

    private static func live(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else {
            preconditionFailure("'\(text)' is a name of a header field")
        }
        return name
    }
}
