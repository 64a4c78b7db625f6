import Foundation
import MeterstoneAPI
import MeterstoneCore

extension WebhookMessage {
    /// For people: a sentence, and below it what a webhook is told, a line for each field. Nothing signs it, and
    /// whoever carries it says from whom it is.
    init(mailing alert: RecordedAlert, to webhook: Webhook) {
        var writer = JSONWriter()
        writer.object(alert, Shapes.firedAlert)
        var lines: [String] = []
        if case .object(let members)? = try? JSONDecoder().decode(
            JSONValue.self, from: Data(writer.bytes))
        {
            lines = members.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.line)" }
        }
        let sentence = alert.alert.sentence
        self.init(
            mailing: "\(alert.alert.alert): \(sentence)", ["\(sentence).", ""] + lines,
            // Of another store the same number is another alert, and mailboxes hide what has a known id.
            id: "alert_\(alert.sequence).\(alert.firedAt.millisecondsSince1970)", to: webhook)
    }

    /// - Parameter subject: left out unless it is in ASCII; the text says the same.
    init(mailing subject: String, _ lines: [String], id: String, to webhook: Webhook) {
        let isPlain = subject.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        self.init(
            url: webhook.url,
            headers: [("subject", isPlain ? subject : "an alert"), ("webhook-id", id)],
            body: Array((lines.map(\.printable).joined(separator: "\n") + "\n").utf8))
    }
}

extension JSONValue {
    fileprivate var line: String {
        switch self {
        case .text(let text): text
        case .integer(let number): String(number)
        case .null, .boolean, .number, .array, .object: ""
        }
    }
}

extension FiredAlert {
    /// `ann has used 8 of 10 of prompts_daily`
    fileprivate var sentence: String {
        let what = limit?.text ?? meter?.text ?? "credits"
        let limit = value.map { "\(what) for \($0)" } ?? what
        let (used, allowed) = (used ?? 0, allowance ?? 0)
        return switch measure {
        case .usedPercent: "\(subject) has used \(used) of \(allowed) of \(limit)"
        case .remaining:
            "\(subject) has \(max(0, allowed.subtractingReportingOverflow(used).partialValue)) "
                + "left of \(allowed) of \(limit)"
        case .pacePercent:
            "\(subject) will have used \(threshold) % of \(limit) when its window ends"
        case .refusedPerHour: "\(subject) was refused \(used) times within an hour (\(limit))"
        case .failedPercent: "\(subject) has seen \(threshold) % of an hour's requests fail"
        case .credits: "\(subject) has \(balance ?? 0) credits left"
        case .unusual: "\(subject) has used \(used) of \(limit) in a day, which is unusual"
        }
    }
}
