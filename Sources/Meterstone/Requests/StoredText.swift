/// What is kept of prompts and responses.
public enum StoredText: Hashable, Sendable {
    case nothing
    /// The first so many characters.
    case first(Int)
    /// The SHA-256 of the text, by which equal texts can be told.
    case hash
    case all

    /// The first hundred characters.
    public static let standard = StoredText.first(100)

    public static let expectation = "nothing, first:N with N from 1 to 1000000, hash or all"

    /// `nil` when the text is not of the form that ``expectation`` states.
    public init?(_ text: String) {
        switch text {
        case "nothing": self = .nothing
        case "hash": self = .hash
        case "all": self = .all
        default:
            guard text.hasPrefix("first:"), let count = Int(text.dropFirst(6)),
                (1...1_000_000).contains(count), String(count) == text.dropFirst(6)
            else { return nil }
            self = .first(count)
        }
    }
}
