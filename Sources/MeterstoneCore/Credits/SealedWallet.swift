/// A wallet, and the seal of the ledger entry that it came from last.
public struct SealedWallet: Hashable, Sendable {
    public var wallet: Wallet
    /// Of the last entry; ``EntrySeal/none`` before the first.
    public var seal: EntrySeal

    package init(wallet: Wallet = .empty, seal: EntrySeal = .none) {
        self.wallet = wallet
        self.seal = seal
    }
}

/// The SHA-256 of a ledger entry together with the seal of the one before it for the same subject, so
/// that no entry can be changed, left out or put in between unnoticed.
public struct EntrySeal: Hashable, Sendable {
    package var words: SIMD4<UInt64>

    package init(words: SIMD4<UInt64>) {
        self.words = words
    }

    /// Before the first entry.
    public static let none = EntrySeal(words: .zero)
}

extension EntrySeal: CustomStringConvertible {
    /// Reads ``description``.
    package init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 64 else { return nil }
        words = .zero
        for index in words.indices {
            let part = String(decoding: digits[16 * index..<16 * (index + 1)], as: UTF8.self)
            guard let word = UInt64(part, radix: 16) else { return nil }
            words[index] = word
        }
    }

    /// 64 hexadecimal digits.
    public var description: String {
        words.indices.map { index in
            let digits = String(words[index], radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

extension CounterState {
    /// A subject's credits.
    package var wallet: SealedWallet {
        guard case .wallet(let wallet) = memory else { return SealedWallet() }
        return wallet
    }

    package init(_ sealed: SealedWallet) {
        self.init(value: sealed.wallet.balance, memory: .wallet(sealed))
    }
}
