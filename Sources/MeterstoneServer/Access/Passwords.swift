import Crypto
import CryptoExtras
import Dispatch
import HTTPTypes
import MeterstoneCore
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Slow hashes of passwords (scrypt, RFC 7914), one at a time and on a thread of its own: an event loop that
/// computed one would answer nobody meanwhile.
///
/// The cost is one of those that OWASP's Password Storage Cheat Sheet names: 32 MiB, three times over.
package final class Passwords: Sendable {
    package struct Cost: Hashable, Sendable {
        /// Binary logarithm of the memory in blocks.
        package var rounds: Int
        package var blockSize: Int
        package var parallelism: Int

        package init(rounds: Int, blockSize: Int, parallelism: Int) {
            self.rounds = rounds
            self.blockSize = blockSize
            self.parallelism = parallelism
        }

        package static let standard = Cost(rounds: 15, blockSize: 8, parallelism: 3)

        /// What a stored hash may ask of us: nobody's text makes the server take all memory.
        fileprivate var isBearable: Bool {
            (1...17).contains(rounds) && (1...32).contains(blockSize)
                && (1...16).contains(parallelism)
        }
    }

    /// So many wait at once; one more is told to try again.
    static let waitingMax = 16
    static let charactersMin = 12
    static let bytesMax = 256

    private let cost: Cost
    private let queue = DispatchQueue(label: "meterstone.passwords")
    private let waiting = Mutex(0)

    package init(cost: Cost = .standard) {
        self.cost = cost
    }

    /// What is wrong with a password that somebody chose, if something is.
    static func mistake(in password: String) -> Rejection? {
        guard password.count >= charactersMin, password.utf8.count <= bytesMax else {
            return .invalidAccess(
                "password", "at least \(charactersMin) characters, and at most \(bytesMax) bytes")
        }
        guard Set(password).count >= 4 else {
            return .invalidAccess("password", "at least four different characters")
        }
        return nil
    }

    /// `$scrypt$ln=15,r=8,p=3$SALT$HASH`, with a salt of its own.
    func hash(_ password: String) async throws -> String {
        var random = SystemRandomNumberGenerator()
        let salt = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let cost = cost
        let key = try await work { try Self.derive(password, salt, cost) }
        let parameters = "ln=\(cost.rounds),r=\(cost.blockSize),p=\(cost.parallelism)"
        return "$scrypt$\(parameters)$\(salt.hexadecimal)$\(key.hexadecimal)"
    }

    /// Whether a password is the one that a hash was made of. Without a hash it is not, and that takes as
    /// long, so that nobody learns who is an administrator.
    func matches(_ password: String, _ hash: String?) async throws -> Bool {
        let parts = hash.flatMap { StoredHash($0) }
        let (salt, cost) = (parts?.salt ?? Array(repeating: 0, count: 16), parts?.cost ?? cost)
        let key = try await work { try Self.derive(password, salt, cost) }
        guard let parts, parts.key.count == key.count else { return false }
        return zip(parts.key, key).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func derive(
        _ password: String, _ salt: [UInt8], _ cost: Cost
    ) throws -> [UInt8] {
        let key = try KDF.Scrypt.deriveKey(
            from: Array(password.utf8), salt: salt, outputByteCount: 32,
            rounds: 1 << cost.rounds, blockSize: cost.blockSize, parallelism: cost.parallelism)
        return unsafe key.withUnsafeBytes { unsafe Array($0) }
    }

    private func work(_ body: @escaping @Sendable () throws -> [UInt8]) async throws -> [UInt8] {
        let mayWait = waiting.withLock { waiting in
            guard waiting < Self.waitingMax else { return false }
            waiting += 1
            return true
        }
        guard mayWait else { throw Problem.manySignIns }
        defer { waiting.withLock { $0 -= 1 } }
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }

    private struct StoredHash {
        let cost: Cost
        let salt: [UInt8]
        let key: [UInt8]

        init?(_ text: String) {
            let parts = text.split(separator: "$", omittingEmptySubsequences: false)
            guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt",
                let salt = Array(hexadecimal: parts[3]), let key = Array(hexadecimal: parts[4])
            else { return nil }
            var numbers: [Substring: Int] = [:]
            for part in parts[2].split(separator: ",") {
                let pair = part.split(separator: "=")
                guard pair.count == 2, let number = Int(pair[1]) else { return nil }
                numbers[pair[0]] = number
            }
            guard let rounds = numbers["ln"], let size = numbers["r"], let lanes = numbers["p"]
            else { return nil }
            cost = Cost(rounds: rounds, blockSize: size, parallelism: lanes)
            guard cost.isBearable, key.count == 32 else { return nil }
            self.salt = salt
            self.key = key
        }
    }
}

extension Problem {
    /// More sign-ins are under way than are worked on at once.
    static let manySignIns = Problem(
        status: .serviceUnavailable, code: "sign_in_busy",
        detail: "many sign in at this moment; try again", headers: [.retryAfter: "2"])
}
