import ArgumentParser
import Foundation
import MeterstoneAPI
import MeterstoneCore

/// Texts and tables that several commands print.
enum Answers {
    static func table(_ statuses: [LimitStatus]) -> String {
        var table = TextTable([
            "limit", "meter", "window", "used>", "allowance>", "remaining>", "resets at", "mode",
        ])
        for status in statuses {
            let limit = status.limit.text + (status.value.map { " [\($0)]" } ?? "")
            let name = status.ancestor.map { "\(limit) of \($0)" } ?? limit
            table.add([
                name, status.meter.text, status.window.text, status.used.description,
                allowance(of: status), text(status.remaining),
                status.resetsAt?.rfc3339 ?? "never", status.mode.rawValue,
            ])
        }
        return table.isEmpty ? "no limits" : table.text
    }

    /// `150 = 100 + 50 until 2026-03-15T00:00:00.000Z`.
    private static func allowance(of status: LimitStatus) -> String {
        let allowed = text(status.allowance.wire)
        guard !status.additions.isEmpty else { return allowed }
        let parts = status.additions.map { part in
            text(part.change) + (part.until.map { " until \($0.rfc3339)" } ?? "")
        }
        return "\(allowed) = \(text(status.base.wire)) \(parts.joined(separator: " "))"
    }

    private static func text(_ change: AllowanceChange) -> String {
        switch change {
        case .set(let allowance): "set to \(text(allowance.wire))"
        case .add(let units): units < 0 ? "- \(units.magnitude)" : "+ \(units)"
        case .atLeast(let allowance): "at least \(text(allowance.wire))"
        }
    }

    /// `calls + 50 from … until …`.
    static func text(_ addition: Addition) -> String {
        let what =
            switch addition.content {
            case .limit(let limit, let change): "\(limit) \(text(change))"
            case .addOn(let key, let quantity): "\(quantity) of \(key)"
            }
        return what + (addition.from.map { " from \($0.rfc3339)" } ?? "")
            + (addition.until.map { " until \($0.rfc3339)" } ?? "")
    }

    /// −1 as people read it.
    static func text(_ wire: Int64) -> String {
        wire == -1 ? "unlimited" : String(wire)
    }

    static func text(_ denial: Denial) -> String {
        var sentence: String
        switch denial.reason {
        case .limitExceeded:
            sentence = "refused by \(denial.violated.map(\.text).joined(separator: ", "))"
        case .insufficientCredits: sentence = "refused: not enough credits are left"
        case .subjectBlocked(let subject):
            sentence = "refused: '\(subject)' is blocked"
        case .featureOff(let name): sentence = "refused: the plan does not have '\(name)'"
        }
        if let retryAt = denial.retryAt { sentence += "; possible from \(retryAt.rfc3339)" }
        if denial.retryAt == nil, let refill = denial.nextRefillAt {
            sentence += "; the next credits come at \(refill.rfc3339)"
        }
        if let fallback = denial.fallback { sentence += "; instead: \(fallback)" }
        if !denial.plansThatAllow.isEmpty {
            let plans = denial.plansThatAllow.map(\.text).joined(separator: ", ")
            sentence += "; allowed on \(plans)"
        }
        return sentence
    }

    /// `counted e1`, and in a line of its own what it moves.
    static func text(_ result: EventResult) -> String {
        let verdict = result.verdict.rawValue + (result.id.map { " \($0)" } ?? "")
        guard result.verdict != .notRecorded else { return verdict }
        let moved = result.moved.map(\.text).joined(separator: ", ")
        return verdict + "\n" + (moved.isEmpty ? "moves no meter" : "moves \(moved)")
            + text(result.adjustment)
    }

    /// A line of its own where usage counts elsewhere than when it occurred.
    static func text(_ adjustment: Adjustment?) -> String {
        guard let adjustment else { return "" }
        return "\ncounts at \(adjustment.countedAt.rfc3339), since its month is closed"
    }

    /// A value as the API writes it.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// `{"limits": […]}`.
    ///
    /// - Parameter total: how many there are, where only some of them are shown.
    static func printList(
        _ name: StaticString, _ values: [some Encodable], total: Int? = nil
    ) throws {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name(name)
        writer.json(try json(values))
        writer.total(total)
        writer.endObject()
        Console.write(json: writer.bytes)
    }

    /// The decision of a consume or check; a refusal ends the program with ``ProgramExit/negative``.
    static func print(_ outcome: ConsumeOutcome, asJSON: Bool, at now: Instant) throws {
        switch outcome {
        case .conflict(let id):
            throw CommandFailure(conflict: id, differs: [])
        case .rejected(let rejection):
            throw CommandFailure(rejection)
        case .decided(let decision):
            if asJSON {
                var writer = JSONWriter()
                writer.object(CheckAnswer(decision, at: now), Shapes.checked)
                Console.write(json: writer.bytes)
            } else {
                let yes = decision.isDuplicate ? "allowed before (duplicate)" : "allowed"
                Console.write((decision.denial.map { text($0) } ?? yes) + text(decision.adjustment))
                if let credits = decision.credits { Console.write(text(credits)) }
                Console.write(table(decision.limits))
            }
            if !decision.isAllowed { throw ExitCode(ProgramExit.negative.rawValue) }
        }
    }
}
