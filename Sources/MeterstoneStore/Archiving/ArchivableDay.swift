package import MeterstoneCore

/// What was stored of one subject on one UTC day, on its way into an archive.
package struct ArchivableDay {
    private let facts: [StoredFact]
    private let through: Int64
    private var history: History
    /// Events of which something is in no archive yet, by sequence; whether that is the event itself.
    private var waiting: [Int64: Bool] = [:]
    /// The event that each correction is about.
    private var targets: [Int64: Int64] = [:]

    /// - Parameters:
    ///   - facts: all of them, rows that point to others included.
    ///   - sequence: what was told after this fact is not looked at.
    package init(
        _ facts: [StoredFact], of subject: Int64, through sequence: Int64, _ registry: Registry
    ) throws(StoreError) {
        self.facts = facts
        through = sequence
        history = History(subject: subject, names: registry.names)
        for fact in facts where fact.sequence <= sequence {
            switch fact.body.first.flatMap({ FactKind(rawValue: $0) }) {
            case .usage:
                if !UsageRecord.isArchived(fact.body) { waiting[fact.sequence] = true }
            case .correction:
                let correction = try Self.correction(fact, registry)
                targets[fact.sequence] = correction.target
                if !correction.isArchived, waiting[correction.target] == nil {
                    waiting[correction.target] = false
                }
            default: continue
            }
            try history.add(fact, owner: subject)
        }
        // An open reservation is not over, and its texts may still be asked for.
        for event in history.all where event.record.reservation?.status == .open {
            waiting[event.sequence] = nil
        }
    }

    /// Events of which something is in no archive yet, in the order of recording; of each, whether no archive has
    /// anything of it.
    package var events: [(event: EffectiveEvent, isNew: Bool)] {
        guard !waiting.isEmpty else { return [] }
        return history.all.compactMap { event in
            waiting[event.sequence].map { (event: event, isNew: $0) }
        }
    }

    /// Every fact, by sequence, with what is left of it once ``events`` are archived.
    package func left(
        _ registry: Registry
    ) throws(StoreError) -> [(fact: StoredFact, isChanged: Bool)] {
        var result: [(fact: StoredFact, isChanged: Bool)] = []
        for fact in facts.sorted(by: { $0.sequence < $1.sequence }) {
            let event = targets[fact.sequence] ?? fact.sequence
            guard fact.sequence <= through, waiting[event] != nil else {
                result.append((fact, false))
                continue
            }
            var left = fact
            left.body = try Self.left(of: fact, registry)
            result.append((left, left.body != fact.body))
        }
        return result
    }

    private static func left(
        of fact: StoredFact, _ registry: Registry
    ) throws(StoreError) -> [UInt8] {
        var writer = ByteWriter()
        if fact.body.first == FactKind.correction.rawValue {
            try correction(fact, registry).archived.write(to: &writer) {
                registry.number(ofQuantity: $0)
            }
            return writer.bytes
        }
        var reader = ByteReader(fact.body, from: 1)
        do throws(MalformedRecord) {
            let record = try UsageRecord(&reader, names: registry.names)
            record.archived.write(to: &writer) { registry.number(ofQuantity: $0) }
        } catch {
            throw .unreadable(fact.sequence)
        }
        return writer.bytes
    }

    private static func correction(
        _ fact: StoredFact, _ registry: Registry
    ) throws(StoreError) -> CorrectionRecord {
        var reader = ByteReader(fact.body, from: 1)
        do throws(MalformedRecord) {
            return try CorrectionRecord(&reader, names: registry.names)
        } catch {
            throw .unreadable(fact.sequence)
        }
    }
}
