import Foundation
import MeterstoneTesting
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

    private func shell(_ command: String, in folder: String) throws -> Program.Ending {
        let program = Program.process([]).executableURL?.path ?? ""
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", "meterstone() { '\(program)' \"$@\"; }\n\(command)"]
        process.currentDirectoryURL = URL(filePath: folder)
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.start()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let errorText = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Program.Ending(
            status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: errorText, as: UTF8.self))
    }

    @Test(arguments: [
        "docs/start.md", "docs/concepts/what-if.md", "docs/reference/analytics.md",
        "docs/reference/blueprint.md", "docs/reference/command-line.md",
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
                """
            #expect(try shell(start, in: folder).status == 0)
            for command in commands {
                let ending = try shell(command, in: folder)
                #expect(ending.status == 0, "\(page): \(command)\n\(ending.errors)")
            }
        }
    }

    @Test(arguments: [
        "README.md", "docs/start.md", "docs/concepts/reservations.md", "docs/reference/http.md",
        "docs/reference/events.md", "docs/reference/changes.md", "docs/reference/analytics.md",
    ])
    func `requests work as they are printed`(page: String) async throws {
        let commands = try Self.commands(of: page, "curl").filter(Self.isForHere)
        #expect(!commands.isEmpty)
        try await withFolder { folder in
            try Self.blueprint.write(toFile: folder + "/my.yaml", atomically: true, encoding: .utf8)
            let server = Program.process(
                [
                    "serve", "--port", "0", "--data", folder + "/data", "--blueprint",
                    folder + "/my.yaml",
                ])
            let output = Pipe()
            server.standardOutput = output
            server.standardError = FileHandle.nullDevice
            try server.start()
            defer {
                server.terminate()
                server.waitUntilExit()
            }
            var line = ""
            while !line.hasSuffix("\n"),
                let byte = try output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty
            {
                line += String(decoding: byte, as: UTF8.self)
            }
            let port = line.split(separator: ":").last?.dropLast() ?? ""
            for command in commands {
                let here = command.replacing(":8080/", with: ":\(port)/")
                    .replacing("curl ", with: "curl -sS --fail-with-body ", maxReplacements: 1)
                let ending = try shell(here, in: folder)
                #expect(
                    ending.status == 0, "\(page): \(command)\n\(ending.output)\n\(ending.errors)")
            }
        }
    }
}
