import Foundation
import Logging
import MeterstoneCore
import MeterstoneServer
import MeterstoneTesting
import Synchronization
import Testing

/// Alerts that people are told of by e-mail.
@Suite struct AlertMailTests {
    private final class Mailbox: WebhookSender {
        private let got = Mutex<[WebhookMessage]>([])
        var messages: [WebhookMessage] { got.withLock { $0 } }

        func send(_ message: WebhookMessage) async throws(DeliveryError) -> [UInt8] {
            got.withLock { $0.append(message) }
            return []
        }
    }

    @Test func `an alert is mailed as a sentence and its fields`() async throws {
        try await TestServer.run { server in
            let made = try await server.put(
                "/v1/webhooks/ops", #"{"url":"mailto:ops@example.com"}"#)
            #expect(made.status == 201 && made.text("secret") == nil, "\(made.text)")
            _ = try await server.put(
                "/v1/alerts/full", #"{"usedPercent":[80],"limits":["prompts_daily"]}"#)
            for subject in ["ann", "ännchen"] {
                _ = try await server.post(
                    "/v1/consume",
                    #"{"id":"e8","source":"\#(subject)","subject":"\#(subject)","meter":"prompts","quantity":8}"#
                )
            }
            let (mailbox, clock) = (Mailbox(), server.clock)
            let courier = WebhookCourier(
                server.engine, sender: mailbox, logger: Logger(label: "test"),
                clock: { clock.now })
            await courier.runOnce()
            let messages = mailbox.messages.sorted { $0.body.count < $1.body.count }
            #expect(messages.map(\.url) == ["mailto:ops@example.com", "mailto:ops@example.com"])
            let text = String(decoding: try #require(messages.first).body, as: UTF8.self)
            #expect(
                text.hasPrefix(
                    "ann has used 8 of 10 of prompts_daily.\n\nalert: full\nallowance: 10\n"))
            #expect(text.contains("\nresetsAt: 2026-03-11T00:00:00.000Z\n"))
            // A header is in ASCII; the text has the name.
            let subjects = messages.map { $0.headers.first { $0.name == "subject" }?.value }
            #expect(subjects == ["full: ann has used 8 of 10 of prompts_daily", "an alert"])
            #expect(String(decoding: messages[1].body, as: UTF8.self).hasPrefix("ännchen has used"))
            #expect(
                messages.allSatisfy { message in
                    !message.headers.contains { $0.name == "webhook-signature" }
                })
        }
    }

    @Test(arguments: [
        "mailto:", "mailto:ops", "mailto:@a", "mailto:a@", "mailto:a@b,c@d", "mailto:-oQ@a",
        "mailto:a b@c", "mailto:a@b?subject=x", "mailto:a@b@c", "MAILTO:a@b.c",
    ])
    func `an address that is none is refused`(url: String) async throws {
        try await TestServer.run { server in
            let answer = try await server.put("/v1/webhooks/ops", #"{"url":"\#(url)"}"#)
            #expect(answer.isProblem(422, "invalid_field", field: "url"), "\(answer.text)")
        }
    }

    @Test func `mail has no secret and gives no answer`() async throws {
        try await TestServer.run { server in
            let told = try await server.put(
                "/v1/webhooks/ops",
                #"{"url":"mailto:a@b.c","secret":"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}"#
            )
            #expect(told.isProblem(422, "invalid_field", field: "secret"), "\(told.text)")
            let pay = try await server.put("/v1/webhooks/pay", #"{"url":"https://pay.example"}"#)
            #expect(pay.text("secret") != nil)
            let refill =
                #"{"credits":[50],"refill":{"amount":20,"perMonth":3},"webhooks":["pay"]}"#
            #expect(try await server.put("/v1/alerts/more", refill).status == 201)
            let turned = try await server.put("/v1/webhooks/pay", #"{"url":"mailto:a@b.c"}"#)
            #expect(turned.isProblem(409, "in_use", field: "key"), "\(turned.text)")
            _ = try await server.put("/v1/webhooks/mail", #"{"url":"mailto:a@b.c"}"#)
            let asked = try await server.put(
                "/v1/alerts/less", refill.replacing("\"pay\"", with: "\"mail\""))
            #expect(asked.isProblem(422, "invalid_field", field: "webhooks[0]"), "\(asked.text)")
            let rotated = try await server.post("/v1/webhooks/mail/rotate", "{}")
            #expect(rotated.isProblem(422, "invalid_field", field: "url"), "\(rotated.text)")
            // Who is mailed at first and asked over HTTP later gets a secret then.
            let later = try await server.put("/v1/webhooks/mail", #"{"url":"https://b.c"}"#)
            #expect(later.text("secret") != nil)
        }
    }
}
