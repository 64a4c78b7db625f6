import Foundation
package import MeterstoneCore
package import MeterstoneStore

/// Makes a store of a whole backup and what was shipped after it.
package struct Restoration {
    /// What came of it.
    package struct Outcome: Hashable, Sendable {
        /// The whole backup that it began with; `nil`: it began with nothing, and carried out everything.
        package let whole: String?
        package let reached: ShippedJournal.Reached
        /// `false`: nothing was shipped at that instant, and what came after the whole backup is not there.
        package let isShipped: Bool
        /// Whole backups that would have come first, and cannot be read.
        package internal(set) var damaged: [String] = []
    }

    private let place: any ShippingPlace
    private let role: StoreIdentity.Role
    private let open: (_ directory: String) throws -> any JournaledStore

    /// - Parameters:
    ///   - role: what the store is then.
    ///   - open: opens the store in a folder, or makes one there.
    package init(
        from place: any ShippingPlace, as role: StoreIdentity.Role = .restored,
        open: @escaping (String) throws -> any JournaledStore
    ) {
        self.place = place
        self.role = role
        self.open = open
    }

    /// Makes the store in a folder that has none: as it was at an instant, or the newest that there is.
    ///
    /// An instant is reached exactly, or not at all, as long as commits were shipped then. The folder has
    /// the store when everything is done.
    package func run(
        into directory: String, at instant: Instant?
    ) async throws -> Outcome {
        let partial = directory + ".partial"
        try? FileManager.default.removeItem(atPath: partial)
        defer { try? FileManager.default.removeItem(atPath: partial) }
        let epochs = try await Epoch.all(at: place)
        let lineage = Lineage(epochs, at: instant)
        let wholes = try await place.wholes().filter { whole in
            instant.map { whole.madeAt <= $0 } ?? true
        }
        var damaged: [String] = []
        let (whole, store) = try await base(
            wholes, epochs, lineage, instant, partial, damaged: &damaged)
        var outcome: Outcome
        do {
            outcome = try await goOn(store, from: whole, epochs, lineage, instant)
            outcome.damaged = damaged
        } catch {
            try? store.close()
            throw error
        }
        try store.close()
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        try FileManager.default.moveItem(
            atPath: partial + "/meterstone.sqlite", toPath: directory + "/meterstone.sqlite")
        return outcome
    }

    /// The newest whole backup that led to the instant, opened; where the journal is there from its first
    /// fact on, an empty store will do.
    private func base(
        _ wholes: [WholeBackup], _ epochs: [Epoch], _ lineage: Lineage, _ instant: Instant?,
        _ partial: String, damaged: inout [String]
    ) async throws -> (WholeBackup?, any JournaledStore) {
        for whole in wholes {
            try? FileManager.default.removeItem(atPath: partial)
            try FileManager.default.createDirectory(
                atPath: partial, withIntermediateDirectories: true)
            try await place.fetchWhole(whole.name, to: partial + "/meterstone.sqlite")
            guard try WholeFile.isDatabase(partial + "/meterstone.sqlite") else {
                damaged.append(whole.name)
                continue
            }
            do {
                let store = try open(partial)
                do {
                    if try await leads(store, epochs, lineage, instant) { return (whole, store) }
                } catch {
                    try? store.close()
                    throw error
                }
                try store.close()
            } catch let error as StoreError where error.code == .corrupt {
                // An older one, and more of the journal, lead there, too.
                damaged.append(whole.name)
            }
        }
        guard let first = lineage.parts.first, let store = epochs.last?.store, first.after == 0
        else {
            if let name = damaged.first {
                throw ShippingError(
                    .damaged,
                    "\(place.name): the backup \(name) cannot be read, and no other leads there")
            }
            let when = instant.map { " of \($0.rfc3339) or earlier" } ?? ""
            throw ShippingError(.damaged, "there is no whole backup\(when) in '\(place.name)'")
        }
        try? FileManager.default.removeItem(atPath: partial)
        let new = try open(partial)
        try new.put(StoreIdentity(id: store))
        return (nil, new)
    }

    /// Whether a whole backup has nothing that is later than the instant, or of another history.
    private func leads(
        _ store: any JournaledStore, _ epochs: [Epoch], _ lineage: Lineage, _ instant: Instant?
    ) async throws -> Bool {
        // Without shipping there is nothing to follow.
        guard let newest = epochs.last, !lineage.parts.isEmpty else { return true }
        let identity = try store.identity()
        let head = try store.head
        guard identity.id == newest.store,
            lineage.includes(epoch: identity.epoch, endingWith: head)
        else { return false }
        // It was begun before the instant, and may have what was committed while it began.
        guard let instant else { return true }
        let last = try await ShippedJournal(place, of: identity.id).committedAt(
            head, in: identity.epoch)
        return last.map { $0 <= instant } ?? true
    }

    private func goOn(
        _ store: any JournaledStore, from whole: WholeBackup?, _ epochs: [Epoch],
        _ lineage: Lineage, _ instant: Instant?
    ) async throws -> Outcome {
        var identity = try store.identity()
        var reached = ShippedJournal.Reached(sequence: try store.head)
        if !epochs.isEmpty {
            reached = try await ShippedJournal(place, of: identity.id).read(
                after: reached.sequence, lineage, through: instant
            ) { batches in
                try store.take(batches)
                while store.waitingFacts > store.waitingFactsMax / 2, try store.project() {}
            }
        }
        if let missing = reached.missing, instant != nil || role == .follower {
            let last = reached.committedAt?.rfc3339 ?? whole?.name ?? "the beginning"
            throw ShippingError(
                .damaged,
                "\(place.name): fact \(missing) and what follows was not shipped before the next "
                    + "whole backup; the last instant before that is \(last)")
        }
        if let newest = epochs.last {
            identity.role = role
            // Whatever is at the place was read.
            if role == .follower { identity.epoch = newest.number }
            try store.put(identity)
        }
        while try store.project() {}
        return Outcome(
            whole: whole?.name, reached: reached, isShipped: !lineage.parts.isEmpty)
    }
}

extension JournaledStore {
    /// The last fact, for whoever uses the store alone. Projects everything first.
    var head: Int64 {
        get throws(StoreError) {
            while try project() {}
            return try journal(after: .max, bytesMax: 0).head ?? 0
        }
    }
}
