import HTTPTypes
import Meterstone
import MeterstoneClient
import MeterstoneCore
import MeterstoneTesting
import Testing

/// Gauges and their items over HTTP. It is noon of 10 March.
@Suite struct ItemRouteTests {
    private static let path = "/v1/subjects/acme/meters/seats/items"

    @Test func `seats are given, counted, listed and taken away`() async throws {
        try await TestServer.run { server in
            let meter = try await server.put(
                "/v1/meters/seats",
                #"{"aggregation":"gauge","eventTypes":["seat"],"uniqueDimension":"person"}"#)
            #expect(meter.status == 201, "\(meter.text)")
            _ = try await server.put(
                "/v1/limits/seats", #"{"meter":"seats","window":"month","defaultAllowance":2}"#)
            func seat(_ person: String, _ operation: String) async throws -> Int {
                try await server.post(
                    "/v1/consume",
                    #"{"subject":"acme","type":"seat","#
                        + #""dimensions":{"person":"\#(person)","operation":"\#(operation)"}}"#
                ).status
            }
            #expect(try await server.get(Self.path).text == #"{"items":[],"nextCursor":null}"#)
            #expect(try await seat("ann", "add") == 200)
            #expect(try await seat("ben", "add") == 200)
            #expect(try await seat("ben", "add") == 200)
            #expect(try await seat("cy", "add") == 429)
            let first = try await server.get(Self.path + "?count=1")
            #expect(first.items("items", "item") == ["ann"], "\(first.text)")
            #expect(first.text.contains(#""subject":"acme","toldAt":"2026-03-10T12:00:00.000Z""#))
            let cursor = try #require(first.text("nextCursor"))
            let second = try await server.get(Self.path + "?count=1&cursor=\(cursor)")
            #expect(second.items("items", "item") == ["ben"])
            #expect(second.text.contains(#""nextCursor":null"#))
            #expect(try await seat("ann", "remove") == 200)
            #expect(try await server.get(Self.path).items("items", "item") == ["ben"])
            let limits = try await server.get("/v1/subjects/acme/limits")
            #expect(limits.text.contains(#""resetsAt":null"#), "\(limits.text)")
        }
    }

    @Test func `what has no items says so`() async throws {
        try await TestServer.run { server in
            let sum = try await server.get("/v1/subjects/acme/meters/prompts/items")
            #expect(sum.isProblem(422, "invalid_field", field: "meter"), "\(sum.text)")
            let unknown = try await server.get(Self.path)
            #expect(unknown.isProblem(404, "unknown_meter", field: "meter"), "\(unknown.text)")
            _ = try await server.put("/v1/meters/seats", #"{"aggregation":"gauge"}"#)
            let other = try await server.get(Self.path + "?cursor=MWU")
            #expect(other.isProblem(422, "invalid_field", field: "cursor"), "\(other.text)")
        }
    }

    @Test func `what is stored is answered in units times seconds`() async throws {
        try await TestServer.run { server in
            _ = try await server.put(
                "/v1/meters/gb_seconds", #"{"aggregation":"integral","quantityName":"gb"}"#)
            _ = try await server.post(
                "/v1/events",
                #"{"subject":"acme","quantities":{"gb":3},"occurredAt":"2026-03-10T11:00:00Z"}"#)
            let usage = try await server.get(
                "/v1/subjects/acme/usage?meter=gb_seconds&window=day"
                    + "&from=2026-03-10T00:00:00Z&until=2026-03-11T00:00:00Z")
            #expect(usage.items("points", "quantity") == ["10800"], "\(usage.text)")
            let limit = try await server.put(
                "/v1/limits/gb", #"{"meter":"gb_seconds","window":"month","defaultAllowance":2}"#)
            #expect(limit.isProblem(422, "invalid_field", field: "meter"), "\(limit.text)")
        }
    }

    @Test func `a client is told what the engine tells`() async throws {
        let seats = MeterKey(unchecked: "seats")
        let blueprint = Blueprint(
            meters: [
                Meter(
                    key: seats, aggregation: .gauge, eventTypes: ["seat"],
                    uniqueDimension: "person"),
                Meter(key: TestServer.prompts, aggregation: .gauge),
            ])
        let acme = SubjectID(unchecked: "acme / 1?")
        try await TestServer.run(key: "k", blueprint: blueprint) { server in
            let clock = server.clock
            let client = MeterstoneClient(
                RouterTransport(server.client), key: "k", clock: { clock.now })
            for person in ["a:b", "ann", "ben & co"] {
                _ = try await client.record([
                    UsageEvent(
                        subject: acme, quantities: .none,
                        details: EventDetails(
                            type: "seat",
                            dimensions: [Dimension(name: "person", value: person)]))
                ])
            }
            _ = try await client.record([
                UsageEvent(subject: acme, quantities: .one(TestServer.prompts, 7))
            ])
            for meter in [seats, TestServer.prompts, MeterKey(unchecked: "none")] {
                var position: HeldItem.Position?
                var count = 0
                repeat {
                    let told = try await client.heldItems(
                        of: acme, meter: meter, after: position, count: 2)
                    let expected = try await server.engine.heldItems(
                        of: acme, meter: meter, after: position, count: 2)
                    guard case .page(let page) = told else {
                        #expect("\(told)" == "\(expected)")
                        break
                    }
                    #expect(told == expected)
                    (position, count) = (page.next, count + page.items.count)
                } while position != nil
                #expect(count == (meter == seats ? 3 : meter == TestServer.prompts ? 1 : 0))
            }
        }
    }
}
