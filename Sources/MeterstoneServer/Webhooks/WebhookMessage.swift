import Crypto
import Foundation
import MeterstoneAPI
package import MeterstoneCore

/// One alert as it is sent to a webhook, signed as Standard Webhooks 1.0 says: HMAC with SHA-256 of id,
/// time and body, once for each secret that is in force.
package struct WebhookMessage: Sendable, Equatable {
    package let url: String
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]

    /// - Parameter now: when it is sent; a receiver refuses what is older than some minutes.
    /// - Parameter refill: what the receiver is asked for; `nil`: it is told, and no more.
    package init(
        _ alert: RecordedAlert, asking refill: Refill? = nil, to webhook: Webhook, at now: Instant
    ) {
        guard webhook.mailAddress == nil else {
            self.init(mailing: alert, to: webhook)
            return
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("type")
        writer.string(refill == nil ? "alert.fired" : "refill.requested")
        writer.name("timestamp")
        writer.string(alert.firedAt.rfc3339)
        writer.name("data")
        writer.object(RefillRequest(fired: alert, refill: refill), Shapes.refillRequest)
        writer.endObject()
        self.init(
            id: "alert_\(alert.sequence)", body: writer.bytes, to: webhook, at: now)
    }

    /// A message that says nothing, for whoever sets a receiver up.
    package init(testing webhook: Webhook, at now: Instant) {
        guard webhook.mailAddress == nil else {
            let text = "Alerts are sent to this address"
            self.init(
                mailing: text, ["\(text)."], id: "test_\(now.millisecondsSince1970)", to: webhook)
            return
        }
        let body = #"{"type":"webhook.test","timestamp":"\#(now.rfc3339)","data":{}}"#
        self.init(
            id: "test_\(now.millisecondsSince1970)", body: Array(body.utf8), to: webhook, at: now)
    }

    init(url: String, headers: [(name: String, value: String)], body: [UInt8]) {
        self.url = url
        self.headers = headers
        self.body = body
    }

    package init(id: String, body: [UInt8], to webhook: Webhook, at now: Instant) {
        url = webhook.url
        self.body = body
        let seconds = String(now.millisecondsSince1970 / 1_000)
        let signed = Array("\(id).\(seconds).".utf8) + body
        let signatures = webhook.secrets.filter { $0.until.map { $0 > now } ?? true }
            .compactMap { $0.signature(of: signed) }
        headers = [
            ("content-type", "application/json"), ("user-agent", "meterstone"),
            ("webhook-id", id), ("webhook-timestamp", seconds),
            ("webhook-signature", signatures.joined(separator: " ")),
        ]
    }

    package static func == (one: Self, other: Self) -> Bool {
        one.url == other.url && one.body == other.body
            && one.headers.elementsEqual(other.headers) { $0 == $1 }
    }
}

extension WebhookSecret {
    private var key: [UInt8]? {
        guard text.hasPrefix(Self.prefix) else { return nil }
        return Data(base64Encoded: String(text.dropFirst(Self.prefix.count))).map { Array($0) }
    }

    /// What is wrong with it, if something is.
    var mistake: Rejection? {
        if let key, Self.bytes.contains(key.count) { return nil }
        return .invalid(
            "secret",
            "\(Self.prefix) and \(Self.bytes.lowerBound) to \(Self.bytes.upperBound) bytes in Base64"
        )
    }

    fileprivate func signature(of bytes: [UInt8]) -> String? {
        guard let key else { return nil }
        let code = HMAC<SHA256>.authenticationCode(for: bytes, using: SymmetricKey(data: key))
        return "v1," + Data(code).base64EncodedString()
    }

    /// One that nobody can guess, of 256 bits.
    package static func make(using random: inout some RandomNumberGenerator) -> WebhookSecret {
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        return WebhookSecret(text: prefix + Data(bytes).base64EncodedString())
    }
}
