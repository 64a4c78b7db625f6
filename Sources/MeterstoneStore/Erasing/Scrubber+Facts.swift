import MeterstoneCore

extension Scrubber {
    /// What is left of a fact about usage.
    ///
    /// - Returns: `nil`: it stays as it is.
    package mutating func scrubbed(
        _ body: ArraySlice<UInt8>, of subject: Int64, at sequence: Int64
    ) throws(StoreError) -> [UInt8]? {
        do throws(MalformedRecord) {
            var reader = ByteReader(Array(body))
            switch FactKind(rawValue: try reader.byte()) {
            case .usage:
                let record = try UsageRecord(&reader, names: registry.names)
                let left = scrubbed(record, of: subject, at: sequence)
                return left == record
                    ? nil
                    : written { left.write(to: &$0, nameNumber: registry.number(ofQuantity:)) }
            case .correction:
                let record = try CorrectionRecord(&reader, names: registry.names)
                let left = scrubbed(record, of: subject)
                return left == record
                    ? nil
                    : written { left.write(to: &$0, nameNumber: registry.number(ofQuantity:)) }
            default: return nil
            }
        } catch {
            throw .unreadable(sequence)
        }
    }

    private func written(_ write: (inout ByteWriter) -> Void) -> [UInt8] {
        var writer = ByteWriter()
        write(&writer)
        return writer.bytes
    }

    /// - Parameter sequence: of the event itself.
    private mutating func scrubbed(
        _ record: UsageRecord, of subject: Int64, at sequence: Int64
    ) -> UsageRecord {
        var record = record
        guard persons[subject] != nil else {
            // Others may have named the person as a level that their usage counts for, too.
            if let details = record.details, !details.levels.isEmpty {
                record.details = details.with(levels: renamed(details.levels, at: sequence))
            }
            return record
        }
        if case .text(let text) = record.id {
            // What was moved by a merge has one id in both places, and goes on having one.
            let id = Self.isLeft(text) ? text : eventIDs[text] ?? Self.text(of: sequence)
            eventIDs[text] = id
            record.id = .text(id)
        }
        record.details = record.details.map { left(of: $0, at: sequence) }
        return record
    }

    private mutating func scrubbed(
        _ correction: CorrectionRecord, of subject: Int64
    ) -> CorrectionRecord {
        var correction = correction
        correction.before = scrubbed(correction.before, of: subject, at: correction.target)
        correction.after = correction.after.map {
            scrubbed($0, of: subject, at: correction.target)
        }
        if persons[subject] != nil || person(in: correction.reason) != nil {
            correction.reason = ""
        }
        if person(in: correction.author) != nil { correction.author = "" }
        return correction
    }

    /// What stands in the place of an id that somebody chose.
    static func text(of sequence: Int64) -> String { Erasure.keyPrefix + "\(sequence)" }

    /// Whether an id stands there since the last time.
    private static func isLeft(_ id: String) -> Bool {
        id.hasPrefix(Erasure.keyPrefix) && Int64(id.dropFirst(Erasure.keyPrefix.count)) != nil
    }

    private func renamed(_ levels: [SubjectID], at sequence: Int64) -> [SubjectID] {
        levels.map { person($0, at: sequence)?.key ?? $0 }
    }

    private func left(of details: EventDetails, at sequence: Int64) -> EventDetails {
        let left = details.erased(counted)
        return EventDetails(
            source: clean(left.source), type: left.type, subtype: left.subtype,
            status: left.status, durationMilliseconds: left.durationMilliseconds,
            errorMessage: nil, cost: left.cost, project: clean(left.project), scene: nil,
            session: clean(left.session),
            dimensions: left.dimensions.map {
                Dimension(name: $0.name, value: clean($0.value) ?? "")
            },
            properties: left.properties, levels: renamed(left.levels, at: sequence),
            countsWhenAborted: left.countsWhenAborted)
    }
}

// MARK: Ledgers

extension Scrubber {
    /// What changes in all ledgers.
    package func entries(_ source: any InspectionSource) throws(StoreError) -> [EntryRow] {
        var rows: [EntryRow] = []
        var (subject, facts): (Int64, [StoredFact]) = (0, [])
        try source.scanEntries(pass: 0, of: 1) { (next, fact) throws(StoreError) in
            if next != subject {
                rows += try scrubbed(facts, ofLedger: subject)
                (subject, facts) = (next, [])
            }
            facts.append(fact)
        }
        return rows + (try scrubbed(facts, ofLedger: subject))
    }

    /// What is left of a subject's whole ledger, sealed anew from the first entry that changes.
    ///
    /// - Parameter facts: oldest first.
    /// - Returns: what changes.
    ///
    /// Codes: `corrupt` where the ledger does not follow from itself, which must not be sealed anew.
    private func scrubbed(
        _ facts: [StoredFact], ofLedger subject: Int64
    ) throws(StoreError) -> [EntryRow] {
        var (seal, known) = (SealedWallet().seal, SealedWallet().seal)
        var references: [String: String] = [:]
        var rows: [EntryRow] = []
        for fact in facts {
            guard let record = try? LedgerRecord(body: fact.body), record.previous == known else {
                throw StoreError(
                    code: .corrupt,
                    message: "ledger entry with sequence \(fact.sequence) does not follow from "
                        + "the one before; restore the ledger from a backup")
            }
            known = SHA256.hash(fact.body)
            let left = LedgerRecord(
                scrubbed(
                    record.entry, isPersons: persons[subject] != nil, at: fact.sequence,
                    &references), after: seal)
            let body = left == record ? fact.body : left.bytes
            seal = SHA256.hash(body)
            guard body != fact.body else { continue }
            rows.append(
                try EntryRow(
                    subject: subject, StoredFact(sequence: fact.sequence, body: body)))
        }
        return rows
    }

    private func scrubbed(
        _ entry: LedgerEntry, isPersons: Bool, at sequence: Int64,
        _ references: inout [String: String]
    ) -> LedgerEntry {
        var entry = entry
        guard isPersons else {
            if person(in: entry.note) != nil { entry.note = nil }
            if person(in: entry.author) != nil { entry.author = nil }
            return entry
        }
        entry.note = nil
        entry.author = nil
        if let reference = entry.reference, EventID(reference)?.isUUID != true {
            let left = eventIDs[reference] ?? references[reference] ?? Self.text(of: sequence)
            references[reference] = left
            references[left] = left
            entry.reference = left
        }
        if var grant = entry.grant {
            let text = grant.id.text
            let left = references["grant " + text] ?? Self.text(of: sequence)
            references["grant " + text] = left
            references["grant " + left] = left
            grant = CreditGrant(
                id: GrantID(left) ?? grant.id, amount: grant.amount, priority: grant.priority,
                effectiveAt: grant.effectiveAt, expiresAt: grant.expiresAt, source: grant.source)
            entry.grant = grant
        }
        return entry
    }
}
