import MeterstoneCore
import MeterstoneStore
import Testing

/// How ledger entries, wallets and reservations are kept.
@Suite struct LedgerEncodingTests {
    /// From FIPS 180-4's examples, and for the lengths at which padding changes.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            String(repeating: "a", count: 1_000),
            "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"
        ),
        (
            String(repeating: "a", count: 55),
            "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"
        ),
        (
            String(repeating: "a", count: 56),
            "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"
        ),
        (
            String(repeating: "a", count: 64),
            "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"
        ),
    ])
    func `hashes are those of the standard`(message: String, hash: String) {
        #expect(SHA256.hash(Array(message.utf8)).description == hash)
    }

    private static let now = Instant(millisecondsSince1970: 1_773_144_000_000)

    private static let grant = CreditGrant(
        id: GrantID(unchecked: "g1"), amount: 100, priority: 7, effectiveAt: now,
        expiresAt: now.advanced(byMilliseconds: 5), source: .purchase, reference: "payment 9",
        metadata: ["b": "2", "a": "1"])

    private static let entries = [
        LedgerEntry(kind: .grant, amount: 100, balanceAfter: 100, recordedAt: now, grant: grant),
        LedgerEntry(
            kind: .spend, amount: -1, balanceAfter: 99, recordedAt: now,
            reference: "0192f3a0-1111-7222-8333-444455556666"),
        LedgerEntry(
            kind: .settle, amount: -3, balanceAfter: -12, recordedAt: now,
            occurredAt: now.advanced(byMilliseconds: -9), reference: "é", note: "n", author: "a",
            grantNumber: 3,
            allocations: [
                CreditAllocation(grant: 1, units: 5, priority: 50, expiresAt: nil),
                CreditAllocation(grant: 2, units: 6, priority: 1_000, expiresAt: now),
            ], overdrawn: -4, hold: 77, spent: 8, windows: 3, windowUntil: now,
            recurrence: "week:sunday"),
        LedgerEntry(
            kind: .settle, amount: -5, balanceAfter: 0, recordedAt: now, reference: "r1",
            allocations: [
                CreditAllocation(grant: 1, units: 2, priority: 50, expiresAt: now),
                CreditAllocation(
                    grant: 2, units: 3, priority: 50, expiresAt: nil,
                    rollover: Rollover(recurrence: "month", most: 90)),
            ], spent: 5, recurrence: "month", rolloverMax: 90, shortfall: 7),
    ]

    @Test(arguments: entries)
    func `an entry is read as it was written`(entry: LedgerEntry) throws {
        let record = LedgerRecord(entry, after: SHA256.hash([1, 2, 3]))
        #expect(try LedgerRecord(body: record.bytes) == record)
    }

    @Test func `every cut of an entry is malformed, and no seal is that of another`() throws {
        for entry in Self.entries {
            let bytes = LedgerRecord(entry, after: .none).bytes
            for end in 0..<bytes.count {
                #expect(throws: MalformedRecord.self) {
                    try LedgerRecord(body: Array(bytes[..<end]))
                }
            }
            #expect(
                LedgerRecord(entry, after: SHA256.hash([])).bytes != bytes
                    && SHA256.hash(bytes) != SHA256.hash(bytes + [0]))
        }
    }

    @Test func `a wallet is read as it was written`() throws {
        var wallet = Wallet.empty
        guard
            case .success(let entries) = wallet.granting(
                Self.grant, author: nil, note: nil, at: Self.now)
        else { return }
        for entry in entries { wallet.apply(entry) }
        for (number, units) in [(4, 30), (9, 20)] as [(Int64, Int64)] {
            let hold = wallet.holding(
                units, number: number, reference: nil, overdraft: 0, at: Self.now)
            if let hold { wallet.apply(hold) }
        }
        let state = CounterState(SealedWallet(wallet: wallet, seal: SHA256.hash([7])))
        let read = try CounterState(value: state.value, memoryBytes: state.memoryBytes)
        #expect(read == state && read.value == 50)
    }

    @Test(arguments: [nil, AbortPolicy.nothing, .told, .reserved])
    func `a reservation is read as it was written`(onAbort: AbortPolicy?) throws {
        let names = ["tokens", "requests"].map { MeterKey(unchecked: $0) }
        var record = UsageRecord(
            id: .text("r1"), occurredAt: Self.now, recordedAt: Self.now,
            quantities: .one(names[0], 5), details: EventDetails(source: "s", session: "x"))
        var reservation = ReservationRecord(
            terms: ReservationTerms(
                milliseconds: 9, onExpiry: .chargeReported, onOverage: .cap, onAbort: onAbort,
                abortMinimum: onAbort == .told ? .one(names[1], 7) : .none),
            expiresAt: Self.now)
        reservation.status = .expired
        reservation.reported = Quantities(names.map { NamedQuantity(name: $0, quantity: 3) })
        reservation.payable = .one(names[1], 4)
        reservation.asked = Quantities.none
        reservation.closedAt = Self.now
        reservation.answers = [
            LimitAnswer(
                limit: 3, level: 1, mode: .soft, isExceeded: true, allowance: -1, used: 12)
        ]
        record.reservation = reservation
        record.credits = CreditCharge(amount: 40, balance: -2, shortfall: 3)
        var writer = ByteWriter()
        record.write(to: &writer) { names.firstIndex(of: $0) ?? 0 }
        var reader = ByteReader(writer.bytes, from: 1)
        #expect(try UsageRecord(&reader, names: names) == record)
    }

    @Test func `open reservations are read as they were written`() throws {
        let open = [
            OpenReservation(
                expiresAt: Self.now, sequence: 1 << 40, id: .uuid(1, 2), source: nil, owner: 5,
                isExtended: false),
            OpenReservation(
                expiresAt: Self.now, sequence: 1 << 41, id: .text("x"), source: "s", owner: 6,
                isExtended: true),
        ]
        let state = CounterState(open)
        #expect(try CounterState(value: state.value, memoryBytes: state.memoryBytes) == state)
    }
}
