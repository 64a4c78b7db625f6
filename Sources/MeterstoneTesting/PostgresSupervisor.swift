import Foundation

/// A shell beside this process that runs a PostgreSQL server, and ends it when this process ends.
///
/// The shell obeys a pipe of which this process alone holds the other end. The kernel closes that end
/// even when this process is killed, and the shell then stops the server and removes its folder.
struct PostgresSupervisor {
    private let process = Process()
    private let commands = Pipe()
    private let answers = Pipe()
    private let folder = NSTemporaryDirectory() + "meterstone-postgres-" + UUID().uuidString

    /// Starts the shell, and no server yet.
    init(programs: String, settings: [String: String]) throws {
        let lines = settings.sorted { $0.key < $1.key }.map { name, value in
            "\(name) = '\(value.replacing("'", with: "''"))'"
        }
        // Else a process that is started elsewhere in this one would hold the pipe open.
        _ = fcntl(commands.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = [
            "-c", Self.script, "postgres-supervisor", folder, programs,
            lines.joined(separator: "\n"),
        ]
        // Variables of PostgreSQL name other servers; messages are compared with English ones.
        process.environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("PG") }
            .merging(["LC_ALL": "C"]) { $1 }
        process.standardInput = commands
        process.standardOutput = answers
        try process.start()
    }

    /// Makes the server's folder, starts the server, and returns its port.
    ///
    /// The port is below those that the system hands out to outgoing connections: one of these could
    /// take the port while the server restarts.
    func start() throws -> Int {
        try ask("initdb")
        var triesLeft = 10
        while true {
            let port = Int.random(in: 10_000..<32_768)
            triesLeft -= 1
            do {
                try ask("start \(port)")
                return port
            } catch {
                guard triesLeft > 0, log.contains("Address already in use") else { throw error }
            }
        }
    }

    /// Has a command of the script carried out, and waits until it is.
    func ask(_ command: String) throws {
        try commands.fileHandleForWriting.write(contentsOf: Data((command + "\n").utf8))
        var answer = Data()
        while answer.last != UInt8(ascii: "\n") {
            let part = answers.fileHandleForReading.availableData
            guard !part.isEmpty else { break }
            answer += part
        }
        guard answer == Data("done\n".utf8) else {
            throw PostgresServer.Failure(
                description: "PostgreSQL: \(command) failed\n\(log.suffix(2_000))")
        }
    }

    /// Stops the server at once and removes its folder.
    func end() {
        try? commands.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    private var log: String {
        (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? ""
    }

    /// What it does itself must not die of a signal or a closed pipe before the server has ended.
    private static let script = #"""
        folder=$1 programs=$2 settings=$3
        trap '' HUP INT TERM PIPE
        cd /
        umask 077

        # PostgreSQL refuses to run as root.
        account=
        if [ "$(id -u)" -eq 0 ]; then
            account=nobody
            ! id postgres >/dev/null 2>&1 || account=postgres
        fi
        mkdir "$folder"
        : >"$folder/log"
        [ -z "$account" ] || chown -R "$account" "$folder"

        run() {
            program=$programs/$1
            shift
            ${account:+runuser -u "$account" --} "$program" "$@" </dev/null >>"$folder/log" 2>&1
        }
        control() {
            run pg_ctl "$@" -w -D "$folder/data" -l "$folder/log"
        }

        while read -r command argument; do
            case $command in
            initdb)
                run initdb -D "$folder/data" -A trust -U meterstone -E UTF8 --locale=C --no-sync &&
                    printf '%s\n' "$settings" >>"$folder/data/postgresql.conf"
                ;;
            start)
                port=$argument
                control start -o "-p $port"
                ;;
            restart)
                control restart -m immediate
                ;;
            createdb)
                # Nobody can be connected to template0, which would make it wait.
                run createdb -h 127.0.0.1 -p "$port" -U meterstone -T template0 "$argument"
                ;;
            esac && answer=done || answer=failed
            echo "$answer" 2>/dev/null
        done
        control stop -m immediate
        rm -rf "$folder"
        """#
}

extension PostgresSupervisor {
    /// The folder with the programs: one on `PATH`, or the newest that Debian installed, or what
    /// `pg_config` names.
    static func findPrograms() -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let debian = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: debian)) ?? []
        let folders =
            path.split(separator: ":").map(String.init)
            + versions.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { "\(debian)/\($0)/bin" }
        return folders.first(where: hasPrograms)
            ?? configuredFolder(path: folders).flatMap { hasPrograms(in: $0) ? $0 : nil }
    }

    private static func hasPrograms(in folder: String) -> Bool {
        ["initdb", "postgres", "pg_ctl", "createdb"].allSatisfy {
            FileManager.default.isExecutableFile(atPath: "\(folder)/\($0)")
        }
    }

    private static func configuredFolder(path: [String]) -> String? {
        let programs = path.map { $0 + "/pg_config" }
        guard let program = programs.first(where: FileManager.default.isExecutableFile) else {
            return nil
        }
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(filePath: program)
        process.arguments = ["--bindir"]
        process.standardOutput = output
        guard (try? process.start()) != nil else { return nil }
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
