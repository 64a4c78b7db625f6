import MeterstoneCore

/// Follows ledgers from their first entries on, one subject after the other.
struct LedgerRecount {
    /// Where a ledger does not follow from itself. Nothing after that is looked at.
    private(set) var broken: [(subject: Int64, sequence: Int64)] = []
    private var wallets: [(subject: Int64, wallet: SealedWallet)] = []
    private var subject: Int64 = 0
    private var sealed = SealedWallet()

    /// Takes the next entry; those of a subject come together, oldest first.
    mutating func add(_ fact: StoredFact, of number: Int64) {
        if number != subject { begin(number) }
        guard broken.last?.subject != number else { return }
        guard let record = try? LedgerRecord(body: fact.body), record.previous == sealed.seal,
            let wallet = sealed.wallet.following(record.entry)
        else {
            broken.append((number, fact.sequence))
            return
        }
        sealed.wallet = wallet
        sealed.seal = SHA256.hash(fact.body)
    }

    private mutating func begin(_ number: Int64) {
        if subject != 0 { wallets.append((subject, sealed)) }
        subject = number
        sealed = SealedWallet()
    }

    mutating func finished() -> [(subject: Int64, wallet: SealedWallet)] {
        begin(0)
        return wallets
    }
}
