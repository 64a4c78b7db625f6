import Foundation
import Subprocess
import Testing

/// A server as a process: it says where it listens, owns its store, and stops when it is asked to.
@Suite(.serialized) struct ServeTests {
    @Test(arguments: [Signal.terminate, .interrupt])
    func `a signal ends the server with 0, and its store is free again`(signal: Signal) async throws
    {
        try await withFolder { folder in
            let ending = try await Program.serve(
                ["--data", folder, "--blueprint", "video-studio"],
                ["METERSTONE_LOG_LEVEL": "warning"], endedBy: signal
            ) { server in
                #expect(server.line.contains("listens on http://127.0.0.1:"))
                // What to do is said with what the command has.
                for (command, advice) in [
                    (["verify"], "stop it first\n"),
                    (
                        ["mirror", "--to", "sqlite:\(folder)/mirror.sqlite"],
                        "stop it first, or let it keep the mirror up: METERSTONE_MIRROR\n"
                    ),
                    (["subjects", "list"], "ask the server with --server, or stop it first\n"),
                ] {
                    let locked = try await Program.run(command + ["--data", folder])
                    #expect(locked.status == 69)
                    #expect(locked.errors.contains("belongs to another process"))
                    #expect(locked.errors.hasSuffix(advice), "\(locked.errors)")
                }
            }
            #expect(ending.status == 0)
            #expect(try await Program.run(["verify", "--data", folder]).status == 0)
        }
    }

    @Test func `an address that is in use ends with 69`() async throws {
        try await withFolder { folder in
            _ = try await Program.serve(["--data", "\(folder)/a"]) { first in
                let second = try await Program.run(
                    ["serve", "--port", first.port, "--data", "\(folder)/b"])
                #expect(second.status == 69)
                #expect(second.errors.contains("cannot serve on 127.0.0.1:\(first.port)"))
            }
        }
    }

    @Test func `start-up shows each setting and where it came from`() async throws {
        try await withFolder { folder in
            let log = try await Program.serve(
                ["--data", folder],
                [
                    "USAGE_LIMITS_ENFORCED": "false", "USAGE_LIMIT_PROMPTS_DAILY_FREE": "7",
                    "METERSTONE_ADMIN_KEY": "do-not-tell",
                ]
            ) { _ in }.errors
            #expect(log.contains("from=USAGE_LIMITS_ENFORCED"))
            #expect(log.contains("usage.limitsEnforced: false"))
            #expect(log.contains("from=--port"))
            #expect(log.contains("USAGE_LIMIT_PROMPTS_DAILY_FREE is for no limit and plan"))
            #expect(!log.contains("do-not-tell"))
        }
    }

    @Test func `a variable for a limit that does not exist ends the start with 64`() async throws {
        try await withFolder { folder in
            let ending = try await Program.run(
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
