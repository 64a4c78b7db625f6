import Foundation
import MeterstoneTesting

/// The program as it was built, run as a process.
enum Program {
    struct Ending {
        let status: Int32
        let output: String
        let errors: String
    }

    private static var executable: URL {
        // Test bundles and products lie in one folder.
        URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "meterstone")
    }

    /// A process with an environment that says nothing about Meterstone but what is given.
    static func process(_ arguments: [String], _ environment: [String: String] = [:]) -> Process {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        let inherited = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("METERSTONE_") && !$0.key.hasPrefix("USAGE_")
        }
        process.environment = inherited.merging(environment) { $1 }
        return process
    }

    static func run(
        _ arguments: [String], _ environment: [String: String] = [:], input: String = ""
    ) throws -> Ending {
        let process = process(arguments, environment)
        let (output, errors, inputs) = (Pipe(), Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = inputs
        try process.start()
        inputs.fileHandleForWriting.write(Data(input.utf8))
        try inputs.fileHandleForWriting.close()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let errorText = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Ending(
            status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: errorText, as: UTF8.self))
    }
}

/// A folder for one test, gone afterwards.
func withFolder<Answer>(_ body: (String) async throws -> Answer) async throws -> Answer {
    let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    return try await body(url.path)
}
