import Foundation
import Testing

/// The commands of the README and of the documentation work as they are printed.
@Suite(.serialized) struct DocumentedCommandTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// What the pages take for granted: meters, plans and limits of the names that they use.
    private static let blueprint = """
        meters:
          prompts: { eventTypes: [prompt, generate_scene] }
          tokens: {}
          seconds: {}
          exports: { eventTypes: [export, export_video] }
          conversations: {}
          completedSessions: {}
          completedSeconds: {}
          longestSession: { aggregation: max }
        plans:
          free: { isDefault: true, rank: 0 }
          pro: { rank: 1 }
          team: { rank: 2 }
        limits:
          prompts_daily: { meter: prompts, window: day, allowances: { free: 10, pro: 100 } }
          exports_daily: { meter: exports, window: day, allowances: { free: 5 } }
        """

    /// Commands of a page in the order in which they stand: lines of code blocks, with what they
    /// continue on, without comments and prompts.
    private static func commands(of page: String, _ program: String) throws -> [String] {
        let text = try String(contentsOf: root.appending(path: page), encoding: .utf8)
        var commands: [String] = []
        var isCode = false
        var open: String?
        for line in text.components(separatedBy: "\n") {
            if line.hasPrefix("```") {
                isCode.toggle()
                open = nil
                continue
            }
            guard isCode else { continue }
            var line = line.hasPrefix("$ ") ? String(line.dropFirst(2)) : line
            if let comment = line.firstRange(of: "  # ") {
                line = String(line[..<comment.lowerBound])
            }
            if let known = open {
                open = known + "\n" + line
            } else if line.hasPrefix(program + " ") {
                open = line
            }
            guard let whole = open, !line.hasSuffix("\\") else { continue }
            commands.append(whole)
            open = nil
        }
        return commands
    }

    /// Not here: what serves, and what needs machines and files of somebody else.
    private static func isForHere(_ command: String) -> Bool {
        let elsewhere = [" serve", "…", "postgres://", "/var/lib", " import ", " --server"]
        return !elsewhere.contains { command.contains($0) }
    }

    private func shell(_ command: String, in folder: String) async throws -> Program.Ending {
        let program = "meterstone() { '\(Program.path)' \"$@\"; }"
        return try await Program.run("/bin/bash", ["-c", "\(program)\n\(command)"], in: folder)
    }

    @Test(arguments: [
        "docs/start.md", "docs/concepts/what-if.md", "docs/reference/analytics.md",
        "docs/reference/blueprint.md", "docs/reference/command-line.md", "docs/reference/mirror.md",
    ])
    func `commands of the program work as they are printed`(page: String) async throws {
        let commands = try Self.commands(of: page, "meterstone").filter(Self.isForHere)
        #expect(!commands.isEmpty)
        try await withFolder { folder in
            try Self.blueprint.write(toFile: folder + "/my.yaml", atomically: true, encoding: .utf8)
            let start = """
                meterstone blueprint apply my.yaml
                meterstone reserve ann tokens=1 --id r2
                meterstone credits policy put --payment creditsOnly --price prompts=10
                meterstone credits grant ann 500 && meterstone consume ann prompts --id e2
                meterstone record anon-77 prompts --id v1
                """
            #expect(try await shell(start, in: folder).status == 0)
            for command in commands {
                let ending = try await shell(command, in: folder)
                #expect(ending.status == 0, "\(page): \(command)\n\(ending.errors)")
            }
        }
    }

    @Test(arguments: [
        "README.md", "docs/start.md", "docs/concepts/reservations.md", "docs/reference/http.md",
        "docs/reference/events.md", "docs/reference/changes.md", "docs/reference/analytics.md",
        "docs/reference/retention.md", "docs/reference/usage-tracker.md",
    ])
    func `requests work as they are printed`(page: String) async throws {
        let commands = try Self.commands(of: page, "curl").filter(Self.isForHere)
        #expect(!commands.isEmpty)
        try await withFolder { folder in
            try Self.blueprint.write(toFile: folder + "/my.yaml", atomically: true, encoding: .utf8)
            let arguments = ["--data", folder + "/data", "--blueprint", folder + "/my.yaml"]
            _ = try await Program.serve(arguments) { server in
                for command in commands {
                    let here = command.replacing(":8080/", with: ":\(server.port)/")
                        .replacing("curl ", with: "curl -sS --fail-with-body ", maxReplacements: 1)
                    let ending = try await shell(here, in: folder)
                    #expect(
                        ending.status == 0,
                        "\(page): \(command)\n\(ending.output)\n\(ending.errors)")
                }
            }
        }
    }

    /// Each with the blueprint that it begins with: one that comes with the program, or the first of the page.
    @Test(
        arguments: [
            ("docs/guides/meter-an-ai-product.md", "chat-builder"),
            ("docs/guides/sell-credits.md", nil), ("docs/guides/replace-a-usage-table.md", nil),
        ] as [(String, String?)])
    func `requests of guides work with the blueprint that they begin with`(
        page: String, blueprint: String?
    ) async throws {
        let text = try String(contentsOf: Self.root.appending(path: page), encoding: .utf8)
        let commands = try Self.commands(of: page, "curl").filter(Self.isForHere)
        #expect(commands.count > 1)
        try await withFolder { folder in
            let parts = text.components(separatedBy: "```yaml\n")
            let yaml = parts.dropFirst().first?.components(separatedBy: "```").first ?? ""
            try yaml.write(toFile: folder + "/my.yaml", atomically: true, encoding: .utf8)
            let arguments = [
                "--data", folder + "/data", "--blueprint", blueprint ?? folder + "/my.yaml",
            ]
            _ = try await Program.serve(arguments) { server in
                for command in commands {
                    let here = command.replacing(":8080/", with: ":\(server.port)/")
                        .replacing("curl ", with: "curl -sS --fail-with-body ", maxReplacements: 1)
                    let ending = try await shell(here, in: folder)
                    #expect(
                        ending.status == 0,
                        "\(page): \(command)\n\(ending.output)\n\(ending.errors)")
                }
            }
        }
    }
}
