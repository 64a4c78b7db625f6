/// Why a key means a subject that has another.
public enum AliasKind: String, Hashable, Sendable, Codable {
    /// Somebody said so.
    case added
    /// It was the subject's own before a rename.
    case formerKey
    /// The subject's account names it, or named it last: an e-mail address, an id elsewhere.
    case identity
    /// It is none any more: the person that it meant is erased. Whoever uses the key next is somebody new.
    case erased
    /// It was, or meant, another subject, which was merged into this one.
    case merged
}
