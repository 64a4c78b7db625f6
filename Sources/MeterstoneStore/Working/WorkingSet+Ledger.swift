import MeterstoneCore

/// Ledger entries: facts of their own, sealed one after the other for each subject.
extension WorkingSet {
    /// Writes entries that a subject's wallet returned, in their order.
    func write(
        _ entries: [LedgerEntry], of state: SubjectState, at now: Instant
    ) throws(StoreError) {
        guard !entries.isEmpty else { return }
        register(state, on: now)
        for entry in entries { try write(entry, of: state) }
    }

    /// Writes one entry down, sealed after the one before, and carries it out.
    ///
    /// - Parameter isTold: whether alerts of credits watch it.
    func write(
        _ entry: LedgerEntry, of state: SubjectState, isTold: Bool = true
    ) throws(StoreError) {
        let index = try walletIndex(state, at: now)
        let record = LedgerRecord(entry, after: state.current[index].state.wallet.seal)
        let bytes = record.bytes
        let before = state.current[index].state.wallet.wallet.balance
        let position = batch.append(subject: state.number) { $0.append(bytes) }
        try apply(record, bytes, of: state, at: position.sequence)
        if isTold, !catalog.creditAlerts.isEmpty {
            try fireCredits(of: state, before: before, by: entry)
        }
    }

    /// Writes what time has caused before a subject's plan or calendar changes, which would tell it
    /// otherwise afterwards.
    func writeDue(of state: SubjectState, at now: Instant) throws(StoreError) {
        guard catalog.payment != nil, state.number != 0 else { return }
        try expireDue(state, at: now)
        try write(try account(of: state, at: now).due, of: state, at: now)
    }

    /// A subject's entries with this lookup text, oldest first.
    func entries(
        of state: SubjectState, lookup: String
    ) throws(StoreError) -> [LedgerEntry] {
        state.number == 0 ? [] : try entries(of: [state.number], lookup: lookup)
    }

    /// The same, with those of the subjects that were merged into it.
    private func allEntries(
        of state: SubjectState, lookup: String
    ) throws(StoreError) -> [LedgerEntry] {
        if state.merged.isEmpty { return try entries(of: state, lookup: lookup) }
        return try entries(of: state.merged + [state.number], lookup: lookup)
    }

