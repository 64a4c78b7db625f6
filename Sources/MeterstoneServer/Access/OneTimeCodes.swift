import Crypto
import MeterstoneCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Codes of six digits that an app on somebody's telephone shows for half a minute (TOTP, RFC 6238).
enum OneTimeCodes {
    static let stepMilliseconds: Int64 = 30_000
    /// A telephone's clock may be wrong by so many steps.
    static let driftSteps: Int64 = 1

    static func step(at instant: Instant) -> Int64 {
        instant.millisecondsSince1970 / stepMilliseconds
    }

    /// The step whose code this is; `nil`: of none that counts now.
    static func step(of code: String, _ secret: String, at now: Instant) -> Int64? {
        guard let key = decoded(secret) else { return nil }
        let current = step(at: now)
        // Each is looked at, whatever was found, so that time tells nothing.
        var found: Int64?
        for step in (current - driftSteps)...(current + driftSteps)
        where Self.code(key, step: step).isSame(as: code) { found = step }
        return found
    }

    static func code(_ key: [UInt8], step: Int64) -> String {
        let counter = (0..<8).map { UInt8(truncatingIfNeeded: step >> (56 - 8 * $0)) }
        let mac = Array(
            HMAC<Insecure.SHA1>.authenticationCode(
                for: counter, using: SymmetricKey(data: key)))
        let offset = Int(mac[mac.count - 1] & 0x0F)
        let number = mac[offset..<(offset + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let digits = String((number & 0x7FFF_FFFF) % 1_000_000)
        return String(repeating: "0", count: 6 - digits.count) + digits
    }

    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")

    /// 160 bits of chance, in Base32 (RFC 4648), as such apps take them.
    static func secret(using random: inout some RandomNumberGenerator) -> String {
        String((0..<32).map { _ in letters[Int.random(in: letters.indices, using: &random)] })
    }

    static func decoded(_ secret: String) -> [UInt8]? {
        var (bits, count) = (UInt32(0), 0)
        var bytes: [UInt8] = []
        for letter in secret {
            guard let value = letters.firstIndex(of: letter) else { return nil }
            bits = (bits << 5 | UInt32(value)) & 0xFFFF
            count += 5
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        return bytes.isEmpty ? nil : bytes
    }
}

extension String {
    /// Compares every byte, whatever is found.
    func isSame(as other: String) -> Bool {
        let (own, given) = (Array(utf8), Array(other.utf8))
        guard own.count == given.count else { return false }
        return zip(own, given).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
