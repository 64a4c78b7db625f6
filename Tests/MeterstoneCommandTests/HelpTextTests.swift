import ArgumentParser
import Foundation
import MeterstoneCommand
import Testing

/// What `--help` prints is a promise to people and scripts, so it is reviewed as code.
///
/// `METERSTONE_RECORD_SNAPSHOTS=1 swift test --filter HelpTextTests` writes the files anew.
@Suite struct HelpTextTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Snapshots")

    private static var isRecording: Bool {
        ProcessInfo.processInfo.environment["METERSTONE_RECORD_SNAPSHOTS"] != nil
    }

    /// Every command with the words that call it.
    private static func commands(
        _ command: any ParsableCommand.Type = MeterstoneProgram.self, words: [String] = []
    ) -> [(name: String, command: any ParsableCommand.Type)] {
        let words = words + [command._commandName]
        return [(words.joined(separator: "-"), command)]
            + command.configuration.subcommands.flatMap { commands($0, words: words) }
    }

    @Test func `help texts are as they were reviewed`() throws {
        for (name, command) in Self.commands() {
            let file = Self.folder.appending(path: "\(name).txt")
            let text =
                MeterstoneProgram.helpMessage(for: command, includeHidden: false, columns: 80)
                + "\n"
            if Self.isRecording {
                try text.write(to: file, atomically: true, encoding: .utf8)
                continue
            }
            let reviewed = try? String(contentsOf: file, encoding: .utf8)
            #expect(text == reviewed, "the help of \(name) differs from Snapshots/\(name).txt")
        }
    }

    @Test func `every snapshot belongs to a command`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(files.sorted() == Self.commands().map { "\($0.name).txt" }.sorted())
    }

    @Test func `every option is explained`() {
        for (name, command) in Self.commands() {
            let help = MeterstoneProgram.helpMessage(
                for: command, includeHidden: false, columns: 200)
            let lines = help.split(separator: "\n", omittingEmptySubsequences: false)
            // An explanation stands behind the option or, when that is long, on the next line.
            let unexplained = zip(lines, lines.dropFirst()).filter { line, next in
                let isExplained = line.utf8.count > 26 || next.hasPrefix("          ")
                return line.hasPrefix("  --") && !isExplained
            }
            #expect(unexplained.map { String($0.0) } == [], "in the help of \(name)")
        }
    }
}