    private func entries(
        of numbers: [Int64], lookup: String
    ) throws(StoreError) -> [LedgerEntry] {
        var found: [Int64: LedgerEntry] = [:]
        let stored = try all(numbers) { (number) throws(StoreError) in
            try storedEntries(of: number, lookup: lookup)
        }
        for entries in stored { found.merge(entries) { $1 } }
        for number in numbers {
            let waiting = tail.facts(.ledger, of: number) + batch.facts(.ledger, of: number)
            for fact in waiting {
                let entry = try LedgerEntry(stored: Array(fact.body))
                if entry.lookup == lookup { found[fact.sequence] = entry }
            }
        }
        return found.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Those that are projected, by sequence.
    private func storedEntries(
        of number: Int64, lookup: String
    ) throws(StoreError) -> [Int64: LedgerEntry] {
        var found: [Int64: LedgerEntry] = [:]
        for fact in try source.entries(of: number, lookup: lookup) {
            found[fact.sequence] = try LedgerEntry(stored: fact.body)
        }
        return found
    }

    // MARK: Changes

    /// Grants, voids or refunds, as ledger entries of the subject.
    func changeCredits(
        _ request: ChangeRequest, at now: Instant
    ) throws(StoreError) -> ChangeOutcome {
        if let id = request.change.subject { try expireDue(try state(of: id), at: now) }
        return switch request.change {
        case .grantCredit(let id, let order):
            try grant(order, to: try state(of: id), by: request.author, at: now)
        case .voidGrant(let id, let grant, let reason):
            try void(grant, of: try state(of: id), by: request.author, reason, at: now)
        case .refundCredit(let id, let reference, let reason):
            try refund(reference, to: try state(of: id), by: request.author, reason, at: now)
        default: .unchanged
        }
    }

    private func grant(
        _ order: GrantOrder, to state: SubjectState, by author: String, at now: Instant
    ) throws(StoreError) -> ChangeOutcome {
        if let id = order.id {
            let named = try allEntries(of: state, lookup: LedgerEntry.lookup(of: id))
            let known = named.filter(\.isOfCaller).compactMap(\.grant)
            if known.contains(where: order.asksFor) { return .unchanged }
            if !known.isEmpty { return .rejected(.duplicateGrant(id)) }
            if id.text.hasPrefix(GrantID.ownPrefix) { return .rejected(.ownGrantID) }
        }
        if let rejection = order.mistake(at: now) { return .rejected(rejection) }
        if order.oncePerPerson, let rejection = try rejectOnce(order, state) {
            return .rejected(rejection)
        }
        let account = try account(of: state, at: now)
        let grant = CreditGrant(
            id: order.id ?? GrantID(unchecked: eventIDs.next(at: now).text), amount: order.amount,
            priority: order.priority, effectiveAt: order.effectiveAt ?? now,
            expiresAt: order.expiresAt, source: order.source, reference: order.reference,
            metadata: order.metadata)
        switch account.wallet.granting(grant, author: author, note: nil, at: now) {
        case .success(let entries):
            return try credit(account.due + entries, of: state, grant, grant.amount, at: now)
        case .failure(.expiredGrant): return .rejected(.expiredGrant)
        case .failure(.overflow): return .rejected(.creditOverflow)
        }
    }

    /// The entry that first told of a grant, open or not. Before plans and refunds gave ids of their own
    /// space, a caller's grant could have the id of one of theirs: the caller's is meant.
    private func firstEntry(
        of id: GrantID, _ state: SubjectState
    ) throws(StoreError) -> LedgerEntry? {
        let named = try entries(of: state, lookup: LedgerEntry.lookup(of: id))
        return named.first(where: \.isOfCaller) ?? named.first
    }

    private func void(
        _ id: GrantID, of state: SubjectState, by author: String, _ reason: String, at now: Instant
    ) throws(StoreError) -> ChangeOutcome {
        let account = try account(of: state, at: now)
        // What only time has given so far is in the wallet, and in no ledger yet.
        let first = try firstEntry(of: id, state) ?? account.due.first { $0.grant?.id == id }
        guard let number = first?.grantNumber else { return .rejected(.unknownGrant(id)) }
        guard let open = account.wallet.grants.first(where: { $0.number == number }),
            let entries = account.wallet.voiding(number, author: author, reason: reason, at: now)
        else { return .unchanged }
        let lost = entries.reduce(Int64(0)) { $0 - $1.amount }
        return try credit(account.due + entries, of: state, open.grant, lost, at: now)
    }

    private func refund(
        _ reference: String, to state: SubjectState, by author: String, _ reason: String,
        at now: Instant
    ) throws(StoreError) -> ChangeOutcome {
        if try isRefunded(reference, state) { return .rejected(.alreadyRefunded) }
        let known = try allEntries(of: state, lookup: LedgerEntry.lookup(reference: reference))
        let spent = known.filter { ($0.kind == .spend || $0.kind == .settle) && $0.spent > 0 }
        guard !spent.isEmpty else { return .rejected(.unknownReference(reference)) }
        // A reservation pays twice where its end came after its expiry.
        let holds = Set(spent.map(\.hold))
        guard spent.count == 1 || holds.count == 1 && !holds.contains(0) else {
            return .rejected(.sharedReference(reference))
        }
        let account = try account(of: state, at: now)
        switch account.wallet.refunding(
            spent, reference: reference, author: author, reason: reason, at: now)
        {
        case .success(let entries):
            // Also what is gone at once was given back.
            let amount = entries.reduce(Int64(0)) { $1.kind == .refund ? $0 + $1.amount : $0 }
            return try credit(account.due + entries, of: state, nil, amount, at: now)
        case .failure: return .rejected(.creditOverflow)
        }
    }

    /// Whether what was spent under a reference was given back.
    func isRefunded(_ reference: String, _ state: SubjectState) throws(StoreError) -> Bool {
        // Earlier versions gave refunds ids without a space of their own.
        let lookups = [GrantID.ownPrefix, ""].map { prefix in
            LedgerEntry.lookup(of: GrantID.refund(of: reference, number: 1, prefix: prefix))
        }
        let asked = lookups.flatMap { lookup in
            (state.merged + [state.number]).map { (number: $0, lookup: lookup) }
        }
        let known = try all(asked) { (asked) throws(StoreError) in
            tail.hasRefund(of: asked.number)
                ? try entries(of: [asked.number], lookup: asked.lookup)
                : Array(try storedEntries(of: asked.number, lookup: asked.lookup).values)
        }
        return known.joined().contains { $0.kind == .refund && $0.reference == reference }
    }

    private func credit(
        _ entries: [LedgerEntry], of state: SubjectState, _ grant: CreditGrant?, _ amount: Int64,
        at now: Instant
    ) throws(StoreError) -> ChangeOutcome {
        try write(entries, of: state, at: now)
        return .credited(
            CreditReceipt(
                grant: grant, amount: amount, balance: entries.last?.balanceAfter ?? 0))
    }

    /// An open grant, for the audit log.
    func openGrant(_ id: GrantID, of subject: SubjectID) throws(StoreError) -> CreditGrant? {
        let state = try state(of: subject)
        guard let number = try firstEntry(of: id, state)?.grantNumber else { return nil }
        return state.current[try walletIndex(state, at: .earliest)].state.wallet.wallet.grants
            .first { $0.number == number }?.grant
    }
}

extension LedgerEntry {
    /// Whether it tells of a grant that a caller asked for, and no plan or refund gave.
    fileprivate var isOfCaller: Bool {
        (kind == .grant || kind == .schedule) && recurrence == nil
    }

