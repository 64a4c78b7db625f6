/// What limits allowed at any time: the past of the catalog, as far as answers about the past depend on it.
///
/// Allowances that change do so from the instant of the change on. A limit that counts something else from
/// then on, or was deleted and written again, has no past.
package struct LimitSchedule: Sendable {
    private var current: [LimitKey: Limit] = [:]
    private var earlier: [LimitKey: [EarlierAllowances]] = [:]
    private var carriesSince: [LimitKey: Instant] = [:]

    /// Of each limit; of what is older, the oldest that is kept is said.
    package static let countMax = 256

    package init() {}

    /// A blueprint of which no past is known.
    package init(of blueprint: Blueprint) {
        for limit in blueprint.limits { current[limit.key] = limit }
    }

    /// Takes the next change in; changes that have nothing to do with it are passed over.
    package mutating func apply(_ change: Change, at instant: Instant) {
        switch change {
        case .putLimit(let limit):
            put(limit, at: instant)
        case .deleteLimit(let key):
            current[key] = nil
            earlier[key] = nil
            carriesSince[key] = nil
        default: break
        }
    }

    private mutating func put(_ limit: Limit, at instant: Instant) {
        let key = limit.key
        let known = current.updateValue(limit, forKey: key)
        noteCarrying(limit, in: known, at: instant)
        guard let known, known.meter == limit.meter, known.window == limit.window,
            known.perValue?.counting == limit.perValue?.counting
        else {
            earlier[key] = nil
            return
        }
        // What was scheduled and came meanwhile was so, too.
        for version in known.versions.earlier where version.until <= instant {
            note(version.limit, of: key, until: version.until)
        }
        let last = known.settled(at: instant)
        guard
            last.allowances != limit.allowances || last.subjects != limit.subjects
                || last.defaultAllowance != limit.defaultAllowance
                || last.perValue != limit.perValue
        else { return }
        note(last, of: key, until: instant)
    }

    private mutating func note(_ limit: Limit, of key: LimitKey, until instant: Instant) {
        // Clocks may go back, and versions do not.
        let until = max(instant, earlier[key]?.last?.until ?? instant)
        earlier[key, default: []].append(EarlierAllowances(until: until, limit: limit))
        if earlier[key, default: []].count > Self.countMax { earlier[key]?.removeFirst() }
    }

    /// What counts otherwise than before carries nothing over from what it counted then.
    private mutating func noteCarrying(_ limit: Limit, in known: Limit?, at instant: Instant) {
        guard limit.carries else {
            carriesSince[limit.key] = nil
            return
        }
        let isTheSame =
            known.map {
                $0.carries && $0.meter == limit.meter && $0.window == limit.window
                    && $0.dimensions == limit.dimensions
            } ?? false
        if !isTheSame { carriesSince[limit.key] = instant }
    }

    /// When a limit began to carry over; `nil`: it does not, or nobody knows.
    package func carriesSince(_ key: LimitKey) -> Instant? { carriesSince[key] }

    package func earlier(of key: LimitKey) -> [EarlierAllowances] { earlier[key] ?? [] }

    /// Whether it says of the present what a blueprint says.
    package func agrees(with blueprint: Blueprint) -> Bool {
        current == Dictionary(blueprint.limits.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
    }
}

/// What a limit allowed until an instant.
package struct EarlierAllowances: Sendable {
    package var until: Instant
    /// As it was then.
    package let limit: Limit
    /// As of ``LimitDefinition/patterns``.
    let patterns: [ValuePattern]

    package init(until: Instant, limit: Limit) {
        self.until = until
        self.limit = limit
        patterns = limit.perValue.map { ValuePattern.sorted($0.allowances) } ?? []
    }
}
