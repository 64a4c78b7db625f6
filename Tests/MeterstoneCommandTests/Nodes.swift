import Foundation
import MeterstoneTesting
import Testing

/// Servers as processes on one database, as several machines would run them.
///
/// Whoever starts them stops them, too, with `defer`. A shell beside this process ends them should this
/// process be gone before that.
final class Nodes {
    struct Node: Sendable {
        /// As which PostgreSQL knows its sessions.
        let name: String
        let process: Int32
        let port: Int
    }

    let url: String
    let console: PostgresConsole
    private(set) var all: [Node] = []
    private var processes: [Process] = []
    private let watchdog = Process()
    private let watched = Pipe()
    private let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)

    /// Starts the nodes at once, on an empty database.
    init(
        _ count: Int, on server: PostgresServer, _ settings: [String: String] = [:]
    ) throws {
        url = try server.makeDatabase()
        console = try PostgresConsole(url: url)
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try watch()
            let outputs = try (0..<count).map { try start("node-\($0)", settings) }
            for (index, output) in outputs.enumerated() { try noteStarted(index, output) }
        } catch {
            stop()
            throw error
        }
    }

    private func watch() throws {
        _ = fcntl(watched.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        watchdog.executableURL = URL(filePath: "/bin/sh")
        let script = """
            trap '' HUP INT TERM
            while read -r id; do ids="$ids $id"; done
            kill -9 $ids
            rm -rf "$0"
            """
        watchdog.arguments = ["-c", script, folder.path]
        watchdog.standardInput = watched
        try watchdog.run()
    }

    private func start(_ name: String, _ settings: [String: String]) throws -> Pipe {
        let process = Self.process(
            ["serve", "--port", "0", "--log-level", "warning"],
            settings.merging(["METERSTONE_STORE": "\(url)?application_name=\(name)"]) { $1 })
        let output = Pipe()
        let log = folder.appending(path: name)
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: log)
        try process.start()
        processes.append(process)
        let line = "\(process.processIdentifier)\n"
        try watched.fileHandleForWriting.write(contentsOf: Data(line.utf8))
        return output
    }

    /// Not as ``Program`` runs it: nodes outlive the functions that start them, and their tests have
    /// threads of their own.
    private static func process(
        _ arguments: [String], _ environment: [String: String]
    ) -> Process {
        let process = Process()
        process.executableURL = URL(filePath: Program.path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment
            .filter { !Program.isOurs($0.key) }.merging(environment) { $1 }
        return process
    }

    private func noteStarted(_ index: Int, _ output: Pipe) throws {
        let line = firstLine(output)
        guard let port = line.split(separator: ":").last.flatMap({ Int($0) }) else {
            throw ClientFailure("node \(index) did not start: \(line)\n\(log(index))")
        }
        all.append(
            Node(name: "node-\(index)", process: processes[index].processIdentifier, port: port))
    }

    /// Ends what is still there, stopped processes included.
    func stop() {
        for process in processes where process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        if watchdog.isRunning {
            kill(watchdog.processIdentifier, SIGKILL)
            watchdog.waitUntilExit()
        }
        try? FileManager.default.removeItem(at: folder)
    }

    /// Ends a node as a crash does.
    func crash(_ index: Int) {
        send(SIGKILL, to: index)
        processes[index].waitUntilExit()
    }

    func send(_ signal: Int32, to index: Int) {
        guard isRunning(index) else { return }
        kill(processes[index].processIdentifier, signal)
    }

    func isRunning(_ index: Int) -> Bool {
        processes[index].isRunning
    }

    /// The end of what a node logged: warnings and errors.
    func log(_ index: Int) -> String {
        let log = folder.appending(path: "node-\(index)")
        return String(((try? String(contentsOf: log, encoding: .utf8)) ?? "").suffix(2_000))
    }

    // MARK: Asking

    /// A new connection to a node.
    func connection(_ index: Int) -> HTTPConnection {
        HTTPConnection(port: all[index].port)
    }

    private static let triesMax = 100

    /// Asks for something that has to succeed.
    @discardableResult
    func ask(
        _ index: Int, _ method: String, _ path: String, _ body: String = "",
        at place: SourceLocation = #_sourceLocation
    ) throws -> HTTPAnswer {
        var answer = try connection(index).send(method, path, body)
        // A node that is told to give up soon does so on a busy machine, and then nothing was done.
        for _ in 0..<Self.triesMax where answer.status == 503 {
            answer = try connection(index).send(method, path, body)
        }
        #expect((200..<300).contains(answer.status), "\(answer)", sourceLocation: place)
        return answer
    }

    /// A meter, and a limit on it that allows everybody the same.
    func define(allowance: Int) throws {
        try ask(0, "PUT", "/v1/meters/prompts", "{}")
        try ask(0, "PUT", "/v1/limits/most", Self.limit(allowance))
    }

    static func limit(_ allowance: Int) -> String {
        #"{"meter":"prompts","window":"lifetime","defaultAllowance":\#(allowance)}"#
    }

    /// Every counter has to be what the events add up to.
    func expectClean(at place: SourceLocation = #_sourceLocation) throws {
        let process = Self.process(["verify", "--store", url], [:])
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.start()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(
            process.terminationStatus == 0, "\(String(decoding: text, as: UTF8.self))",
            sourceLocation: place)
    }
}

/// The line that a server prints once it accepts connections; nothing when it ends before.
func firstLine(_ output: Pipe) -> String {
    var bytes = Data()
    while let byte = try? output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty {
        if byte == Data("\n".utf8) { break }
        bytes += byte
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// What a consume was answered, as far as tests look at it.
struct ConsumeAnswer: Decodable {
    struct Standing: Decodable {
        let subject: String?
        let allowance: Int
        let used: Int
    }

    let allowed: Bool
    let duplicate: Bool
    let eventId: String
    let limits: [Standing]
}

extension HTTPConnection {
    func consume(_ subject: String, _ id: String) throws -> HTTPAnswer {
        try send(
            "POST", "/v1/consume", #"{"subject":"\#(subject)","meter":"prompts","id":"\#(id)"}"#)
    }
}
