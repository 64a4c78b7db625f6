import MeterstoneCore

/// A wallet in the column `memory` of its counter: what its entries add up to, so that they need not be
/// added up again.
extension SealedWallet {
    func write(to writer: inout ByteWriter) {
        for index in seal.words.indices { writer.fixed(seal.words[index]) }
        for number in [
            wallet.balance, wallet.held, wallet.granted, wallet.refunded, wallet.spent,
            wallet.expired, wallet.voided, wallet.debt, wallet.nextGrantNumber, wallet.entryCount,
        ] {
            writer.signed(number)
        }
        writer.unsigned(UInt64(wallet.grants.count))
        for grant in wallet.grants { grant.write(to: &writer) }
        writer.unsigned(UInt64(wallet.holds.count))
        for hold in wallet.holds {
            writer.signed(hold.number)
            hold.allocations.write(to: &writer)
            writer.signed(hold.overdrawn)
        }
        writer.unsigned(UInt64(wallet.recurrences.count))
        for recurrence in wallet.recurrences {
            writer.text(recurrence.window.text)
            writer.signed(recurrence.windowUntil.millisecondsSince1970)
        }
        // Wallets that were written before there was one end here.
        if wallet.shortfall != 0 { writer.signed(wallet.shortfall) }
    }

    init(_ reader: inout ByteReader) throws(MalformedRecord) {
        var words = SIMD4<UInt64>()
        for index in words.indices { words[index] = try reader.fixed() }
        var numbers: [Int64] = []
        for _ in 0..<10 { numbers.append(try reader.signed()) }
        var grants: [WalletGrant] = []
        for _ in 0..<(try reader.count()) { grants.append(try WalletGrant(&reader)) }
        var holds: [WalletHold] = []
        for _ in 0..<(try reader.count()) {
            let number = try reader.signed()
            holds.append(
                WalletHold(
                    number: number, allocations: try [CreditAllocation](&reader),
                    overdrawn: try reader.signed()))
        }
        var recurrences: [WalletRecurrence] = []
        for _ in 0..<(try reader.count()) {
            guard let window = Window(try reader.text()) else { throw MalformedRecord() }
            recurrences.append(
                WalletRecurrence(
                    window: window,
                    windowUntil: Instant(millisecondsSince1970: try reader.signed())))
        }
        let shortfall = reader.isAtEnd ? 0 : try reader.signed()
        let parts =
            grants.flatMap { [$0.remaining, $0.held, $0.grant.amount] }
            + holds.flatMap { $0.allocations.map(\.units) + [$0.overdrawn] }
        // Sums are formed of these; the whole is looked at once they are known to fit.
        let (sum, total) = (
            parts.reduce(Int128(0)) { $0 + Int128($1) },
            numbers[1...7].reduce(Int128(0)) { $0 + Int128($1) } - Int128(numbers[2])
        )
        guard parts.allSatisfy({ $0 >= 0 }), numbers.dropFirst().allSatisfy({ $0 >= 0 }),
            sum <= Int128(Int64.max), total <= Int128(Int64.max),
            max(numbers[8], numbers[9]) <= Int64.max / 4
        else { throw MalformedRecord() }
        self.init(
            wallet: Wallet(
                balance: numbers[0], held: numbers[1], granted: numbers[2], refunded: numbers[3],
                spent: numbers[4], expired: numbers[5], voided: numbers[6], debt: numbers[7],
                grants: grants, holds: holds, recurrences: recurrences,
                nextGrantNumber: numbers[8], entryCount: numbers[9], shortfall: shortfall),
            seal: EntrySeal(words: words))
        guard wallet.isConserved else { throw MalformedRecord() }
    }
}

extension WalletGrant {
    fileprivate func write(to writer: inout ByteWriter) {
        writer.signed(number)
        writer.signed(remaining)
        writer.signed(held)
        writer.byte(
            (isScheduled ? 1 : 0) | (isVoided ? 2 : 0) | (recurrence == nil ? 0 : 4)
                | (rolloverMax == nil ? 0 : 8))
        if let recurrence { writer.text(recurrence) }
        grant.write(to: &writer)
        if let rolloverMax { writer.signed(rolloverMax) }
    }

    fileprivate init(_ reader: inout ByteReader) throws(MalformedRecord) {
        let number = try reader.signed()
        let remaining = try reader.signed()
        let held = try reader.signed()
        let flags = try reader.byte()
        let recurrence = flags & 4 == 0 ? nil : try reader.text()
        let grant = try CreditGrant(&reader)
        self.init(
            number: number, grant: grant, remaining: remaining, held: held,
            isScheduled: flags & 1 == 1, isVoided: flags & 2 == 2, recurrence: recurrence,
            rolloverMax: flags & 8 == 0 ? nil : try reader.signed())
    }
}
