package import MeterstoneCore

extension Shapes {
    package static let charge = Shape<CreditCharge>(
        "CreditCharge",
        [
            Member("amount", .quantity, \.amount, "What it costs in credits."),
            Member("balance", .integer, \.balance, "What is left after it."),
            Member(
                maybe: "shortfall", .integer(from: 1), { $0.shortfall == 0 ? nil : $0.shortfall },
                "What was used beyond what could be paid."),
        ]
    ) { fields throws(WireMismatch) in
        CreditCharge(
            amount: try fields("amount"), balance: try fields("balance"),
            shortfall: try fields("shortfall") ?? 0)
    }
}

extension Shapes {
    package static let credits = Shape<Wallet>(
        "Credits",
        [
            Member("balance", .integer, \.balance, "Below 0 where more was spent than there was."),
            Member("held", .quantity, \.held, "Set aside for reservations."),
            Member("debt", .quantity, \.debt, "Spent by overdraft and not paid back."),
            Member("shortfall", .quantity, \.shortfall, "Used beyond what could ever be paid."),
            Member("lifetimeEarned", .quantity, \.lifetimeEarned, "Ever granted."),
            Member("lifetimeSpent", .quantity, \.lifetimeSpent, "Ever spent, less refunds."),
            Member("expired", .quantity, \.expired, "Lost because nobody used it in time."),
            Member("voided", .quantity, \.voided, "Taken back by an administrator."),
            Member(
                "grants", Shapes.openGrant.wire.list(), { Array($0.grants) },
                "Open grants, in the order in which they are used."),
        ]
    ) { fields throws(WireMismatch) in
        // Refunds are told as what was neither earned nor spent.
        Wallet(
            balance: try fields("balance"), held: try fields("held"),
            granted: try fields("lifetimeEarned"), refunded: 0, spent: try fields("lifetimeSpent"),
            expired: try fields("expired"), voided: try fields("voided"), debt: try fields("debt"),
            grants: try fields("grants", listOf: openGrant), holds: [], recurrences: [],
            nextGrantNumber: 1, entryCount: 0, shortfall: try fields("shortfall"))
    }
}

extension Shapes {
    /// A grant as it was made.
    package static let grant = Shape<CreditGrant>(
        "Grant",
        [
            Member("id", Wire<String>.name, \.id.text, "Unique among the subject's grants."),
            Member("amount", .quantity, \.amount, "Credits that it gave."),
            Member(
                "priority", .integer(in: 0...1_000), { Int64($0.priority) },
                "Smaller ones are used first."),
            Member("effectiveAt", .instant, \.effectiveAt, "It cannot be used before."),
            Member(
                "expiresAt", Wire<Instant>.instant.orNull, \.expiresAt,
                "It cannot be used from here on; null: it never expires."),
            Member("source", .choice, \.source, "Why it was made."),
            Member(
                maybe: "reference", .text, \.reference, "What it belongs to elsewhere: a payment."),
            Member(
                maybe: "metadata", .texts, { $0.metadata.isEmpty ? nil : $0.metadata },
                "What the caller keeps with it."),
        ]
    ) { fields throws(WireMismatch) in
        CreditGrant(
            id: try fields("id"), amount: try fields("amount"), priority: try fields("priority"),
            effectiveAt: try fields("effectiveAt"), expiresAt: try fields("expiresAt"),
            source: try fields("source"), reference: try fields("reference"),
            metadata: try fields("metadata") ?? [:])
    }
}

extension Shapes {
    package static let openGrant = Shape<WalletGrant>(
        "OpenGrant",
        Shapes.grant.members(of: \WalletGrant.grant)
            + [
                Member("remaining", .quantity, \.remaining, "What is left of it."),
                Member("held", .quantity, \.held, "Set aside of it for reservations."),
                Member("scheduled", .flag, \.isScheduled, "Whether it cannot be used yet."),
                Member(
                    "number", .integer(from: 1), \.number, "Its number within the subject's."),
                Member(
                    maybe: "rolloverMax", .integer(from: 1), \.rolloverMax,
                    "Up to how much is kept of it in the next window."),
                Member(
                    maybe: "createdAt", .instant, \.times.createdAt,
                    "When it was made; left out until something of it is written down."),
                Member(
                    maybe: "updatedAt", .instant, \.times.updatedAt,
                    "When it was written about last."),
            ]
    ) { fields throws(WireMismatch) in
        WalletGrant(
            number: try fields("number"), grant: try grant.read(fields),
            remaining: try fields("remaining"), held: try fields("held"),
            isScheduled: try fields("scheduled"), rolloverMax: try fields("rolloverMax"),
            times: Times(
                createdAt: try fields("createdAt"), updatedAt: try fields("updatedAt")))
    }
}

/// A grant that was made or voided, credits that were given back, and what the subject has now.
package struct CreditAnswer: Sendable {
    package var grant: CreditGrant?
    package var amount: Int64
    package var balance: Int64

    package init(grant: CreditGrant? = nil, amount: Int64 = 0, balance: Int64) {
        self.grant = grant
        self.amount = amount
        self.balance = balance
    }
}

