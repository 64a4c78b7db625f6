package import MeterstoneCore

/// Where a journal is shipped to, and whole backups with it: a folder or a bucket.
///
/// Names are paths with `/` between. Whatever fails throws; what is written is there for good when a method
/// returns.
package protocol ShippingPlace: Sendable {
    /// For people: the folder, or the bucket without its keys.
    var name: String { get }

    /// Names that begin with a prefix and come after another one, sorted. What others put there is among
    /// them.
    func names(under prefix: String, after name: String?) async throws -> [String]

    /// `nil`: there is no such object.
    func read(_ name: String) async throws -> [UInt8]?

    /// Makes an object; `false`: somebody made one of this name before, and it stays as it is.
    func create(_ name: String, _ bytes: [UInt8]) async throws -> Bool

    /// Makes an object say all of this.
    ///
    /// - Parameter known: how much of it was written there before, by this method.
    func write(_ name: String, _ bytes: [UInt8], known: Int) async throws

    func remove(_ name: String) async throws

    /// Whole backups, newest first.
    func wholes() async throws -> [WholeBackup]

    /// Puts a whole backup there that lies in a folder of this machine. It has its name when all of it is
    /// there.
    func putWhole(_ name: String, from directory: String) async throws

    /// Copies the database of a whole backup into a file that does not exist yet.
    func fetchWhole(_ name: String, to file: String) async throws

    func removeWhole(_ name: String) async throws

    /// How long a segment may get before the next one begins.
    var segmentBytesMax: Int { get }
}

/// A whole backup at a place.
package struct WholeBackup: Hashable, Sendable {
    /// When it was made: `2026-11-29T21-00-00.000Z`.
    package let name: String
    package let madeAt: Instant

    /// `nil`: that is not the name of one.
    package init?(name: String) {
        guard let instant = ShippedName.instant(of: name) else { return nil }
        self.name = name
        madeAt = instant
    }
}

/// Why nothing is shipped, or what was shipped cannot be used.
package struct ShippingError: Error, CustomStringConvertible, Sendable {
    package enum Kind: Sendable {
        /// Another store has taken over.
        case fenced
        /// What is there belongs to another store, or this one is an older copy.
        case foreign
        /// Something that was shipped is missing or cannot be read.
        case damaged
        /// The place cannot be reached, or did not do what it was asked for.
        case unavailable
    }

    package let kind: Kind
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }
}
