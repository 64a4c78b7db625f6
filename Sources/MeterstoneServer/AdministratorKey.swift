import MeterstoneCore
import MeterstoneStore

/// The key that guards the server.
struct AdministratorKey: Sendable {
    private let bytes: [UInt8]
    /// By which a session knows the key that somebody signed in with: with another key it ends.
    let id: APIKeyID

    init(_ text: String) {
        bytes = Array(text.utf8)
        let digest = SHA256.hash(Array("meterstone session ".utf8) + bytes).description
        id = APIKeyID(unchecked: "environment_" + digest.prefix(16))
    }

    /// Whether a header field `Authorization` carries the key.
    ///
    /// Looks at every byte of what was given, whatever it finds, so that the time taken tells
    /// nothing about the key but, at most, its length.
    func matches(_ header: String) -> Bool {
        let scheme = "bearer "
        let given = header.utf8
        guard given.count > scheme.utf8.count, header.prefix(scheme.count).lowercased() == scheme
        else { return false }
        let token = given.dropFirst(scheme.utf8.count)
        var difference = UInt8(token.count == bytes.count ? 0 : 1)
        for (index, byte) in token.enumerated() {
            difference |= byte ^ (bytes.isEmpty ? 1 : bytes[index % bytes.count])
        }
        return difference == 0
    }
}
