import Logging
import Meterstone
import MeterstoneCore
import MeterstoneServer
import MeterstoneTesting
import Synchronization
import Testing

/// Who runs out of credits is bought more: once for each time, so often a month, until it is declined too often.
@Suite struct RefillTests {
    /// A payment side that takes down what it is asked, and says what it is told to.
    private final class Payments: WebhookSender {
        private let state = Mutex<(got: [WebhookMessage], answer: String)>(([], ""))

        var bodies: [String] {
            state.withLock { $0.got.map { String(decoding: $0.body, as: UTF8.self) } }
        }
        func answer(_ answer: String) { state.withLock { $0.answer = answer } }

        func send(_ message: WebhookMessage) async throws(DeliveryError) -> [UInt8] {
            state.withLock { state in
                state.got.append(message)
                return Array(state.answer.utf8)
            }
        }
    }

    private static let granted = #"{"status":"granted","reference":"pi_1"}"#
    private static let declined = #"{"status":"declined","reason":"card expired"}"#

    private func courier(_ server: TestServer, _ payments: Payments) -> WebhookCourier {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let clock = server.clock
        return WebhookCourier(
            server.engine, sender: payments, logger: logger, clock: { clock.now })
    }

    /// Prompts cost 10 credits, `u` has 25, and whoever has 10 or less is bought 30 more.
    private func setUp(_ server: TestServer, holdSeconds: Int = 0) async throws {
        _ = try await server.put("/v1/webhooks/pay", #"{"url":"https://pay.example.com/"}"#)
        let alert = try await server.put(
            "/v1/alerts/more",
            """
            {"credits":[10],"webhooks":["pay"],\
            "refill":{"amount":30,"perMonth":2,"holdSeconds":\(holdSeconds)}}
            """)
        #expect(alert.status == 201)
        _ = try await server.post(
            "/v1/subjects/u/credits/grants", #"{"id":"first","amount":25}"#)
    }

    private func consume(_ server: TestServer, _ quantity: Int = 1) async throws -> Answer {
        try await server.post(
            "/v1/consume", #"{"subject":"u","meter":"prompts","quantity":\#(quantity)}"#)
    }

    private func balance(_ server: TestServer) async throws -> Int? {
        try await server.get("/v1/subjects/u/credits").number("balance")
    }

    private func run(
        options: (inout ServerOptions) -> Void = { _ in },
        _ work: @Sendable (TestServer) async throws -> Void
    ) async throws {
        try await TestServer.run(
            blueprint: CreditRouteTests.priced, options: options, work)
    }

    @Test func `a balance that falls low is filled up, twice a month`() async throws {
        try await run { server in
            let payments = Payments()
            try await setUp(server)
            payments.answer(Self.granted)
            let courier = courier(server, payments)
            #expect(try await consume(server, 2).status == 200)
            await courier.runOnce()
            await courier.runOnce()
            #expect(try await balance(server) == 35)
            let asked = try #require(payments.bodies.first)
            #expect(payments.bodies.count == 1)
            #expect(asked.hasPrefix(#"{"type":"refill.requested""#))
            #expect(asked.contains(#""alert":"more","subject":"u","measure":"credits""#))
            #expect(asked.contains(#""balance":5,"#) && asked.contains(#""amount":30"#))
            #expect(asked.contains(#""grant":"refill_"#))
            let grants = try await server.get("/v1/subjects/u/credits").text
            #expect(grants.contains(#""source":"purchase","reference":"pi_1""#))
            _ = try await consume(server, 3)
            await courier.runOnce()
            #expect(try await balance(server) == 35)
            _ = try await consume(server, 3)
            await courier.runOnce()
            // It was given twice in March.
            #expect(try await balance(server) == 5)
            let capped = try await server.get("/v1/subjects/u/refills").text
            #expect(
                capped.contains(
                    #""alert":"more","amount":30,"perMonth":2,"holdSeconds":0,"thisMonth":2,"refusals":0,"active":true,"outcome":"capped""#
                ))
            #expect(try await consume(server).status == 402)
            await courier.runOnce()
            #expect(payments.bodies.count == 2)
            // In April a refusal asks.
            server.clock.set(.at("2026-04-01T00:00:00Z"))
            #expect(try await consume(server).status == 402)
            await courier.runOnce()
            #expect(try await balance(server) == 35)
        }
    }

    @Test func `what is declined three times is asked for no more, until somebody says so`()
        async throws
    {
        try await run { server in
            let payments = Payments()
            try await setUp(server)
            payments.answer(Self.declined)
            let courier = courier(server, payments)
            _ = try await consume(server, 2)
            await courier.runOnce()
            #expect(try await consume(server).status == 402)
            server.clock.advance(bySeconds: 5)
            await courier.runOnce()
            let twice = try await server.get("/v1/subjects/u/refills").text
            #expect(
                twice.contains(
                    #""refusals":2,"active":true,"outcome":"declined","reason":"card expired""#))
            server.clock.advance(bySeconds: 30)
            await courier.runOnce()
            server.clock.advance(bySeconds: 86_400)
            #expect(try await consume(server).status == 402)
            await courier.runOnce()
            #expect(payments.bodies.count == 3)
            let off = try await server.get("/v1/subjects/u/refills").text
            #expect(off.contains(#""refusals":3,"active":false"#))
            let failed = try await server.get("/v1/webhooks/pay/deliveries").text
            #expect(failed.contains("the refill was declined: card expired; nobody asks again"))
            payments.answer(Self.granted)
            let resumed = try await server.post("/v1/subjects/u/refills/more/resume", "{}")
            #expect(resumed.status == 200 && resumed.text.contains(#""active":true"#))
            await courier.runOnce()
            #expect(payments.bodies.count == 4)
            #expect(try await balance(server) == 35)
            let unknown = try await server.post("/v1/subjects/u/refills/less/resume", "{}")
            #expect(unknown.status == 404)
        }
    }

    @Test
    func `who says that it is on its way grants it, and a topped-up balance asks for nothing`()
        async throws
    {
        try await run { server in
            let payments = Payments()
            try await setUp(server)
            payments.answer("")
            let courier = courier(server, payments)
            _ = try await consume(server, 2)
            await courier.runOnce()
            #expect(try await balance(server) == 5)
            #expect(try await consume(server).status == 402)
            await courier.runOnce()
            #expect(payments.bodies.count == 1)
            let body = try #require(payments.bodies.first)
            let grant = try #require(
                body.split(separator: "\"grant\":\"").last?.split(separator: "\"").first)
            for status in [201, 200] {
                let made = try await server.post(
                    "/v1/subjects/u/credits/grants", #"{"id":"\#(grant)","amount":30}"#)
                #expect(made.status == status)
            }
            // Falls low again, and is bought more before anybody looks.
            _ = try await consume(server, 3)
            _ = try await server.post("/v1/subjects/u/credits/grants", #"{"amount":100}"#)
            await courier.runOnce()
            #expect(payments.bodies.count == 1)
            let state = try await server.get("/v1/subjects/u/refills").text
            #expect(state.contains(#""thisMonth":1"#) && state.contains(#""outcome":"unneeded""#))
        }
    }

    @Test func `a message that is repeated after a crash grants once`() async throws {
        try await run { server in
            let payments = Payments()
            try await setUp(server)
            payments.answer(Self.granted)
            _ = try await consume(server, 2)
            let fired = try #require(
                try await server.engine.firedAlerts(of: SubjectID(unchecked: "u")).first)
            let rule = try #require(try await server.engine.alerts().first)
            let note = RefillNote(.granted, of: fired.sequence, amount: 30, reference: "pi_1")
            // It ended before the grant.
            _ = try await server.engine.change(
                ChangeRequest(
                    change: .noteAlert(
                        FiredAlert(note, of: rule.key, for: fired.alert.subject, below: 10)),
                    author: "meterstone"))
            #expect(try await balance(server) == 5)
            await courier(server, payments).runOnce()
            #expect(try await balance(server) == 35)
            // It ended after it.
            _ = try await server.engine.settle(note, of: fired, rule)
            #expect(payments.bodies.isEmpty)
            #expect(try await balance(server) == 35)
            let state = try await server.get("/v1/subjects/u/refills").text
            #expect(state.contains(#""thisMonth":1"#))
        }
    }

    @Test func `of two refills that are wanted at once one is asked for`() async throws {
        try await run { server in
            let payments = Payments()
            try await setUp(server)
            payments.answer(Self.granted)
            _ = try await consume(server, 2)
            _ = try await server.post("/v1/subjects/u/credits/grants", #"{"amount":10}"#)
            _ = try await consume(server)
            let fired = try await server.get("/v1/subjects/u/alerts")
            #expect(fired.items("alerts", "threshold") == ["10", "10"])
            await courier(server, payments).runOnce()
            #expect(payments.bodies.count == 1)
            #expect(try await balance(server) == 35)
        }
    }

    @Test func `whoever is renamed has had what was given before`() async throws {
        try await run { server in
            let payments = Payments()
            try await setUp(server)
            payments.answer(Self.granted)
            let courier = courier(server, payments)
            _ = try await consume(server, 2)
            await courier.runOnce()
            let renamed = try await server.post("/v1/subjects/u/rename", #"{"to":"v"}"#)
            #expect(renamed.status == 200)
            _ = try await consume(server, 3)
            await courier.runOnce()
            _ = try await consume(server, 3)
            await courier.runOnce()
            #expect(payments.bodies.count == 2)
            for key in ["u", "v"] {
                let fired = try await server.get("/v1/subjects/\(key)/alerts")
                #expect(fired.items("alerts", "threshold").count == 3)
                let state = try await server.get("/v1/subjects/\(key)/refills").text
                #expect(state.contains(#""thisMonth":2"#) && state.contains(#""outcome":"capped""#))
            }
        }
    }

    @Test func `a request with too few credits waits for them`() async throws {
        let payments = Payments()
        payments.answer(Self.granted)
        let paused = Mutex<[Int64]>([])
        let couriers = Mutex<WebhookCourier?>(nil)
        try await run(options: { options in
            options.pause = { milliseconds in
                paused.withLock { $0.append(milliseconds) }
                if paused.withLock({ $0.count }) == 3 {
                    await couriers.withLock { $0 }?.runOnce()
                }
            }
        }) { server in
            try await setUp(server, holdSeconds: 1)
            couriers.withLock { $0 = courier(server, payments) }
            // 25 are there, more than the alert's 10, and 50 are needed.
            let waited = try await consume(server, 5)
            #expect(waited.status == 200)
            #expect(waited.text.hasSuffix(#""credits":{"amount":50,"balance":5}}"#))
            #expect(paused.withLock { $0 } == [200, 200, 200])
            couriers.withLock { $0 = nil }
            let reserved = try await server.post(
                "/v1/reservations", #"{"subject":"u","meter":"prompts","quantity":4}"#)
            #expect(reserved.status == 402)
            #expect(paused.withLock { $0.count } == 8)
            let dry = try await server.post(
                "/v1/consume?dryRun=true", #"{"subject":"u","meter":"prompts","quantity":4}"#)
            #expect(dry.status == 402 && paused.withLock { $0.count } == 8)
        }
    }

    @Test func `every field of an alert can be written, and comes back`() async throws {
        try await TestServer.run { server in
            _ = try await server.put("/v1/webhooks/pay", #"{"url":"https://pay.example.com/"}"#)
            for body in [
                """
                {"usedPercent":[80],"remaining":[1],"pacePercent":[100],"refusedPerHour":[5],\
                "failedPercent":[20],"credits":[9],"unusual":["prompts"],"limits":["prompts_daily"],\
                "plans":["free"],"webhooks":["pay"],"active":false,"description":"all"}
                """,
                """
                {"credits":[9],"webhooks":["pay"],\
                "refill":{"amount":1,"perMonth":2,"holdSeconds":3}}
                """,
            ] {
                let put = try await server.put("/v1/alerts/all", body)
                #expect(put.status < 300, "\(put.text)")
                let again = try await server.put(
                    "/v1/alerts/all", try await server.get("/v1/alerts/all").text)
                #expect(again.status == 200 && again.text.contains("credits"), "\(again.text)")
            }
        }
    }

    @Test(arguments: [
        (#"{"refill":{"amount":1,"perMonth":1},"webhooks":["pay"]}"#, "usedPercent"),
        (#"{"credits":[1,2],"refill":{"amount":1,"perMonth":1},"webhooks":["pay"]}"#, "credits"),
        (#"{"credits":[1],"refill":{"amount":1,"perMonth":1}}"#, "webhooks"),
        (
            #"{"credits":[1],"refill":{"amount":0,"perMonth":1},"webhooks":["pay"]}"#,
            "refill.amount"
        ),
        (#"{"credits":[1],"refill":{"amount":1},"webhooks":["pay"]}"#, "refill.perMonth"),
        (
            #"{"credits":[1],"refill":{"amount":1,"perMonth":1,"holdSeconds":31},"webhooks":["pay"]}"#,
            "refill.holdSeconds"
        ),
        (
            #"{"credits":[1],"refill":{"amount":1,"perMonth":1,"often":1},"webhooks":["pay"]}"#,
            "refill.often"
        ),
        (
            #"{"credits":[1],"remaining":[1],"refill":{"amount":1,"perMonth":1},"webhooks":["pay"]}"#,
            "refill"
        ),
    ])
    func `a refill that nobody can carry out is refused`(
        _ body: String, _ field: String
    ) async throws {
        try await TestServer.run { server in
            _ = try await server.put("/v1/webhooks/pay", #"{"url":"https://pay.example.com/"}"#)
            let answer = try await server.put("/v1/alerts/more", body)
            #expect(answer.status == 422 || answer.status == 400)
            #expect(answer.text.contains(#""field":"\#(field)""#), "\(answer.text)")
        }
    }
}
