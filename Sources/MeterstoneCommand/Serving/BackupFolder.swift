import Foundation
package import Meterstone
package import MeterstoneCore
package import MeterstoneServer
package import MeterstoneStore

/// A folder with backups, each a folder of its own whose name is when it was made.
///
/// What others put there is left alone. A backup that cannot be verified is kept under another name, so
/// that it is not taken for one.
package actor BackupFolder: Backups {
    package typealias Check = @Sendable (_ directory: String) async throws -> VerifyReport

    private let engine: MeterstoneEngine
    private let directory: String
    /// How many there may be; older ones are removed.
    private let kept: Int
    private let clock: @Sendable () -> Instant
    private let verify: Check
    private var isMaking = false

    package init(
        _ engine: MeterstoneEngine, directory: String, kept: Int,
        clock: @escaping @Sendable () -> Instant = SystemClock.now, verify: @escaping Check
    ) {
        self.engine = engine
        self.directory = directory
        self.kept = kept
        self.clock = clock
        self.verify = verify
    }

    /// Throws when the folder has the backups of another store: each would take the other's for its own, and remove
    /// them. A folder belongs to the first store that looks; a copy that was restored is the same store.
    package func claim() async throws {
        let (file, own) = (directory + "/store", try await engine.identity().id)
        let owner: String
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true)
            guard FileManager.default.fileExists(atPath: file) else {
                return try Data(own.utf8).write(to: URL(filePath: file))
            }
            owner = try String(contentsOfFile: file, encoding: .utf8)
        } catch {
            throw StoreError(
                code: .inputOutput,
                message: "no backup can be made in '\(directory)': \(error.localizedDescription)")
        }
        guard owner == own else {
            throw StoreError(
                code: .locked,
                message: "'\(directory)' has the backups of another store; take another folder")
        }
    }

    package func make() async throws -> Backup {
        guard !isMaking else {
            throw StoreError(code: .overloaded, message: "a backup is being made already")
        }
        isMaking = true
        defer { isMaking = false }
        try await claim()
        // What a process left that was killed over it.
        try removeAll(endingWith: ".partial")
        let now = clock()
        let name = now.rfc3339.replacing(":", with: "-")
        let path = directory + "/" + name
        try await engine.backup(to: path)
        let report = try await verify(path)
        guard report.isClean else {
            // One is enough to look at.
            try removeAll(endingWith: ".unclean")
            try FileManager.default.moveItem(atPath: path, toPath: path + ".unclean")
            throw StoreError(
                code: .corrupt,
                message: "the backup \(name).unclean has \(report.differences.count) counters that "
                    + "are not as the events say; so has the store, most likely")
        }
        var others = try all()
        guard let place = others.firstIndex(where: { $0.name == name }) else {
            throw StoreError(code: .inputOutput, message: "the backup \(name) is not there")
        }
        // The newest whatever the names say: a clock may have been ahead when the others were made.
        let made = others.remove(at: place)
        for old in others.dropFirst(kept - 1) {
            try FileManager.default.removeItem(atPath: directory + "/" + old.name)
        }
        return made
    }

    /// Removes backups of ours that are none.
    private func removeAll(endingWith ending: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: directory)
        where name.hasSuffix(ending) && Self.instant(of: String(name.dropLast(ending.count))) != nil
        {
            try FileManager.default.removeItem(atPath: directory + "/" + name)
        }
    }

    package func all() throws -> [Backup] { try Self.all(in: directory) }

    /// The newest of a folder; `nil`: there is none, or it cannot be read.
    static func newest(in directory: String) -> Backup? { (try? all(in: directory))?.first }

    private static func all(in directory: String) throws -> [Backup] {
        guard FileManager.default.fileExists(atPath: directory) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: directory)
            .compactMap { (name: String) -> Backup? in
                guard let madeAt = instant(of: name) else { return nil }
                let file = "\(directory)/\(name)/meterstone.sqlite"
                let attributes = try? FileManager.default.attributesOfItem(atPath: file)
                guard let bytes = attributes?[.size] as? NSNumber else { return nil }
                return Backup(name: name, madeAt: madeAt, bytes: bytes.int64Value)
            }
            .sorted { $0.madeAt > $1.madeAt }
    }

    /// `2026-11-29T21-00-00.000Z` is 21:00 of that day.
    private static func instant(of name: String) -> Instant? {
        guard let day = name.firstIndex(of: "T") else { return nil }
        return Instant(rfc3339: String(name[..<day]) + name[day...].replacing("-", with: ":"))
    }
}
