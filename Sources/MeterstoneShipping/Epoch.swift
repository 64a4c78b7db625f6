import Foundation
package import MeterstoneCore
package import MeterstoneStore

/// A time in which one store ships, and no other: the fence between an old writer and a new one.
///
/// A store begins one when it first ships to a place, and when it fell so far behind that facts are missing.
/// What comes in an earlier epoch after that fact is of another history, which the older epoch still tells.
package struct Epoch: Codable, Hashable, Sendable {
    package let number: Int64
    /// The store's identity.
    package let store: String
    /// Drawn by whoever began it.
    package let token: String
    /// Its facts come after this one.
    package let afterSequence: Int64
    /// In milliseconds since 1970.
    private let begunAtMilliseconds: Int64

    package var begunAt: Instant { Instant(millisecondsSince1970: begunAtMilliseconds) }

    package init(number: Int64, store: String, token: String, after sequence: Int64, at: Instant) {
        self.number = number
        self.store = store
        self.token = token
        afterSequence = sequence
        begunAtMilliseconds = at.millisecondsSince1970
    }

    package var bytes: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            return [UInt8](try encoder.encode(self))
        }
    }

    /// All that were begun at a place, oldest first.
    package static func all(
        at place: any ShippingPlace, after number: Int64? = nil
    ) async throws -> [Epoch] {
        var epochs: [Epoch] = []
        let after = number.map { ShippedName.epoch($0) }
        for name in try await place.names(under: ShippedName.epochs, after: after) {
            guard let bytes = try await place.read(name) else { continue }
            guard let epoch = try? JSONDecoder().decode(Epoch.self, from: Data(bytes)),
                epoch.number >= 0, epoch.afterSequence >= 0,
                ShippedName.epoch(epoch.number) == name
            else { throw ShippingError(.damaged, "\(place.name): '\(name)' cannot be read") }
            epochs.append(epoch)
        }
        return epochs
    }

    /// Whether the epoch is this store's own.
    package func belongs(to identity: StoreIdentity) -> Bool {
        store == identity.id && number == identity.epoch && token == identity.token
    }
}

/// The history that led to an instant, over the epochs in which it was told.
package struct Lineage: Sendable {
    package struct Part: Hashable, Sendable {
        package let epoch: Int64
        /// The epoch's facts come after this one,
        package let after: Int64
        /// and end with this one, where a later epoch goes on.
        package let through: Int64
    }

    /// Oldest first.
    package let parts: [Part]

    /// - Parameter instant: the epoch that was in force then is the last one; `nil`: the newest.
    package init(_ epochs: [Epoch], at instant: Instant?) {
        var through = Int64.max
        var parts: [Part] = []
        for epoch in epochs.reversed() where instant.map({ epoch.begunAt <= $0 }) ?? true {
            parts.append(
                Part(epoch: epoch.number, after: epoch.afterSequence, through: through))
            through = min(through, epoch.afterSequence)
        }
        self.parts = parts.reversed()
    }

    /// Whether a copy of the store that was made in an epoch and ends with a fact says nothing but what this
    /// history says.
    package func includes(epoch: Int64, endingWith sequence: Int64) -> Bool {
        parts.contains { $0.epoch == epoch && sequence <= $0.through }
    }
}
