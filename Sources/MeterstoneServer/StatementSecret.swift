import Crypto

/// What statements are signed with: HMAC with SHA-256 of the exact bytes, in hexadecimal digits.
///
/// Anybody who has the secret can check one: `openssl dgst -sha256 -hmac "$SECRET" FILE`.
public struct StatementSecret: Sendable {
    private let key: SymmetricKey

    /// Characters that a secret has at least.
    package static let charactersMin = 32

    /// `nil`: it is too short to keep anything.
    public init?(_ text: String) {
        guard text.count >= Self.charactersMin else { return nil }
        key = SymmetricKey(data: Array(text.utf8))
    }

    private static let scheme = "sha256="

    /// `sha256=` and 64 digits.
    package func signature(of bytes: [UInt8]) -> String {
        let code = HMAC<Crypto.SHA256>.authenticationCode(for: bytes, using: key)
        return Self.scheme + Array(code).hexadecimal
    }

    /// Whether a signature is of these bytes; in a time that does not tell how much of it is right.
    package func isValid(_ signature: String, of bytes: [UInt8]) -> Bool {
        guard signature.hasPrefix(Self.scheme),
            let code = [UInt8](hexadecimal: signature.dropFirst(Self.scheme.count))
        else { return false }
        return HMAC<Crypto.SHA256>.isValidAuthenticationCode(
            code, authenticating: bytes, using: key)
    }
}
