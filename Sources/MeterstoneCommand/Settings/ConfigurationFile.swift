import Foundation
import MeterstoneBlueprint

/// The JSON file with settings, as far as its names go: values are read by `SettingSources`.
package enum ConfigurationFile {
    /// Every name that means something in the file.
    package static let names: Set<String> = [
        "host", "port", "data", "store", "blueprint", "defaultTimeZone", "logLevel", "eventIdDays",
        "lateDays", "earlySeconds", "cachedSubjects", "journalEvents", "waitingCommands",
        "postgresReaders", "postgresStatementMilliseconds", "postgresLockMilliseconds",
        "postgresIdleTransactionMilliseconds", "postgresCommitMilliseconds", "connections",
        "storedText", "usage.trackingEnabled", "usage.limitsEnforced", "usage.analyticsEnabled",
        "credits.enabled",
    ]

    /// Throws a failure that names every setting that does not exist: one that is misspelt would
    /// otherwise have no effect, and nobody would know.
    static func check(_ path: String) throws {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.usage, "--config: cannot read '\(path)'")
        }
        guard
            let root = try? JSONSerialization.jsonObject(with: bytes.withoutByteOrderMark)
                as? [String: Any]
        else {
            throw CommandFailure(.usage, "--config: '\(path)' is not a JSON object")
        }
        let mistakes = paths(of: root).filter { !names.contains($0) }.sorted().map { name in
            "\(path): \(name): unknown\(Spelling.suggestion(for: name, among: names))"
        }
        guard mistakes.isEmpty else {
            throw CommandFailure(.usage, mistakes.joined(separator: "\n"))
        }
    }

    private static func paths(of object: [String: Any], below prefix: String = "") -> [String] {
        object.flatMap { name, value in
            (value as? [String: Any]).map { paths(of: $0, below: "\(prefix)\(name).") }
                ?? [prefix + name]
        }
    }
}

extension Data {
    /// The text without the mark that some editors put before it.
    var withoutByteOrderMark: Data {
        starts(with: [0xEF, 0xBB, 0xBF]) ? Data(dropFirst(3)) : self
    }
}
