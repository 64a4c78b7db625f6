import Foundation
import GRDB

/// The file that commits are appended to.
///
/// A sync after a write that makes a file longer also writes where the file ends: 250 to 290 µs here,
/// against 160 to 190 µs for one that writes over bytes which are there already. So the log gets its
/// first 16 MiB before it is opened. SQLite takes a log that starts with zeros for an empty one.
enum WriteAheadLog {
    private static let bytes = 16 * 1_048_576
    private static let chunk = Data(count: 1_048_576)

    /// Makes the log of a database that is closed, unless there is one: a crash may have left it.
    static func prepare(forDatabase path: String) throws {
        let log = path + "-wal"
        // SQLite deletes the log of a database that is empty.
        guard try isWritten(path), !FileManager.default.fileExists(atPath: log) else { return }
        guard FileManager.default.createFile(atPath: log, contents: nil) else {
            throw CocoaError(.fileWriteUnknown)
        }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        defer { try? file.close() }
        do {
            for _ in 0..<(bytes / chunk.count) { try file.write(contentsOf: chunk) }
            try file.synchronize()
        } catch {
            // Without room for it the log grows as it is needed, and a full disk is met by a commit.
            try file.truncate(atOffset: 0)
        }
    }

    private static func isWritten(_ path: String) throws -> Bool {
        guard FileManager.default.fileExists(atPath: path) else { return false }
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.size] as? Int ?? 0) > 0
    }
}
