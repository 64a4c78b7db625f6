package import MeterstoneCore

extension JSONWriter {
    /// Writes what a subject has in credits: the totals, and the grants that are open in the order in
    /// which they are used.
    package mutating func wallet(_ wallet: Wallet) {
        beginObject()
        name("balance")
        integer(wallet.balance)
        name("held")
        integer(wallet.held)
        name("debt")
        integer(wallet.debt)
        name("shortfall")
        integer(wallet.shortfall)
        name("lifetimeEarned")
        integer(wallet.lifetimeEarned)
        name("lifetimeSpent")
        integer(wallet.lifetimeSpent)
        name("expired")
        integer(wallet.expired)
        name("voided")
        integer(wallet.voided)
        name("grants")
        beginArray()
        for grant in wallet.grants { self.grant(grant) }
        endArray()
        endObject()
    }

    private mutating func grant(_ open: WalletGrant) {
        beginObject()
        members(of: open.grant)
        name("remaining")
        integer(open.remaining)
        name("held")
        integer(open.held)
        name("scheduled")
        boolean(open.isScheduled)
        name("number")
        integer(open.number)
        if let rolloverMax = open.rolloverMax {
            name("rolloverMax")
            integer(rolloverMax)
        }
        endObject()
    }

    /// Writes a grant as it was made.
    package mutating func grant(_ grant: CreditGrant) {
        beginObject()
        members(of: grant)
        endObject()
    }

    private mutating func members(of grant: CreditGrant) {
        name("id")
        string(grant.id.text)
        name("amount")
        integer(grant.amount)
        name("priority")
        integer(Int64(grant.priority))
        name("effectiveAt")
        instant(grant.effectiveAt)
        name("expiresAt")
        instant(grant.expiresAt)
        name("source")
        string(grant.source.rawValue)
        if let reference = grant.reference {
            name("reference")
            string(reference)
        }
        guard !grant.metadata.isEmpty else { return }
        name("metadata")
        beginObject()
        for (key, value) in grant.metadata.sorted(by: { $0.key < $1.key }) {
            name(text: key)
            string(value)
        }
        endObject()
    }
}

// MARK: - Entries

extension JSONWriter {
    /// Writes the member `entries` and where the next page starts.
    package mutating func entries(_ page: LedgerPage) {
        name("entries")
        beginArray()
        for entry in page.entries { self.entry(entry) }
        endArray()
        nextCursor(page.next.map { Cursor(kind: .entries, position: String($0)) })
    }

    /// Writes an entry as it stands in the ledger, with the seal that makes it unchangeable.
    private mutating func entry(_ recorded: RecordedEntry) {
        let entry = recorded.entry
        beginObject()
        name("sequence")
        integer(recorded.sequence)
        name("kind")
        string(entry.kind.name)
        name("amount")
        integer(entry.amount)
        name("balanceAfter")
        integer(entry.balanceAfter)
        name("recordedAt")
        instant(entry.recordedAt)
        name("occurredAt")
        instant(entry.occurredAt)
        optional("reference", entry.reference)
        optional("note", entry.note)
        optional("author", entry.author)
        if let grant = entry.grant {
            name("grant")
            self.grant(grant)
        }
        if entry.grantNumber != 0 {
            name("grantNumber")
            integer(entry.grantNumber)
        }
        if entry.shortfall != 0 {
            name("shortfall")
            integer(entry.shortfall)
        }
        if !entry.allocations.isEmpty { allocations(entry.allocations) }
        name("seal")
        string(recorded.seal.description)
        name("previousSeal")
        string(recorded.previous.description)
        endObject()
    }

    private mutating func optional(_ name: StaticString, _ text: String?) {
        guard let text, !text.isEmpty else { return }
        self.name(name)
        string(text)
    }

    private mutating func allocations(_ allocations: [CreditAllocation]) {
        name("allocations")
        beginArray()
        for allocation in allocations {
            beginObject()
            name("grant")
            integer(allocation.grant)
            name("units")
            integer(allocation.units)
            name("priority")
            integer(Int64(allocation.priority))
            name("expiresAt")
            instant(allocation.expiresAt)
            if let rollover = allocation.rollover {
                name("rolloverMax")
                integer(rollover.most)
            }
            endObject()
        }
        endArray()
    }
}
