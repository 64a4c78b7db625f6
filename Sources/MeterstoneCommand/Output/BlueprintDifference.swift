import MeterstoneAPI
import MeterstoneCore

/// What a merge of a blueprint would do, for people and for programs.
struct BlueprintDifference {
    private let steps: [BlueprintStep]

    init(_ steps: [BlueprintStep]) {
        self.steps = steps
    }

    /// A line for each part that differs, and one for each of its members.
    var text: String {
        var lines: [String] = []
        for step in steps where step.outcome == .created || !step.members.isEmpty {
            lines.append("\(step.kind) \(step.key)\(Self.heading(of: step))")
            guard step.outcome != .created else { continue }
            lines += step.members.map { Self.line(about: $0) }
        }
        lines.append(summary)
        return lines.joined(separator: "\n")
    }

    private static func heading(of step: BlueprintStep) -> String {
        if step.outcome == .created { return ": new" }
        guard let author = step.changedBy else { return "" }
        return ", changed by \(author)" + (step.changedAt.map { " at \($0.rfc3339)" } ?? "")
    }

    private static func line(about member: MergedMember) -> String {
        let place = member.path.isEmpty ? "as a whole" : member.path
        let (now, file) = (member.now.text, member.file.text)
        return switch member.verdict {
        case .changed: "  + \(place): \(now) becomes \(file)"
        case .kept: "  = \(place): stays \(now); the file says \(file), as it did before"
        case .replaced:
            "  ! \(place): \(now) becomes \(file); the file said \(member.applied.text) before"
        }
    }

    private var summary: String {
        let members = steps.flatMap(\.members)
        func count(_ verdict: MergedMember.Verdict) -> Int {
            members.count { $0.verdict == verdict }
        }
        let written = steps.count { $0.outcome == .created || $0.outcome == .replaced }
        return "\(written) parts would be written; of changes by hand \(count(.kept)) stay and "
            + "\(count(.replaced)) would be replaced"
    }

    var json: String {
        var writer = JSONWriter()
        writer.object(steps, Shapes.blueprintSteps)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
