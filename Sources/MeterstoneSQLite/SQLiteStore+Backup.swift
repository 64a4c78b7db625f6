import Foundation
import GRDB
public import MeterstoneStore

extension SQLiteStore {
    /// Pages that are copied in one step, 256 KiB. After each step the file is written to disk as far as SQLite has
    /// let go of it, so that no commit waits for much more.
    private static let pagesPerStep: CInt = 64
    /// How much longer than a step took the disk is left to commits.
    private static let restsPerStep = 3.0

    /// Copies the store as it stands into a new folder. Commits and reads go on meanwhile; what is committed
    /// after it began is not in it.
    ///
    /// The pages come from one snapshot, the journal among them, so that a copy is opened as a store is
    /// that was killed at that instant. It has its name when all of it is on disk.
    public func backup(to directory: String) throws(StoreError) {
        do {
            guard !FileManager.default.fileExists(atPath: directory) else {
                throw StoreError(code: .misuse, message: "'\(directory)' is there already")
            }
            let partial = directory + ".partial"
            try? FileManager.default.removeItem(atPath: partial)
            try FileManager.default.createDirectory(
                atPath: partial, withIntermediateDirectories: true)
            do {
                try copyPages(to: partial + "/meterstone.sqlite")
                try StoreFolder.sync(partial)
                try FileManager.default.moveItem(atPath: partial, toPath: directory)
                try StoreFolder.sync((directory as NSString).deletingLastPathComponent)
            } catch {
                try? FileManager.default.removeItem(atPath: partial)
                throw error
            }
        } catch {
            throw StoreError(error)
        }
    }

    private func copyPages(to path: String) throws {
        let copy = try DatabaseQueue(path: path)
        let file = try FileOnDisk(path)
        try pool.read { database in
            // A snapshot begins with the first look.
            _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema")
            try copy.writeWithoutTransaction { target in
                var began = ContinuousClock.now
                try database.backup(to: target, pagesPerStep: Self.pagesPerStep) { _ in
                    try file.flush(by: fdatasync)
                    let seconds = (ContinuousClock.now - began) / .seconds(1)
                    Thread.sleep(forTimeInterval: min(seconds * Self.restsPerStep, 1))
                    began = .now
                }
            }
        }
        try copy.close()
    }
}

/// A file or a folder whose bytes are to be on the disk.
private final class FileOnDisk {
    private let descriptor: CInt

    init(_ path: String) throws {
        descriptor = unsafe open(path, O_RDONLY)
        guard descriptor >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    }

    deinit { close(descriptor) }

    func flush(by call: (CInt) -> CInt) throws {
        guard call(descriptor) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    }
}

/// Folders that have to outlast a loss of power.
private enum StoreFolder {
    /// Writes to disk which files there are, and what is in them.
    static func sync(_ directory: String) throws {
        let folder = directory.isEmpty ? "." : directory
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            .map { folder + "/" + $0 }
        for path in files.filter({ $0.hasSuffix(".sqlite") }) + [folder] {
            try FileOnDisk(path).flush(by: fsync)
        }
    }
}