extension Shapes {
    package static let granted = Shape<CreditAnswer>(
        "GrantAnswer",
        [
            Member("grant", Shapes.grant.wire.orNull, \.grant, "The grant."),
            Member("balance", .integer, \.balance, "What the subject has now."),
        ], creditAnswer)

    package static let voided = Shape<CreditAnswer>(
        "VoidAnswer",
        [
            Member("grant", Shapes.grant.wire.orNull, \.grant, "The grant."),
            Member("amount", .quantity, \.amount, "What was left of it and is gone."),
            Member("balance", .integer, \.balance, "What the subject has now."),
        ], creditAnswer)

    package static let refunded = Shape<CreditAnswer>(
        "RefundAnswer",
        [
            Member("amount", .quantity, \.amount, "What was given back."),
            Member("balance", .integer, \.balance, "What the subject has now."),
        ], creditAnswer)

    private static let creditAnswer: Shape<CreditAnswer>.Make = {
        fields throws(WireMismatch) in
        CreditAnswer(
            grant: try fields("grant", maybe: grant), amount: try fields("amount") ?? 0,
            balance: try fields("balance"))
    }
}

extension Shapes {
    private static let allocation = Shape<CreditAllocation>([
        Member("grant", .integer(from: 1), \.grant, "The grant's number."),
        Member("units", .quantity, \.units, "What it paid, got back or lost."),
        Member("priority", .integer, { Int64($0.priority) }),
        Member("expiresAt", Wire<Instant>.instant.orNull, \.expiresAt),
        Member(maybe: "rolloverMax", .integer(from: 1), \.rollover?.most),
    ]) { fields throws(WireMismatch) in
        let most: Int64? = try fields("rolloverMax")
        return CreditAllocation(
            grant: try fields("grant"), units: try fields("units"),
            priority: try fields("priority"), expiresAt: try fields("expiresAt"),
            rollover: most.map { Rollover(recurrence: "", most: $0) })
    }

    private static let allocations = allocation.wire.list()
}

extension Shapes {
    /// An entry as it stands in the ledger, with the seal that makes it unchangeable.
    package static let entry = Shape<RecordedEntry>(
        "Entry",
        [
            Member("sequence", .integer(from: 1), \.sequence, "Its place among all facts."),
            Member("kind", .oneOf(LedgerEntry.Kind.allCases.map(\.name)), \.entry.kind.name),
            Member("amount", .integer, \.entry.amount, "The change of the balance."),
            Member("balanceAfter", .integer, \.entry.balanceAfter),
            Member("recordedAt", .instant, \.entry.recordedAt, "When it was written."),
            Member("occurredAt", .instant, \.entry.occurredAt, "When it took effect."),
            Member(
                maybe: "reference", .text, { $0.entry.reference?.orNil },
                "The id of the event that was paid, or the reference of a grant."),
            Member(maybe: "note", .text, { $0.entry.note?.orNil }, "The reason of a void."),
            Member(maybe: "author", .text, { $0.entry.author?.orNil }, "Who did it."),
            Member(
                maybe: "grant", Shapes.grant.wire, \.entry.grant,
                "The grant as it is from here on."),
            Member(
                maybe: "grantNumber", .integer(from: 1), { $0.entry.grantNumber.orNil },
                "The grant's number."),
            Member(
                maybe: "shortfall", .integer(from: 1), { $0.entry.shortfall.orNil },
                "What was used beyond what could be paid."),
            Member(
                maybe: "allocations", allocations,
                { $0.entry.allocations.isEmpty ? nil : $0.entry.allocations },
                "Which grants paid, got back or lost how much."),
            Member("seal", .seal, \.seal.description, "SHA-256 of the entry and the seal before."),
            Member("previousSeal", .seal, \.previous.description, "The seal of the entry before."),
        ]
    ) { fields throws(WireMismatch) in
        RecordedEntry(
            entry: LedgerEntry(
                kind: try fields("kind"), amount: try fields("amount"),
                balanceAfter: try fields("balanceAfter"), recordedAt: try fields("recordedAt"),
                occurredAt: try fields("occurredAt"), reference: try fields("reference"),
                note: try fields("note"), author: try fields("author"),
                grant: try fields("grant", maybe: grant),
                grantNumber: try fields("grantNumber") ?? 0,
                allocations: fields.contains("allocations")
                    ? try fields("allocations", listOf: allocation) : [],
                shortfall: try fields("shortfall") ?? 0),
            sequence: try fields("sequence"), seal: try fields("seal"),
            previous: try fields("previousSeal"))
    }
}

extension Wire<String> {
    fileprivate static var seal: Wire { text("^[0-9a-f]{64}$") }
}

extension String {
    fileprivate var orNil: String? { isEmpty ? nil : self }
}

extension Int64 {
    fileprivate var orNil: Int64? { self == 0 ? nil : self }
}

extension Shapes {
    package static let entries = page("EntryList", "entries", .entries, of: Shapes.entry)
}
