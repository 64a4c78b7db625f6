import MeterstoneAPI
import MeterstoneCore

/// A body that is an object of texts and whole numbers.
struct FlatBody {
    private var texts: [String: String] = [:]
    private var numbers: [String: Int64] = [:]
    private(set) var levels: [SubjectID] = []

    /// - Parameters:
    ///   - texts: names of texts, and how many bytes each may have.
    ///   - numbers: names of whole numbers from 0.
    ///   - hasLevels: whether it may have `levels`, an array of subjects.
    init(
        _ json: [UInt8], texts: [String: ClosedRange<Int>], numbers: Set<String> = [],
        hasLevels: Bool = false
    ) throws(Rejection) {
        try JSONReader.readBody(json) { (name, reader) throws(Rejection) in
            if let bytes = texts[name] {
                self.texts[name] = try reader.readText(name, bytes: bytes)
            } else if numbers.contains(name) {
                self.numbers[name] = try reader.readWholeNumber(name)
            } else if hasLevels, name == "levels" {
                levels = try reader.readLevels(name)
            } else {
                throw .unknown(name, among: Array(texts.keys) + Array(numbers))
            }
        }
    }

    func text(_ name: String) -> String? { texts[name] }

    func requiredText(_ name: String, _ expectation: String) throws(Rejection) -> String {
        guard let text = texts[name] else { throw .missing(name, expectation) }
        return text
    }

    func number(
        _ name: String, upTo max: Int64 = ChatBounds.numberMax
    ) throws(Rejection) -> Int64? {
        guard let number = numbers[name] else { return nil }
        guard number <= max else { throw .invalid(name, "a whole number from 0 to \(max)") }
        return number
    }

    func identifier<Identifier: TextIdentifier>(
        _ name: String, as type: Identifier.Type = Identifier.self
    ) throws(Rejection) -> Identifier? {
        guard let text = texts[name] else { return nil }
        guard let identifier = Identifier(text) else {
            throw .invalid(name, Identifier.expectation)
        }
        return identifier
    }

    func eventID(_ name: String) throws(Rejection) -> EventID? {
        guard let text = texts[name] else { return nil }
        guard let id = EventID(text) else { throw .invalid(name, EventID.expectation) }
        return id
    }
}

/// How large the parts of a chat request may be.
enum ChatBounds {
    /// Bytes of a prompt or a response; a whole body has fewer.
    static let text = 0...RequestLimits.bodyBytesMax
    /// Bytes of a name: a user, a session, a model, a category.
    static let name = 1...WireBounds.nameBytesMax
    static let error = 0...WireBounds.errorMessageBytesMax
    static let userAgent = 0...1_024
    /// Tokens, cents or milliseconds of one request.
    static let numberMax: Int64 = 1_000_000_000_000
}
