import Foundation
import MeterstoneTesting

/// How long a mirror of a million events takes from the first fact on, and how large it is.
@MainActor
struct MirrorBuild {
    let report: Report
    let program: String
    let events: Int
    let subjects: Int
    private let folder = TemporaryFolder()

    func run() throws {
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: true)
        try HTTPBench.blueprint.write(
            toFile: folder.path + "/bench.yaml", atomically: true, encoding: .utf8)
        let data = "--data \(folder.path)/data"
        try shell("\(program) blueprint apply \(folder.path)/bench.yaml \(data)")
        try writeEvents()
        try shell(
            "\(program) import \(folder.path)/events.csv --subject who --time at --id id "
                + "--quantity requests=n \(data)")
        let path = folder.path + "/mirror.db"
        let answer = try shell("\(program) mirror --to sqlite:\(path) --json \(data)")
        guard
            let told = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any],
            let milliseconds = told["milliseconds"] as? Int, let facts = told["facts"] as? Int
        else { throw BenchError(message: "no figures in \(answer)") }
        let seconds = Double(milliseconds) / 1_000
        report.add("mirror of \(events) events from the first on", seconds, "s", aim: 60)
        report.add("  facts", Double(facts) / seconds, "/s")
        let bytes = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        report.add("  size for each event", Double(bytes) / Double(events), "bytes")
    }

    /// A month of events, each subject's over all of it.
    private func writeEvents() throws {
        var text = "id,who,at,n\n"
        for number in 0..<events {
            let (day, second) = (number * 28 / events, number % 86_400)
            let time = [second / 3_600, second / 60 % 60, second % 60]
                .map { String(format: "%02d", $0) }.joined(separator: ":")
            text += "e\(number),subject-\(number * 7_919 % subjects),"
            text += "2026-02-\(String(format: "%02d", day + 1))T\(time)Z,1\n"
        }
        try text.write(toFile: folder.path + "/events.csv", atomically: true, encoding: .utf8)
    }
}
