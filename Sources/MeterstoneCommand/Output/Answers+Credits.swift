import MeterstoneCore

/// Credits: what there is, what happened, and what it costs.
extension Answers {
    static func text(_ credits: CreditCharge) -> String {
        let shortfall = credits.shortfall == 0 ? "" : ", \(credits.shortfall) more unpaid"
        return "\(credits.amount) credits\(shortfall); \(credits.balance) left"
    }

    static func table(_ wallet: Wallet) -> String {
        var totals = TextTable(["credits", ">"])
        totals.add(["balance", String(wallet.balance)])
        totals.add(["held", String(wallet.held)])
        totals.add(["debt", String(wallet.debt)])
        totals.add(["shortfall", String(wallet.shortfall)])
        totals.add(["earned", String(wallet.lifetimeEarned)])
        totals.add(["spent", String(wallet.lifetimeSpent)])
        totals.add(["expired", String(wallet.expired)])
        totals.add(["voided", String(wallet.voided)])
        guard !wallet.grants.isEmpty else { return totals.text }
        var grants = TextTable([
            "grant", "source", "priority>", "amount>", "remaining>", "held>", "effective at",
            "expires at",
        ])
        for open in wallet.grants {
            grants.add([
                open.grant.id.text, open.grant.source.rawValue, String(open.grant.priority),
                String(open.grant.amount), String(open.remaining), String(open.held),
                open.grant.effectiveAt.rfc3339, open.grant.expiresAt?.rfc3339 ?? "never",
            ])
        }
        return "\(totals.text)\n\n\(grants.text)"
    }

    static func table(_ entries: [RecordedEntry]) -> String {
        var table = TextTable([
            "recorded at", "kind", "amount>", "balance>", "reference", "author", "note",
        ])
        for recorded in entries {
            let entry = recorded.entry
            table.add([
                entry.recordedAt.rfc3339, entry.kind.name, String(entry.amount),
                String(entry.balanceAfter), entry.reference ?? "", entry.author ?? "",
                entry.note ?? "",
            ])
        }
        return table.isEmpty ? "no entries" : table.text
    }

    /// As blueprints write it: `30` or `0.15`.
    static func text(_ money: Money) -> String {
        let (whole, rest) = money.millionths.quotientAndRemainder(dividingBy: 1_000_000)
        var decimals = String(String(1_000_000 + rest).dropFirst())
        while decimals.last == "0" { decimals.removeLast() }
        return decimals.isEmpty ? String(whole) : "\(whole).\(decimals)"
    }
}
