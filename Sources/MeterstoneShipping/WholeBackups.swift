import Foundation
package import MeterstoneCore

/// What a whole backup is when it can be read at all.
package enum WholeFile {
    /// Whether a file begins as a database does. Of an empty one SQLite would make a new store.
    package static func isDatabase(_ path: String) throws -> Bool {
        let file = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? file.close() }
        return try file.read(upToCount: 15) == Data("SQLite format 3".utf8)
    }
}

/// Whole backups on their way to a place, and what becomes of those that are old.
package actor WholeBackups {
    /// Clocks that were set back put a little of the journal out of order.
    private static let marginMilliseconds: Int64 = 3_600_000

    private let place: any ShippingPlace
    /// How many there may be; older ones are removed, and what was shipped before the oldest.
    private let kept: Int
    /// The newest at the place, once one was seen.
    private var known: WholeBackup?

    package init(at place: any ShippingPlace, kept: Int) {
        self.place = place
        self.kept = kept
    }

    /// Puts the newest there, which lies in a folder of this machine, and removes what is too old then.
    ///
    /// - Returns: whether it was not there yet.
    package func put(_ name: String, from directory: String) async throws -> Bool {
        guard known?.name != name else { return false }
        let isThere = try await place.wholes().contains { $0.name == name }
        if !isThere { try await place.putWhole(name, from: directory) }
        try await prune()
        known = WholeBackup(name: name)
        return !isThere
    }

    /// Removes what is not needed any more to restore any instant since the oldest backup that is kept.
    ///
    /// Of each epoch the last segment stays: nothing says when it ends.
    package func prune() async throws {
        let wholes = try await place.wholes()
        for old in wholes.dropFirst(kept) { try await place.removeWhole(old.name) }
        guard let oldest = wholes.prefix(kept).last else { return }
        let needed = oldest.madeAt.advanced(byMilliseconds: -Self.marginMilliseconds)
        for epoch in try await Epoch.all(at: place) {
            let names = try await place.names(
                under: ShippedName.folder(epoch.number), after: nil
            ).compactMap { name in ShippedName.read(segment: name).map { (name, $0.at) } }
            for (segment, next) in zip(names, names.dropFirst()) where next.1 <= needed {
                try await place.remove(segment.0)
            }
        }
    }

    /// When the newest was made.
    package func newest() async throws -> Instant? {
        if known == nil { known = try await place.wholes().first }
        return known?.madeAt
    }
}
