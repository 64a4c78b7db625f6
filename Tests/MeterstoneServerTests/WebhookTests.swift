import Foundation
import Logging
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneServer
import MeterstoneStore
import MeterstoneTesting
import Synchronization
import Testing

/// Alerts arrive at webhooks at least once, signed, whatever becomes of receiver and server.
@Suite struct WebhookTests {
    /// A receiver that takes down what it gets, and answers what it is told to.
    private final class Receiver: WebhookSender {
        private let state = Mutex<(got: [WebhookMessage], error: DeliveryError?)>(([], nil))

        var got: [WebhookMessage] { state.withLock { $0.got } }
        func answer(_ error: DeliveryError?) { state.withLock { $0.error = error } }

        func send(_ message: WebhookMessage) async throws(DeliveryError) -> [UInt8] {
            let error = state.withLock { state in
                state.got.append(message)
                return state.error
            }
            if let error { throw error }
            return []
        }
    }

    private static let hook = Webhook(
        key: WebhookKey(unchecked: "ops"), url: "https://ops.example.com/usage",
        secrets: [WebhookSecret(text: "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")])

    private func courier(_ server: TestServer, _ receiver: Receiver) -> WebhookCourier {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let clock = server.clock
        return WebhookCourier(
            server.engine, sender: receiver, logger: logger, clock: { clock.now })
    }

    private func id(_ message: WebhookMessage) -> String? {
        message.headers.first { $0.name == "webhook-id" }?.value
    }

    private func deliveries(_ server: TestServer) async throws -> Answer {
        try await server.get("/v1/webhooks/ops/deliveries")
    }

    @Test func `a message is signed as the reference library signs it`() {
        let at = Instant(millisecondsSince1970: 1_773_144_000_000)
        let message = WebhookMessage(testing: Self.hook, at: at)
        let expected = [
            "application/json", "meterstone", "test_1773144000000", "1773144000",
            "v1,iWoydMRqUcIdyZYC8ODrQhDKzHOhF3lUDlWGK22kRHw=",
        ]
        #expect(message.headers.map(\.value) == expected)
        var rotated = Self.hook
        var random = SystemRandomNumberGenerator()
        _ = rotated.rotate(overlapSeconds: 60, at: at, using: &random)
        func signatures(_ seconds: Int64) -> [Substring] {
            let message = WebhookMessage(
                testing: rotated, at: at.advanced(byMilliseconds: seconds * 1_000))
            return message.headers.last.map { $0.value.split(separator: " ") } ?? []
        }
        #expect(signatures(0).last == "v1,iWoydMRqUcIdyZYC8ODrQhDKzHOhF3lUDlWGK22kRHw=")
        #expect(signatures(59).count == 2 && signatures(60).count == 1)
    }

