import MeterstoneCore

/// What a merge writes to two ledgers.
struct MovedCredits {
    /// Entries of the one that loses its credits, and of the one that gets them, each in their order.
    var taken: [LedgerEntry]
    var given: [LedgerEntry]
}

extension WorkingSet {
    /// Takes every open grant of one subject back, and gives what is left of it to another, with its priority
    /// and its end. What a plan gives anew in each window is not carried: the other has a plan of its own.
    ///
    /// Nothing of it is written yet.
    func movedCredits(
        of from: SubjectState, to into: SubjectState, by author: String, at now: Instant
    ) throws(StoreError) -> Result<MovedCredits, Rejection> {
        let (losing, getting) = (try account(of: from, at: now), try account(of: into, at: now))
        guard losing.wallet.debt == 0, losing.wallet.holds.isEmpty else {
            return .failure(
                Rejection(
                    code: .inUse, field: "from",
                    message: "it cannot be merged: it owes \(losing.wallet.debt) credits"))
        }
        var moved = MovedCredits(taken: losing.due, given: getting.due)
        var (source, target) = (losing.wallet, getting.wallet)
        let grants = losing.wallet.grants.sorted { $0.number < $1.number }
        let named = try all(grants) { (open) throws(StoreError) in
            try entries(of: into, lookup: LedgerEntry.lookup(of: open.grant.id))
        }
        for (open, named) in zip(grants, named) {
            let taken = source.voiding(
                open.number, author: author, reason: "merged into \(into.id)", at: now)
            guard let taken else { continue }
            for entry in taken { source.apply(entry) }
            moved.taken += taken
            guard open.isCarried else { continue }
            var grant = open.grant
            grant.amount = open.isScheduled ? open.grant.amount : open.remaining
            if !named.isEmpty || moved.given.contains(where: { $0.grant?.id == grant.id }) {
                grant.id = .merged(from: from.number, open.number)
            }
            let given = target.granting(
                grant, author: author, note: "merged from \(from.id)", at: now)
            guard case .success(let entries) = given else {
                return .failure(
                    Rejection(
                        code: .creditOverflow, field: "from",
                        message: "expected credits with which every total stays below 2^63"))
            }
            for entry in entries { target.apply(entry) }
            moved.given += entries
        }
        return .success(moved)
    }
}

extension WalletGrant {
    /// Whether a merge carries what is left of it over.
    fileprivate var isCarried: Bool {
        switch grant.source {
        case .plan, .dailyRefill: false
        case .purchase, .refund, .adjustment: true
        }
    }
}

extension GrantID {
    /// `meterstone:merged-SUBJECT-NUMBER`, where the other has a grant with the id.
    fileprivate static func merged(from subject: Int64, _ number: Int64) -> GrantID {
        GrantID(unchecked: "\(ownPrefix)merged-\(subject)-\(number)")
    }
}
