import Crypto
package import MeterstoneCore

/// The secure hash algorithm SHA-256 of FIPS 180-4, for the seals of ledger entries.
package enum SHA256 {
    package static func hash(_ message: [UInt8]) -> EntrySeal {
        var hasher = Crypto.SHA256()
        unsafe message.withUnsafeBytes { unsafe hasher.update(bufferPointer: $0) }
        var words = SIMD4<UInt64>()
        for (place, byte) in hasher.finalize().enumerated() {
            words[place / 8] = words[place / 8] << 8 | UInt64(byte)
        }
        return EntrySeal(words: words)
    }
}