    @Test func `an alert is sent once, and again with its id until it is taken`() async throws {
        try await TestServer.run { server in
            let receiver = Receiver()
            _ = try await server.put(
                "/v1/alerts/full", #"{"usedPercent":[80],"limits":["prompts_daily"]}"#)
            // Before there is a webhook nothing is for it.
            _ = try await server.post(
                "/v1/consume", #"{"subject":"early","meter":"prompts","quantity":8}"#)
            let made = try await server.put(
                "/v1/webhooks/ops", #"{"url":"https://ops.example.com/usage"}"#)
            #expect(made.status == 201 && made.text.contains(#""secret":"whsec_"#))
            let courier = courier(server, receiver)
            await courier.runOnce()
            #expect(receiver.got.isEmpty)
            receiver.answer(DeliveryError("503 Service Unavailable"))
            _ = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts","quantity":8,"id":"e"}"#)
            await courier.runOnce()
            await courier.runOnce()
            #expect(receiver.got.count == 1)
            let waiting = try await deliveries(server).text
            #expect(
                waiting.contains(
                    #""attempts":1,"dueAt":"2026-03-10T12:00:05.000Z","error":"503 Service Unavailable""#
                ))
            server.clock.advance(bySeconds: 5)
            receiver.answer(nil)
            // Another process goes on where this one ended.
            let next = self.courier(server, receiver)
            await next.runOnce()
            await next.runOnce()
            #expect(receiver.got.count == 2)
            #expect(Set(receiver.got.map(id)).count == 1)
            let body = String(decoding: try #require(receiver.got.last).body, as: UTF8.self)
            #expect(
                body.contains(
                    #""alert":"full","subject":"u","measure":"usedPercent","threshold":80,"#
                        + #""limit":"prompts_daily","meter":"prompts","allowance":10,"used":8,"#
                        + #""resetsAt":"2026-03-11T00:00:00.000Z","eventId":"e""#))
            #expect(try await deliveries(server).text.contains(#""delivered":1,"waiting":[]"#))
            let fired = try await server.get("/v1/subjects/u/alerts")
            #expect(fired.items("alerts", "threshold") == ["80"])
        }
    }

    @Test func `what is never taken is given up, told and sent again when asked`() async throws {
        try await TestServer.run { server in
            let receiver = Receiver()
            receiver.answer(DeliveryError("no"))
            _ = try await server.put("/v1/webhooks/ops", #"{"url":"http://127.0.0.1:1/"}"#)
            _ = try await server.put("/v1/alerts/full", #"{"remaining":[2]}"#)
            _ = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts","quantity":8}"#)
            let courier = courier(server, receiver)
            await courier.runOnce()
            for pause in DeliveryQueue.pausesInSeconds {
                server.clock.advance(bySeconds: pause)
                await courier.runOnce()
            }
            #expect(receiver.got.count == DeliveryQueue.pausesInSeconds.count + 1)
            let told = try await deliveries(server)
            #expect(told.text.contains(#""waiting":[],"failed":[{"sequence":"#))
            let unknown = try await server.post("/v1/webhooks/ops/replay", #"{"sequence":1}"#)
            #expect(unknown.isProblem(404, "unknown_delivery"))
            receiver.answer(nil)
            let asked = try await server.post("/v1/webhooks/ops/replay", "{}")
            #expect(asked.status == 202)
            await courier.runOnce()
            #expect(try await deliveries(server).text.contains(#""delivered":1"#))
            #expect(Set(receiver.got.map(id)).count == 1)
        }
    }

    @Test func `what fired while there was no webhook is not for one of the same key`()
        async throws
    {
        try await TestServer.run { server in
            let receiver = Receiver()
            let courier = courier(server, receiver)
            let hook = #"{"url":"https://a.example"}"#
            _ = try await server.put("/v1/webhooks/ops", hook)
            _ = try await server.put("/v1/alerts/full", #"{"usedPercent":[100]}"#)
            await courier.runOnce()
            _ = try await server.delete("/v1/webhooks/ops")
            _ = try await server.post(
                "/v1/consume", #"{"subject":"a","meter":"prompts","quantity":10}"#)
            _ = try await server.put("/v1/webhooks/other", hook)
            await courier.runOnce()
            _ = try await server.put("/v1/webhooks/ops", hook)
            // More than are sent at once, in one look.
            for place in 0..<20 {
                _ = try await server.post(
                    "/v1/consume", #"{"subject":"s\#(place)","meter":"prompts","quantity":10}"#)
            }
            await courier.runOnce()
            #expect(receiver.got.count == 40)
        }
    }

    @Test func `a receiver that is gone is not tried again`() async throws {
        try await TestServer.run { server in
            let receiver = Receiver()
            receiver.answer(DeliveryError("410 Gone", isFinal: true))
            _ = try await server.put("/v1/webhooks/ops", #"{"url":"https://a.example"}"#)
            _ = try await server.put("/v1/webhooks/other", #"{"url":"https://b.example"}"#)
            _ = try await server.put(
                "/v1/alerts/full", #"{"usedPercent":[100],"webhooks":["ops"]}"#)
            _ = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts","quantity":10}"#)
            let courier = courier(server, receiver)
            await courier.runOnce()
            server.clock.advance(bySeconds: 86_400)
            await courier.runOnce()
            #expect(receiver.got.map(\.url) == ["https://a.example"])
            #expect(try await deliveries(server).text.contains("410 Gone"))
        }
    }

    @Test func `secrets are told once and stand in no answer after that`() async throws {
        try await TestServer.run { server in
            let made = try await server.put("/v1/webhooks/ops", #"{"url":"https://a.example"}"#)
            let secret = try #require(made.text("secret"))
            let again = try await server.put("/v1/webhooks/ops", #"{"url":"https://b.example"}"#)
            #expect(again.status == 200 && !again.text.contains("whsec_"))
            let rotated = try await server.post("/v1/webhooks/ops/rotate", "{}")
            #expect(rotated.text("secret").map { $0 != secret } ?? false)
            for path in ["/v1/webhooks", "/v1/webhooks/ops", "/v1/changes"] {
                let answer = try await server.get(path)
                #expect(answer.status == 200 && !answer.text.contains("whsec_"), "\(path)")
            }
            let webhook = try #require(try await server.engine.webhooks().first)
            #expect(webhook.secrets.map(\.text).last == secret && webhook.secrets.count == 2)
        }
    }

    @Test(arguments: [
        (#"{"url":"ftp://a"}"#, "url"), (#"{"url":"https://u@a"}"#, "url"),
        (#"{"url":"https:///x"}"#, "url"), (#"{"url":"https://a:99999/x"}"#, "url"),
        (#"{"url":"https://a:/x"}"#, "url"), (#"{"url":"https://[::1]x/"}"#, "url"),
        (#"{"url":"https://a","secret":"x"}"#, "secret"),
        (#"{"url":"https://a","colour":1}"#, "colour"), ("{}", "url"),
    ])
    func `a webhook that cannot be is refused with the field`(
        body: String, field: String
    ) async throws {
        try await TestServer.run { server in
            let answer = try await server.put("/v1/webhooks/ops", body)
            #expect(answer.status == 422 && answer.text("field") == field, "\(answer.text)")
        }
    }

    @Test func `a webhook that an alert names stays, and so does a limit that one watches`()
        async throws
    {
        try await TestServer.run { server in
            _ = try await server.put("/v1/webhooks/ops", #"{"url":"https://a.example"}"#)
            _ = try await server.put(
                "/v1/alerts/full",
                #"{"usedPercent":[100],"limits":["prompts_daily"],"webhooks":["ops"]}"#)
            let webhook = try await server.delete("/v1/webhooks/ops")
            #expect(webhook.isProblem(409, "in_use", field: "key"))
            let limit = try await server.delete("/v1/limits/prompts_daily")
            #expect(limit.isProblem(409, "in_use", field: "key"))
            _ = try await server.delete("/v1/alerts/full")
            #expect(try await server.delete("/v1/webhooks/ops").status == 204)
        }
    }

    @Test(arguments: [
        ("10.1.2.3", true), ("127.0.0.1", true), ("169.254.169.254", true), ("192.168.0.1", true),
        ("::1", true), ("fe80::1%eth0", true), ("::ffff:10.0.0.1", true), ("fd00::1", true),
        ("8.8.8.8", false), ("172.32.0.1", false), ("2606:4700::1", false), ("x", true),
    ])
    func `addresses of private networks are known`(address: String, isPrivate: Bool) {
        #expect(AddressRange.isPrivate(address) == isPrivate)
    }

    @Test func `what was taken in twice is sent once where facts come to light late`() {
        var queue = DeliveryQueue(WebhookProgress(webhook: Self.hook.key, through: 10))
        let start = Instant(millisecondsSince1970: 1_773_144_000_000)
        func fact(_ sequence: Int64) -> ChangeRecord {
            ChangeRecord.testing(
                sequence, at: start,
                FiredAlert(
                    alert: AlertKey(unchecked: "a"), subject: SubjectID(unchecked: "s\(sequence)"),
                    measure: .remaining, threshold: 1))
        }
        queue.take([fact(12), fact(14)], isShared: true, at: start) { _ in true }
        #expect(queue.progress.through == 10)
        queue.take([fact(11), fact(12), fact(14)], isShared: true, at: start) { _ in true }
        #expect(queue.due(at: start).map(\.sequence) == [12, 14, 11])
        let later = start.advanced(byMilliseconds: DeliveryQueue.settlingMilliseconds + 1)
        queue.take([fact(11), fact(12), fact(14)], isShared: true, at: later) { _ in true }
        #expect(queue.progress.through == 14 && queue.due(at: later).count == 3)
    }

    @Test func `what is told of one subject comes in order`() {
        var queue = DeliveryQueue(WebhookProgress(webhook: Self.hook.key, through: 10))
        let start = Instant(millisecondsSince1970: 1_773_144_000_000)
        let facts = [(11, "s"), (12, "s"), (13, "t"), (14, "s")].map { sequence, subject in
            ChangeRecord.testing(
                sequence, at: start,
                FiredAlert(
                    alert: AlertKey(unchecked: "a"), subject: SubjectID(unchecked: subject),
                    measure: .remaining, threshold: 1))
        }
        queue.take(facts, isShared: false, at: start) { _ in true }
        var sent: [[Int64]] = []
        while true {
            let due = queue.due(at: start)
            if due.isEmpty { break }
            sent.append(due.map(\.sequence))
            for delivery in due { queue.note(delivery, nil, at: start) }
        }
        #expect(sent == [[11, 13], [12], [14]])
    }
}

extension ChangeRecord {
    static func testing(_ sequence: Int64, at: Instant, _ fired: FiredAlert) -> ChangeRecord {
        ChangeRecord(
            sequence: sequence, recordedAt: at,
            request: ChangeRequest(change: .noteAlert(fired), author: "test"), outcome: .created,
            before: nil, after: nil)
    }
}
