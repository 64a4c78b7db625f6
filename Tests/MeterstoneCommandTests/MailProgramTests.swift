import Foundation
import MeterstoneCommand
import MeterstoneCore
import MeterstoneServer
import Testing

/// What a program that takes mail is given, and what is made of how it ends.
@Suite struct MailProgramTests {
    private static let message = WebhookMessage(
        testing: Webhook(
            key: WebhookKey(unchecked: "ops"), url: "mailto:ops@example.com", secrets: []),
        at: Instant(millisecondsSince1970: 1_773_144_000_000))

    /// Sends the message with a shell script as the program.
    private func outcome(
        _ script: String, in folder: String, from: String? = nil,
        timeout: Duration = .seconds(60)
    ) async throws -> DeliveryError? {
        let path = folder + "/sendmail"
        try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        do throws(DeliveryError) {
            _ = try await MailProgram(path: path, from: from, timeout: timeout).send(Self.message)
            return nil
        } catch {
            return error
        }
    }

    @Test func `it is given the message and the address`() async throws {
        try await withFolder { folder in
            let script = #"echo "$@" > \#(folder)/said; cat >> \#(folder)/said"#
            let error = try await outcome(script, in: folder, from: "usage@example.org")
            let said = try String(contentsOfFile: folder + "/said", encoding: .utf8)
            #expect(error == nil)
            #expect(
                said == """
                    -i -f usage@example.org -- ops@example.com
                    From: usage@example.org
                    To: ops@example.com
                    Subject: [meterstone] Alerts are sent to this address
                    Message-ID: <test_1773144000000.meterstone@example.org>
                    Auto-Submitted: auto-generated
                    MIME-Version: 1.0
                    Content-Type: text/plain; charset=utf-8
                    Content-Transfer-Encoding: 8bit

                    Alerts are sent to this address.

                    """)
        }
    }

    @Test func `what it does not take is tried again, unless that cannot help`() async throws {
        try await withFolder { folder in
            let later = try await outcome("echo busy >&2; exit 75", in: folder)
            #expect(later?.isFinal == false && later?.text.contains("busy") == true)
            let never = try await outcome("exit 67", in: folder)
            #expect(never?.isFinal == true)
            let killed = try await outcome("kill -9 $$", in: folder)
            #expect(killed?.isFinal == false)
            let hung = try await outcome("exec sleep 600", in: folder, timeout: .milliseconds(50))
            #expect(hung?.isFinal == false && hung?.text.contains("did not end") == true)
            do throws(DeliveryError) {
                _ = try await MailProgram(path: folder + "/none", from: nil).send(Self.message)
                Issue.record("expected an error")
            } catch {
                #expect(!error.isFinal && error.text.contains("there is no program"))
            }
        }
    }
}
