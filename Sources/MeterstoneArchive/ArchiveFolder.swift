import Foundation
import MeterstoneAPI
import MeterstoneCore
package import MeterstoneStore

/// The folder that the parts of one store's archive are in.
package struct ArchiveFolder: Sendable {
    package let path: String

    package init(_ path: String) {
        self.path = path
    }

    private func path(of name: String) -> String { path + "/" + name }

    // MARK: Writing

    /// Writes the events of some days, reads back what was written, and says beside it what it is.
    ///
    /// What an attempt left that was cut off has the same number, and goes.
    ///
    /// - Returns: `nil`: there was nothing to write.
    package func write(_ days: ArchivableDays) throws(ArchiveError) -> ArchivedPart? {
        let number = days.log.nextNumber
        try removeLeftovers(of: number)
        let name = ArchiveManifest.stem(days.days, number) + ArchiveManifest.fileSuffix
        let file = try ArchiveFile(path: path(of: name))
        var totals = ArchiveTotals()
        var newEvents = 0
        var failure: ArchiveError?
        do throws(StoreError) {
            try days.forEachEvent { (event) throws(StoreError) in
                guard failure == nil else { return }
                let line = ArchiveLine(event)
                totals.add(line, days.catalog)
                if event.isNew { newEvents += 1 }
                do throws(ArchiveError) { try file.append(line.bytes) } catch { failure = error }
            }
        } catch {
            failure = ArchiveError(error)
        }
        if let failure {
            file.discard()
            throw failure
        }
        guard totals.events > 0 else {
            file.discard()
            return nil
        }
        let sha256 = try file.finish()
        let manifest = ArchiveManifest(
            store: days.log.store, number: number, file: name, bytes: file.bytes, sha256: sha256,
            newEvents: newEvents, totals: totals)
        try check(manifest, days.catalog)
        try write(manifest, ArchiveManifest.stem(days.days, number) + ArchiveManifest.suffix)
        return manifest.part
    }

    /// Makes the folder, unless it is there, and throws where another store's archive is in it.
    func open(for store: String) throws(ArchiveError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw ArchiveError(path, error)
        }
        guard let other = try manifests().first(where: { $0.store != store }) else { return }
        throw ArchiveError(
            .foreign,
            "'\(path)' has the archive of another store, \(other.store); choose another folder")
    }

    private func removeLeftovers(of number: Int) throws(ArchiveError) {
        let ending = ArchiveManifest.ending(number)
        let endings = [
            ending + ArchiveManifest.suffix, ending + ArchiveManifest.fileSuffix,
        ]
        for name in try names() where endings.contains(where: { name.hasSuffix($0) }) {
            do { try FileManager.default.removeItem(atPath: path(of: name)) } catch {
                throw ArchiveError(name, error)
            }
        }
    }

    private func write(_ manifest: ArchiveManifest, _ name: String) throws(ArchiveError) {
        let partial = path(of: name) + ".partial"
        do {
            try Data(try manifest.json).write(to: URL(filePath: partial))
            let handle = try FileHandle(forUpdating: URL(filePath: partial))
            try handle.synchronize()
            try handle.close()
            try Self.rename(partial, to: path(of: name))
        } catch {
            throw ArchiveError(name, error)
        }
    }

    /// Gives a file another name, in the place of one that has it, and makes that durable.
    static func rename(_ partial: String, to file: String) throws {
        guard unsafe Foundation.rename(partial, file) == 0 else { throw failure() }
        let folder = (file as NSString).deletingLastPathComponent
        let descriptor = unsafe Foundation.open(folder, O_RDONLY)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure() }
    }

    private static func failure() -> POSIXError { POSIXError(.init(rawValue: errno) ?? .EIO) }

    // MARK: Reading

    private func names() throws(ArchiveError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path)
                .filter { $0.hasPrefix("events-") }.sorted()
        } catch {
            throw ArchiveError(path, error)
        }
    }

    /// What the parts are, oldest first.
    func manifests() throws(ArchiveError) -> [ArchiveManifest] {
        var manifests: [ArchiveManifest] = []
        for name in try names() where name.hasSuffix(ArchiveManifest.suffix) {
            do {
                let data = try Data(contentsOf: URL(filePath: path(of: name)))
                manifests.append(try JSONDecoder().decode(ArchiveManifest.self, from: data))
            } catch {
                throw ArchiveError(.damaged, "\(name) cannot be read")
            }
            guard let last = manifests.last, last.format == ArchiveManifest.formatNow,
                !last.file.contains("/")
            else { throw ArchiveError(.damaged, "\(name) is of a form that is not known here") }
        }
        return manifests.sorted { $0.number < $1.number }
    }

    /// Reads a part, and throws unless it is what its manifest says.
    ///
    /// - Parameter catalog: whose meters the totals are of; `nil`: they are taken as they are, since the file's hash covers them.
    func check(_ manifest: ArchiveManifest, _ catalog: Catalog? = nil) throws(ArchiveError) {
        var totals = ArchiveTotals()
        var events = 0
        let found = try read(manifest) { line in
            events += 1
            if let catalog { totals.add(line, catalog) }
        }
        guard found.sha256 == manifest.sha256, found.bytes == manifest.bytes,
            events == manifest.totals.events, catalog == nil || totals == manifest.totals
        else {
            throw ArchiveError(.damaged, "\(manifest.file) is not what its manifest says")
        }
    }

    /// Visits the lines of a part.
    @discardableResult
    func read(
        _ manifest: ArchiveManifest, _ visit: (ArchiveLine) throws -> Void
    ) throws(ArchiveError) -> (sha256: String, bytes: Int) {
        do {
            return try ArchiveFile.read(path(of: manifest.file)) { bytes in
                guard let line = ArchiveLine(reading: bytes) else {
                    throw ArchiveError(.damaged, "\(manifest.file) has a line that is no event")
                }
                try visit(line)
            }
        } catch let error as ArchiveError {
            throw error
        } catch let error as GzipDecoder.Damage {
            throw ArchiveError(
                .damaged, "\(manifest.file) is damaged (zlib's code \(error.code))")
        } catch {
            throw ArchiveError(manifest.file, error)
        }
    }
}

extension ArchiveLine {
    fileprivate init(_ event: ArchivableEvent) {
        self.init(
            sequence: event.recorded.sequence, isCounted: event.isCounted,
            countsWhenAborted: event.recorded.event.details?.countsWhenAborted ?? false,
            recorded: event.recorded)
    }

    fileprivate var bytes: [UInt8] {
        var writer = JSONWriter()
        append(to: &writer)
        return writer.bytes + [UInt8(ascii: "\n")]
    }
}
