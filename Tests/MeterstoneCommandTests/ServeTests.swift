import Foundation
import MeterstoneTesting
import Testing

/// A server as a process: it says where it listens, owns its store, and stops when it is asked to.
@Suite(.serialized) struct ServeTests {
    /// The line that the server prints once it accepts connections.
    private func firstLine(_ output: Pipe) -> String {
        var bytes = Data()
        while let byte = try? output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty {
            if byte == Data("\n".utf8) { break }
            bytes += byte
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a signal ends the server with 0, and its store is free again`(signal: Int32) async throws
    {
        try await withFolder { folder in
            let server = Program.process(
                ["serve", "--port", "0", "--data", folder, "--blueprint", "video-studio"],
                ["METERSTONE_LOG_LEVEL": "warning"])
            let output = Pipe()
            server.standardOutput = output
            try server.start()
            defer { if server.isRunning { server.terminate() } }
            let line = firstLine(output)
            #expect(line.contains("listens on http://127.0.0.1:"))

            let locked = try Program.run(["verify", "--data", folder])
            #expect(locked.status == 69)
            #expect(locked.errors.contains("belongs to another process"))

            kill(server.processIdentifier, signal)
            server.waitUntilExit()
            #expect(server.terminationReason == .exit)
            #expect(server.terminationStatus == 0)
            #expect(try Program.run(["verify", "--data", folder]).status == 0)
        }
    }

    @Test func `an address that is in use ends with 69`() async throws {
        try await withFolder { folder in
            let first = Program.process(["serve", "--port", "0", "--data", "\(folder)/a"])
            let output = Pipe()
            first.standardOutput = output
            first.standardError = FileHandle.nullDevice
            try first.run()
            defer {
                first.terminate()
                first.waitUntilExit()
            }
            let port = String(firstLine(output).split(separator: ":").last ?? "")
            let second = try Program.run(["serve", "--port", port, "--data", "\(folder)/b"])
            #expect(second.status == 69)
            #expect(second.errors.contains("cannot serve on 127.0.0.1:\(port)"))
        }
    }

    @Test func `start-up shows each setting and where it came from`() async throws {
        try await withFolder { folder in
            let server = Program.process(
                ["serve", "--port", "0", "--data", folder],
                [
                    "USAGE_LIMITS_ENFORCED": "false", "USAGE_LIMIT_PROMPTS_DAILY_FREE": "7",
                    "METERSTONE_ADMIN_KEY": "do-not-tell",
                ])
            let (output, errors) = (Pipe(), Pipe())
            server.standardOutput = output
            server.standardError = errors
            try server.start()
            _ = firstLine(output)
            server.terminate()
            let log = String(
                decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            server.waitUntilExit()
            #expect(log.contains("from=USAGE_LIMITS_ENFORCED"))
            #expect(log.contains("usage.limitsEnforced: false"))
            #expect(log.contains("from=--port"))
            #expect(log.contains("USAGE_LIMIT_PROMPTS_DAILY_FREE is for no limit and plan"))
            #expect(!log.contains("do-not-tell"))
        }
    }

    @Test func `a variable for a limit that does not exist ends the start with 64`() async throws {
        try await withFolder { folder in
            let ending = try Program.run(
                ["serve", "--port", "0", "--data", folder, "--blueprint", "video-studio"],
                ["USAGE_LIMIT_PROMTS_DAILY_FREE": "7"])
            #expect(ending.status == 64)
            #expect(
                ending.errors.contains(
                    """
                    USAGE_LIMIT_PROMTS_DAILY_FREE is for no limit and plan of the store; \
                    did you mean 'USAGE_LIMIT_PROMPTS_DAILY_FREE'?
                    """))
        }
    }
}