    /// - Parameter body: of a fact.
    package init(stored body: [UInt8]) throws(StoreError) {
        do throws(MalformedRecord) {
            self = try LedgerRecord(body: body).entry
        } catch {
            throw StoreError(code: .corrupt, message: "a ledger entry is unreadable")
        }
    }
}

extension GrantOrder {
    fileprivate func mistake(at now: Instant) -> Rejection? {
        let amounts: ClosedRange<Int64> = 1...CreditPolicy.priceRange.upperBound
        if !amounts.contains(amount) {
            return Rejection(
                code: .invalidField, field: "amount",
                message: "expected a whole number from 1 to \(amounts.upperBound)")
        }
        if !CreditGrant.priorityRange.contains(priority) {
            return Rejection(
                code: .invalidField, field: "priority",
                message: "expected \(CreditGrant.priorityExpectation)")
        }
        if let expiresAt, expiresAt <= effectiveAt ?? now { return .expiredGrant }
        let bytes = metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        if bytes > Self.metadataBytesMax || (reference?.utf8.count ?? 0) > Self.metadataBytesMax {
            return Rejection(
                code: .invalidField, field: "metadata",
                message: "expected at most \(Self.metadataBytesMax) bytes of names and values")
        }
        return nil
    }

    /// Open grants are kept together, and written together.
    private static let metadataBytesMax = 4_096

    /// Whether it is the same order that led to a grant.
    fileprivate func asksFor(_ grant: CreditGrant) -> Bool {
        amount == grant.amount && priority == grant.priority
            && (effectiveAt == nil || effectiveAt == grant.effectiveAt)
            && expiresAt == grant.expiresAt && source == grant.source
            && reference == grant.reference && metadata == grant.metadata
    }
}

extension Rejection {
    static func duplicateGrant(_ id: GrantID) -> Rejection {
        Rejection(
            code: .duplicateGrant, field: "id",
            message: "expected a new id, and there is another grant '\(id)'")
    }

    fileprivate static let ownGrantID = Rejection(
        code: .invalidField, field: "id",
        message: "expected an id that does not begin with '\(GrantID.ownPrefix)', as those do that "
            + "plans and refunds give")

    fileprivate static func unknownGrant(_ id: GrantID) -> Rejection {
        Rejection(
            code: .unknownGrant, field: "id",
            message: "expected the id of a grant of the subject, and there is none '\(id)'")
    }

    fileprivate static func unknownReference(_ reference: String) -> Rejection {
        Rejection(
            code: .unknownReference, field: "reference",
            message: "expected the reference of credits spent, and there is none '\(reference)'")
    }

    fileprivate static func sharedReference(_ reference: String) -> Rejection {
        Rejection(
            code: .unknownReference, field: "reference",
            message: "expected the reference of one event, and events of several sources have the "
                + "id '\(reference)'; grant the credits instead")
    }

    fileprivate static let alreadyRefunded = Rejection(
        code: .alreadyRefunded, field: "reference", message: "this was refunded before")

    fileprivate static let expiredGrant = Rejection(
        code: .invalidField, field: "expiresAt",
        message: "expected an instant after now and after effectiveAt")

    fileprivate static let creditOverflow = Rejection(
        code: .creditOverflow, field: "amount",
        message: "expected an amount with which every total stays below 2^63")
}
