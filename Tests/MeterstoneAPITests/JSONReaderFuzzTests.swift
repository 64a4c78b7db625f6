import Foundation
import MeterstoneAPI
import MeterstoneCore
import Testing

/// Our reader beside Foundation's: what one accepts, the other accepts, but for what is listed in
/// ``isStricter(than:)``.
@Suite struct JSONReaderFuzzTests {
    @Test(arguments: SeededGenerator.seeds)
    func `random valid texts are accepted as Foundation accepts them`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<2_000 {
            let text = randomValue(depth: 5, using: &generator)
            #expect(isAccepted(Array(text.utf8)), "seed \(seed), round \(round): \(text)")
            #expect(
                isAcceptedByFoundation(Array(text.utf8)), "seed \(seed), round \(round): \(text)")
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `mutated texts are accepted exactly when Foundation accepts them`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<20_000 {
            var bytes = Array(randomValue(depth: 3, using: &generator).utf8)
            for _ in 0...Int.random(in: 0...2, using: &generator) {
                mutate(&bytes, using: &generator)
            }
            let ours = isAccepted(bytes)
            let theirs = isAcceptedByFoundation(bytes)
            let isExplained = theirs ? isStricter(than: bytes) : hasHugeExponent(bytes)
            if ours != theirs, !isExplained {
                Issue.record(
                    "seed \(seed), round \(round): ours \(ours), Foundation \(theirs): \(bytes)")
            }
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `what the writer writes Foundation reads back`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            let name = randomText(using: &generator)
            let value = randomText(using: &generator)
            let number = Int64.random(in: .min ... .max, using: &generator)
            var writer = JSONWriter()
            writer.beginObject()
            writer.name("text")
            writer.string(value)
            writer.name("members")
            writer.beginObject()
            writer.name(text: name)
            writer.boolean(true)
            writer.endObject()
            writer.name("numbers")
            writer.beginArray()
            for shift in stride(from: 0, to: 63, by: 7) { writer.integer(number >> shift) }
            writer.endArray()
            writer.endObject()
            let object = try JSONDecoder().decode(Written.self, from: Data(writer.bytes))
            #expect(object.text == value, "seed \(seed)")
            #expect(object.numbers == stride(from: 0, to: 63, by: 7).map { number >> $0 })
            #expect(object.members[name] == true, "seed \(seed)")
            var reader = JSONReader(writer.bytes)
            try reader.validate()
        }
    }

    private struct Written: Decodable {
        let text: String
        let members: [String: Bool]
        let numbers: [Int64]
    }

    private func isAccepted(_ bytes: [UInt8]) -> Bool {
        var reader = JSONReader(bytes)
        return (try? reader.validate()) != nil
    }

    private func isAcceptedByFoundation(_ bytes: [UInt8]) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
    }

    /// Foundation refuses numbers beyond its floating point, such as `1e999`, which RFC 8259
    /// allows.
    private func hasHugeExponent(_ bytes: [UInt8]) -> Bool {
        String(decoding: bytes, as: UTF8.self).contains(/[eE]\+?\d{3}/)
    }

    /// Where we refuse on purpose what Foundation reads: UTF-16 and UTF-32, which it detects by
    /// zero bytes; a byte order mark; a lone surrogate; bytes that are not UTF-8 in a string; a
    /// comma after the last element, which RFC 8259 does not allow either.
    private func isStricter(than bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        return bytes.contains(0) || bytes.starts(with: [0xEF, 0xBB, 0xBF])
            || bytes.starts(with: [0xFE, 0xFF])
            || bytes.starts(with: [0xFF, 0xFE])
            || String(validating: bytes, as: UTF8.self) == nil
            || text.lowercased().contains("\\ud") || text.contains(/,[ \t\r\n]*[\]}]/)
    }
}

// MARK: - Random texts

private func randomValue(depth: Int, using generator: inout SeededGenerator) -> String {
    switch Int.random(in: 0...(depth > 0 ? 7 : 5), using: &generator) {
    case 0: return ["true", "false", "null"].randomElement(using: &generator) ?? "null"
    case 1, 2: return randomNumber(using: &generator)
    case 3, 4, 5: return randomString(using: &generator)
    case 6:
        let items = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
            randomSpace(using: &generator) + randomValue(depth: depth - 1, using: &generator)
        }
        return "[" + items.joined(separator: ",") + randomSpace(using: &generator) + "]"
    default:
        let items = (0..<Int.random(in: 0...4, using: &generator)).map { index in
            "\"\(index)\"" + randomSpace(using: &generator) + ":"
                + randomValue(depth: depth - 1, using: &generator)
        }
        return "{" + items.joined(separator: " ,") + "}"
    }
}

private func randomSpace(using generator: inout SeededGenerator) -> String {
    ["", "", " ", "\n", "\t\r"].randomElement(using: &generator) ?? ""
}

private func randomNumber(using generator: inout SeededGenerator) -> String {
    let whole = String(Int64.random(in: -1_000_000...1_000_000, using: &generator))
    switch Int.random(in: 0...5, using: &generator) {
    case 0: return whole + ".25"
    case 1: return whole + "e2"
    case 2: return whole + ".5E-3"
    default: return whole
    }
}

private func randomString(using generator: inout SeededGenerator) -> String {
    let pieces = [
        "a", "Z", " ", "é", "😀", "\u{7F}", "\\n", "\\\"", "\\\\", "\\/", "\\u0041",
        "\\uD83D\\uDE00",
        "\\u00e9", "0", "{", "]", ",", ":",
    ]
    let text = (0..<Int.random(in: 0...8, using: &generator)).map { _ in
        pieces.randomElement(using: &generator) ?? ""
    }
    return "\"" + text.joined() + "\""
}

private func randomText(using generator: inout SeededGenerator) -> String {
    let pieces = ["a", "\"", "\\", "\n", "\u{0}", "\u{1F}", "é", "😀", "/", "\u{7F}", "\u{2028}"]
    return (0..<Int.random(in: 0...12, using: &generator)).map { _ in
        pieces.randomElement(using: &generator) ?? ""
    }.joined()
}

/// Changes, removes, cuts or inserts at a random place.
func mutate(_ bytes: inout [UInt8], using generator: inout SeededGenerator) {
    let interesting: [UInt8] = Array("{}[]\",:\\0123456789.eE+-tfnu /".utf8) + [0, 9, 10, 31, 127]
    let index = Int.random(in: 0...bytes.count, using: &generator)
    let byte =
        Bool.random(using: &generator)
        ? interesting.randomElement(using: &generator) ?? 0
        : UInt8.random(in: 0...255, using: &generator)
    switch Int.random(in: 0...3, using: &generator) {
    case 0 where index < bytes.count: bytes[index] = byte
    case 1 where index < bytes.count: bytes.remove(at: index)
    case 2: bytes.removeSubrange(index...)
    default: bytes.insert(byte, at: index)
    }
}
