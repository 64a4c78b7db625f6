import MeterstoneCore
import MeterstoneStore

extension StoredText {
    /// What is kept of a text.
    package func kept(of text: String?) -> String? {
        guard let text else { return nil }
        switch self {
        case .nothing: return nil
        case .first(let count): return String(text.prefix(count))
        case .hash: return SHA256.hash(Array(text.utf8)).description
        case .all: return text
        }
    }
}
