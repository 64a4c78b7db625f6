package import Meterstone
import MeterstoneAPI
import MeterstoneCore
package import MeterstoneStore

extension ArchiveFolder {
    /// Archives what occurred before a UTC day: one part after the other, each durable and read back before the store
    /// lets go of anything.
    ///
    /// Cut off anywhere, it loses nothing; whoever calls it again goes on.
    ///
    /// - Parameter tell: of each part when it is done.
    @discardableResult
    package func archive(
        _ engine: MeterstoneEngine, before day: Int64,
        tell: (ArchivedPart) throws -> Void = { _ in }
    ) async throws -> ArchiveLog {
        if try await engine.archiveLog() == nil {
            // The first step of a store that was never archived only says which store it is.
            _ = try await engine.archive(ArchiveProgress(untilDay: day)) { _ in nil }
        }
        if let log = try await engine.archiveLog() { try open(for: log.store) }
        try await engine.archive(ArchiveProgress(untilDay: day), tell: tell) {
            (days) throws(StoreError) in
            do throws(ArchiveError) { return try write(days) } catch { throw error.ofStore }
        }
        return try await engine.archiveLog() ?? .new()
    }

    /// Reads every part, and says what is wrong.
    ///
    /// - Parameter log: what the store noted of its parts; `nil`: manifests are believed.
    /// - Returns: how many parts and events there are, and what is wrong with any.
    package func check(
        _ log: ArchiveLog? = nil
    ) throws(ArchiveError) -> (parts: Int, events: Int, mistakes: [String]) {
        var mistakes: [String] = []
        let manifests = try manifests()
        // Older parts may have been moved elsewhere.
        var (next, events) = (manifests.first?.number ?? 1, 0)
        for manifest in manifests {
            while next < manifest.number {
                mistakes.append("part \(next) is missing")
                next += 1
            }
            next = manifest.number + 1
            do throws(ArchiveError) {
                try check(manifest)
                events += manifest.newEvents
            } catch {
                mistakes.append(error.message)
            }
        }
        if let log { mistakes += differences(of: manifests, from: log) }
        return (manifests.count, events, mistakes)
    }

    private func differences(of manifests: [ArchiveManifest], from log: ArchiveLog) -> [String] {
        if let other = manifests.first(where: { $0.store != log.store }) {
            return ["\(other.file) is another store's"]
        }
        let found = Dictionary(manifests.map { ($0.number, $0) }) { $1 }
        return log.parts.compactMap { part in
            guard let manifest = found[part.number] else { return "\(part.name) is not here" }
            return manifest.part == part ? nil : "\(part.name) is not what the store noted"
        }
    }

    /// Visits every event that was not taken back as `POST /v1/events` takes it, in lines of JSON.
    ///
    /// An event that was corrected after it was archived stands in a later part again, and is told as it stands there.
    package func forEachEvent(_ visit: ([UInt8]) throws -> Void) throws {
        let manifests = try manifests()
        // Only what was corrected stands in more than one part.
        var last: [Int64: Int] = [:]
        for manifest in manifests {
            try read(manifest) { line in
                if !line.recorded.corrections.isEmpty { last[line.sequence] = manifest.number }
            }
        }
        for manifest in manifests {
            try read(manifest) { line in
                guard last[line.sequence] ?? manifest.number == manifest.number,
                    let event = line.told
                else { return }
                var writer = JSONWriter()
                writer.event(event)
                try visit(writer.bytes + [UInt8(ascii: "\n")])
            }
        }
    }
}

extension ArchiveError {
    var ofStore: StoreError {
        if let cause { return cause }
        return switch kind {
        case .foreign: StoreError(code: .misuse, message: message)
        case .damaged, .inputOutput: StoreError(code: .inputOutput, message: message)
        case .diskFull: StoreError(code: .diskFull, message: message)
        }
    }
}

/// Lets go of texts that nobody archives.
package enum Forgetting {
    /// - Returns: of how many events.
    @discardableResult
    package static func texts(
        of engine: MeterstoneEngine, before day: Int64
    ) async throws -> Int {
        var count = 0
        let progress = ArchiveProgress(untilDay: day, forgets: true)
        try await engine.archive(progress, tell: { count += $0.newEvents }) {
            (days) throws(StoreError) in
            var (events, newEvents) = (0, 0)
            try days.forEachEvent { (event) throws(StoreError) in
                events += 1
                if event.isNew { newEvents += 1 }
            }
            guard events > 0 else { return nil }
            return ArchivedPart(
                number: days.log.nextNumber - 1, name: "", sha256: "", events: events,
                newEvents: newEvents)
        }
        return count
    }
}

extension MeterstoneEngine {
    fileprivate func archive(
        _ progress: ArchiveProgress, tell: (ArchivedPart) throws -> Void,
        _ write: @escaping @Sendable (ArchivableDays) throws(StoreError) -> ArchivedPart?
    ) async throws {
        var progress = progress
        while !progress.isDone {
            progress = try await archive(progress, write)
            if let part = progress.part { try tell(part) }
        }
    }
}
