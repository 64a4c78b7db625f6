import Foundation
import Subprocess
import Testing

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// The program as it was built, run as a process. Nothing here holds a thread while it waits.
enum Program {
    struct Ending: Sendable {
        /// What it exited with, or the negative number of the signal that ended it.
        let status: Int32
        let output: String
        let errors: String

        fileprivate init(_ status: TerminationStatus, output: String, errors: String) {
            self.status =
                switch status {
                case .exited(let code): code
                case .signaled(let signal): -signal
                }
            self.output = output
            self.errors = errors
        }
    }

    /// A server that runs.
    struct Server: Sendable {
        /// What it prints once it accepts connections; nothing when it ended before.
        let line: String

        var port: String { line.split(separator: ":").last.map(String.init) ?? "" }
    }

    /// Test bundles and products lie in one folder.
    static let path = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appending(path: "meterstone").path

    private static let outputMax = 64 * 1_048_576

    static func run(
        _ arguments: [String], _ environment: [String: String] = [:], input: String = ""
    ) async throws -> Ending {
        try await run(path, arguments, environment, input: input)
    }

    /// Runs another program, in a folder.
    static func run(
        _ path: String, _ arguments: [String], _ environment: [String: String] = [:],
        in folder: String? = nil, input: String = ""
    ) async throws -> Ending {
        let result = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(arguments),
            environment: self.environment(environment),
            workingDirectory: folder.map { FilePath($0) }, input: .string(input),
            output: .string(limit: outputMax), error: .string(limit: outputMax))
        return Ending(
            result.terminationStatus, output: result.standardOutput, errors: result.standardError)
    }

    /// Runs the program with a file as its standard output.
    static func run(_ arguments: [String], into file: String) async throws -> Ending {
        let descriptor = try FileDescriptor.open(FilePath(file), .writeOnly)
        let result = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(arguments), environment: environment(),
            output: .fileDescriptor(descriptor, closeAfterSpawningProcess: true),
            error: .string(limit: outputMax))
        return Ending(result.terminationStatus, output: "", errors: result.standardError)
    }

    /// Starts a server on a free port, works with it, and ends it with a signal.
    static func serve(
        _ arguments: [String], _ environment: [String: String] = [:], as command: String = "serve",
        endedBy signal: Signal = .terminate, _ work: (Server) async throws -> Void
    ) async throws -> Ending {
        let result = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments([command, "--port", "0"] + arguments),
            environment: self.environment(environment), input: .none, output: .sequence,
            error: .string(limit: outputMax)
        ) { process in
            // Nothing is to be sent to a server that did not start.
            defer { try? process.send(signal: signal) }
            var lines = process.standardOutput.strings().makeAsyncIterator()
            try await work(Server(line: try await lines.next() ?? ""))
        }
        return Ending(result.terminationStatus, output: "", errors: result.standardError)
    }

    /// An environment that says nothing about Meterstone but what is given.
    static func environment(_ values: [String: String] = [:]) -> Subprocess.Environment {
        var changes: [Subprocess.Environment.Key: String?] = [:]
        for name in ProcessInfo.processInfo.environment.keys where isOurs(name) {
            changes.updateValue(nil, forKey: .init(stringLiteral: name))
        }
        for (name, value) in values { changes[.init(stringLiteral: name)] = value }
        return .inherit.updating(changes)
    }

    static func isOurs(_ variable: String) -> Bool {
        variable.hasPrefix("METERSTONE_") || variable.hasPrefix("USAGE_")
    }
}

/// A folder for one test, gone afterwards.
func withFolder<Answer>(_ body: (String) async throws -> Answer) async throws -> Answer {
    let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    return try await body(url.path)
}
