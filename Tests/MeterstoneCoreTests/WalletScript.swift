import MeterstoneCore
import Testing

/// Runs a text of one event per line on a wallet, and compares where it says what is expected.
///
/// - `at HOUR` goes there and applies what is due;
/// - `grant ID UNITS [priority P] [from HOUR] [until HOUR]`;
/// - `spend UNITS`, `deny UNITS`, `hold NUMBER UNITS`;
/// - `settle NUMBER UNITS paid UNITS`, and `take`, which may take more than was held;
/// - `void ID`, `refund` all that was spent, `overdraft UNITS`;
/// - `have NAME UNITS …`, where a name is a total of the wallet or the id of a grant.
struct WalletScript {
    private let ledger = WalletLedger()
    private let start = WalletLedger().now

    static func run(_ text: String) throws -> WalletLedger {
        let script = WalletScript()
        for line in text.split(separator: "\n") {
            try script.run(line: String(line))
        }
        return script.ledger
    }

    private func run(line: String) throws {
        let words = line.split(separator: " ").map(String.init)
        func number(_ index: Int) throws -> Int64 { try #require(Int64(words[index]), "\(line)") }
        switch words[0] {
        case "at": ledger.go(to: instant(atHour: try number(1)))
        case "overdraft": ledger.overdraft = try number(1)
        case "grant": #expect(ledger.grant(try grant(words)) == nil, "\(line)")
        case "spend": #expect(ledger.spend(try number(1)), "\(line)")
        case "deny": #expect(!ledger.spend(try number(1)), "\(line)")
        case "hold": #expect(ledger.hold(try number(2), number: try number(1)), "\(line)")
        case "settle", "take":
            let units = try number(2)
            let settlement = ledger.settle(try number(1), units, mayTakeMore: words[0] == "take")
            #expect(settlement.paid == (try number(4)), "\(line)")
            #expect(settlement.paid + settlement.unpaid == units, "\(line)")
        case "void": try void(words[1])
        case "refund": try ledger.refund(ledger.entries)
        default: try compare(words)
        }
    }

    private func instant(atHour hour: Int64) -> Instant {
        start.advanced(byMilliseconds: hour * 3_600_000)
    }

    private func grant(_ words: [String]) throws -> CreditGrant {
        var grant = credit(
            words[1], try #require(Int64(words[2])), from: ledger.now)
        for index in stride(from: 3, to: words.count, by: 2) {
            let number = try #require(Int64(words[index + 1]))
            switch words[index] {
            case "priority": grant.priority = Int(number)
            case "from": grant.effectiveAt = instant(atHour: number)
            default: grant.expiresAt = instant(atHour: number)
            }
        }
        return grant
    }

    private func void(_ id: String) throws {
        let grant = try #require(ledger.wallet.grants.first { $0.grant.id.text == id })
        ledger.write(
            try #require(
                ledger.wallet.voiding(
                    grant.number, author: "ann", reason: "error", at: ledger.now)))
    }

    private func compare(_ words: [String]) throws {
        try #require(words[0] == "have")
        for index in stride(from: 1, to: words.count, by: 2) {
            let (name, units) = (words[index], words[index + 1])
            #expect("\(name) \(value(name))" == "\(name) \(units)")
        }
    }

    private func value(_ name: String) -> Int64 {
        let wallet = ledger.wallet
        switch name {
        case "balance": return wallet.balance
        case "held": return wallet.held
        case "granted": return wallet.granted
        case "refunded": return wallet.refunded
        case "spent": return wallet.spent
        case "expired": return wallet.expired
        case "voided": return wallet.voided
        case "debt": return wallet.debt
        case "shortfall": return wallet.shortfall
        case "open": return Int64(wallet.grants.count)
        default: return ledger.remaining(of: name)
        }
    }
}
