import HTTPTypes

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The JSON of a value that is not on a hot route, with its members in a fixed order.
func encoded(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(value))
}

extension HTTPFields {
    /// Says that this is the first answer again.
    static let replayed: HTTPFields = [.idempotencyReplayed: "true"]
}
