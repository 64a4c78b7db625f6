import Foundation
import MeterstoneCore

/// What the payment side said to a message that asks for credits: `{"status":"granted"}`, perhaps with a
/// `reference`, or `{"status":"declined"}`, perhaps with a `reason`. Whatever else it says, it took the message and
/// sees to it by itself.
struct RefillAnswer: Decodable {
    private let status: String?
    private let reference: String?
    private let reason: String?

    /// What an answer says about a refill.
    static func note(_ body: [UInt8], to refill: Refill, of sequence: Int64) -> RefillNote {
        guard let answer = try? JSONDecoder().decode(Self.self, from: Data(body)) else {
            return RefillNote(.asked, of: sequence)
        }
        switch answer.status {
        case "granted":
            let reference = answer.reference.flatMap { SubjectID($0)?.text }
            return RefillNote(
                .granted, of: sequence, amount: refill.amount, reference: reference)
        case "declined":
            let reason = answer.reason.map { reason in
                String(
                    reason.unicodeScalars.prefix(RefillNote.textMax).filter(Self.isPlain).map(
                        Character.init))
            }
            return RefillNote(.declined, of: sequence, reason: reason)
        default: return RefillNote(.asked, of: sequence)
        }
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory != .control
    }
}

extension DeliveryError {
    /// - Parameter isLast: whether nobody asks again.
    static func declined(_ reason: String?, isLast: Bool) -> DeliveryError {
        let words = ["the refill was declined", reason].compactMap(\.self).joined(separator: ": ")
        return DeliveryError(isLast ? words + "; nobody asks again" : words, isFinal: isLast)
    }
}
