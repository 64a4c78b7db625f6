/// What becomes of a person who is erased: a subject with a key that means nothing, under which the numbers stay.
public struct Erasure: Hashable, Sendable, Codable {
    /// The key that the numbers stand under from then on.
    public var key: SubjectID
    /// The keys that meant the person, and what else the person was called. Kept until the store is compacted,
    /// which looks for them and forgets them.
    package var formerKeys: [SubjectID]
    package var names: [String]
    /// Those of the former keys that meant somebody else before a merge; `nil`: none did.
    package var mergedKeys: Set<SubjectID>?

    package init(key: SubjectID, formerKeys: [SubjectID] = [], names: [String] = []) {
        self.key = key
        self.formerKeys = formerKeys
        self.names = names
    }

    /// The key that the numbers stand under of one who was merged into the person, the first with 1.
    package func key(ofMerged place: Int) -> SubjectID {
        SubjectID(unchecked: "\(key.text)-\(place)")
    }

    /// What keys of erased persons begin with.
    package static let keyPrefix = "erased-"

    /// An erasure under a key of chance.
    public init() {
        var random = SystemRandomNumberGenerator()
        let digits = (0..<32).map { _ in
            String(UInt8.random(in: 0..<16, using: &random), radix: 16)
        }
        self.init(key: SubjectID(unchecked: Self.keyPrefix + digits.joined()))
    }
}

extension Subject {
    /// What is left of a person who is erased: what decides about numbers, and nothing that was said of the
    /// person.
    package func erased(as key: SubjectID, at instant: Instant) -> Subject {
        var subject = Subject(
            id: key, timeZone: timeZone, parent: parent, plan: plan, overrides: overrides,
            subscription: subscription?.withoutTexts,
            resets: resets.mapValues { $0.map(\.withoutTexts) }, billing: billing,
            formerZones: formerZones)
        subject.erasedAt = instant
        return subject
    }

    /// What names the person, beside the keys.
    package var names: [String] {
        let told = [name, account?.email?.text, account?.image].compactMap(\.self)
        return told + (account?.externalIDs.values.sorted() ?? [])
    }
}

/// That somebody who is erased had something that a person gets once. What it was, and who had it, says the
/// idempotency key, which is a keyed hash.
public struct GivenOnce: Hashable, Sendable, Codable {
    /// What hashes are keyed with, as hexadecimal digits; `nil`: this is a hash itself.
    package var secret: String?

    package init(secret: String? = nil) {
        self.secret = secret
    }

    package static let kind = "givenOnce"
}

extension Subscription {
    package var withoutTexts: Subscription {
        var result = self
        result.externalIDs = [:]
        result.metadata = [:]
        return result
    }
}

extension LimitReset {
    fileprivate var withoutTexts: LimitReset {
        var result = self
        result.author = ""
        result.reason = ""
        return result
    }
}
