package import MeterstoneCore

/// The rules of time zones that a store's counters were cut with, by name.
///
/// Rules come from the system and change with its updates. Counters are absolute, so that who decides
/// with other rules than they were cut with would start days anew.
package struct ZoneNotes: Sendable {
    /// What is stored: digests of rules, ``missing`` where counters were cut without any.
    package private(set) var stored: [String: String]
    /// Those that wait to be stored.
    package private(set) var new: [String: String] = [:]
    private var isCertain: [String: Bool] = [:]

    /// The digest of a zone that the system did not know.
    package static let missing = "missing"

    package init(_ stored: [String: String] = [:]) {
        self.stored = stored
    }

    /// Notes that something is cut with these rules; `false` where the store's counters were cut with
    /// others.
    @discardableResult
    package mutating func note(_ name: String, _ rules: ZoneRules?) -> Bool {
        if let known = isCertain[name] { return known }
        let isSame: Bool
        if let rules {
            let digest = rules.digestText
            isSame = stored[name].map { $0 == digest } ?? true
            if stored[name] == nil { new[name] = digest }
        } else {
            isSame = false
        }
        isCertain[name] = isSame
        return isSame
    }

    /// Notes that what was new is stored.
    package mutating func didStore(_ names: some Sequence<String>) {
        for name in names {
            stored[name] = new.removeValue(forKey: name) ?? stored[name]
        }
    }

    /// What everything that is noted is cut with by these rules.
    package func digests(_ rules: (String) -> ZoneRules?) -> [String: String] {
        var result: [String: String] = [:]
        for name in Set(stored.keys).union(new.keys) {
            result[name] = rules(name)?.digestText ?? Self.missing
        }
        return result
    }

    /// Names of zones whose rules are not those that are stored.
    package func changed(_ rules: (String) -> ZoneRules?) -> [String] {
        let now = digests(rules)
        return stored.filter { now[$0.key] != $0.value }.map(\.key).sorted()
    }
}

extension ZoneRules {
    fileprivate var digestText: String { String(digest, radix: 16) }
}

extension StoreError {
    static func otherRules(of zone: String) -> StoreError {
        StoreError(
            code: .timeZoneRules,
            message:
                "the counters of the subject follow other rules of the time zone '\(zone)' than "
                + "this machine has; give it the same (Debian: tzdata), or count anew with "
                + "`meterstone rebuild`")
    }
}

extension Rejection {
    /// What a command about one subject is answered, while others are carried out.
    init(_ error: StoreError) {
        self.init(code: .timeZoneRules, field: "subject", message: error.message)
    }
}
