import Foundation
package import MeterstoneServer
import Subprocess
import SystemPackage

/// Sends each message the way its URL says.
package struct MessageSender: WebhookSender {
    let webhooks: WebhookClient
    let mail: MailProgram

    package func send(_ message: WebhookMessage) async throws(DeliveryError) -> [UInt8] {
        guard message.url.hasPrefix("mailto:") else { return try await webhooks.send(message) }
        return try await mail.send(message)
    }
}

/// Hands messages to a program that takes mail, as sendmail does: Postfix, Exim, msmtp and others come with one.
/// What it takes, it delivers.
package struct MailProgram: WebhookSender {
    /// Statuses of sysexits.h after which the same message comes to the same: bad usage, bad data, no such user,
    /// no such host.
    private static let final: Set<Int32> = [64, 65, 67, 68]

    private let path: String
    private let from: String?
    private let timeout: Duration

    package init(path: String, from: String?, timeout: Duration = .seconds(30)) {
        self.path = path
        self.from = from
        self.timeout = timeout
    }

    package func send(_ message: WebhookMessage) async throws(DeliveryError) -> [UInt8] {
        let address = String(message.url.dropFirst("mailto:".count))
        let text = mail(message, to: address)
        let arguments = ["-i"] + (from.map { ["-f", $0] } ?? []) + ["--", address]
        let result = await withTaskGroup(of: Result<[UInt8], DeliveryError>.self) { group in
            group.addTask { await run(arguments, text) }
            group.addTask {
                try? await Task.sleep(for: timeout)
                return .failure(DeliveryError("'\(path)' did not end within \(timeout)"))
            }
            defer { group.cancelAll() }
            return await group.next() ?? .success([])
        }
        return try result.get()
    }

    private func run(
        _ arguments: [String], _ text: [UInt8]
    ) async -> Result<[UInt8], DeliveryError> {
        guard FileManager.default.isExecutableFile(atPath: path) else {
            return .failure(
                DeliveryError(
                    "there is no program '\(path)': install one that sends mail, such as msmtp-mta, or "
                        + "set METERSTONE_MAIL_PROGRAM"))
        }
        do {
            let ending = try await Subprocess.run(
                .path(FilePath(path)), arguments: Arguments(arguments),
                environment: Self.environment,
                input: .fileDescriptor(try Self.file(text), closeAfterSpawningProcess: true),
                output: .discarded, error: .string(limit: 65_536))
            guard !ending.terminationStatus.isSuccess else { return .success([]) }
            let said = ending.standardError.prefix(200)
            if case .exited(let status) = ending.terminationStatus {
                return .failure(
                    DeliveryError("\(status) \(said)", isFinal: Self.final.contains(status)))
            }
            return .failure(DeliveryError("\(ending.terminationStatus) \(said)"))
        } catch {
            return .failure(DeliveryError(String("\(error)".prefix(200))))
        }
    }

    /// A file that has no name any more. A pipe whose reader has ended would end this process.
    private static func file(_ bytes: [UInt8]) throws -> FileDescriptor {
        let path = FilePath(NSTemporaryDirectory()).appending("mail-\(UUID().uuidString)")
        let file = try FileDescriptor.open(
            path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec],
            permissions: .ownerReadWrite)
        do {
            try FileManager.default.removeItem(atPath: path.string)
            try file.writeAll(bytes)
            try file.seek(offset: 0, from: .start)
        } catch {
            try? file.close()
            throw error
        }
        return file
    }

    /// Without what is ours: keys are no business of another program.
    private static var environment: Subprocess.Environment {
        var changes: [Subprocess.Environment.Key: String?] = [:]
        for name in ProcessInfo.processInfo.environment.keys where name.hasPrefix("METERSTONE_") {
            changes.updateValue(nil, forKey: .init(stringLiteral: name))
        }
        return .inherit.updating(changes)
    }

    /// The message as RFC 5322 has it. A repeat has the same id, so that a mailbox can tell.
    private func mail(_ message: WebhookMessage, to address: String) -> [UInt8] {
        let headers = Dictionary(message.headers.map { ($0.name, $0.value) }) { $1 }
        let host = (from ?? address).split(separator: "@").last ?? "meterstone"
        var lines = from.map { ["From: \($0)"] } ?? []
        lines += [
            "To: \(address)", "Subject: [meterstone] \(headers["subject"] ?? "")",
            "Message-ID: <\(headers["webhook-id"] ?? "").meterstone@\(host)>",
            "Auto-Submitted: auto-generated", "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", "",
        ]
        return Array(lines.joined(separator: "\n").utf8) + message.body
    }
}
