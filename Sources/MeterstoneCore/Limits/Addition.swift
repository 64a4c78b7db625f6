/// What changes the allowance of a limit for a time: a boost of a subject, an add-on that it bought, or
/// what a plan gives beside its allowances.
///
/// "100 + 50 until Sunday" is the plan's allowance of 100 and an addition of 50.
public struct Addition: Hashable, Sendable, Codable {
    /// The caller's key; one of a subject or a plan is in force under it at a time.
    public var id: AdditionID
    public var content: Content
    /// When it begins; `nil`: when it is written, and of a plan always.
    public var from: Instant?
    /// At this instant it no longer counts; `nil`: it has no end.
    public var until: Instant?
    /// Who wrote it; `nil` of a plan, whose changes are in the audit log.
    public var author: String?
    public var reason: String?

    public enum Content: Hashable, Sendable {
        case limit(LimitKey, AllowanceChange)
        /// So many of what limits list under this key.
        case addOn(AddOnKey, quantity: Int64)
    }

    public init(
        id: AdditionID, _ content: Content, from: Instant? = nil, until: Instant? = nil,
        author: String? = nil, reason: String? = nil
    ) {
        self.id = id
        self.content = content
        self.from = from
        self.until = until
        self.author = author
        self.reason = reason
    }

    /// Of one subject or plan, those that are over included.
    package static let countMax = 128
    /// What `add` may say.
    public static let unitsRange: ClosedRange<Int64> =
        -1_000_000_000_000_000...1_000_000_000_000_000
    public static let quantityRange: ClosedRange<Int64> = 1...1_000_000

    /// Whether it counts at an instant.
    public func holds(at instant: Instant) -> Bool {
        (from.map { $0 <= instant } ?? true) && !hasEnded(at: instant)
    }

    public func hasEnded(at instant: Instant) -> Bool {
        until.map { $0 <= instant } ?? false
    }

    /// What it does to a limit; `nil`: nothing.
    package func change(of limit: Limit) -> AllowanceChange? {
        switch content {
        case .limit(let key, let change): key == limit.key ? change : nil
        case .addOn(let key, let quantity):
            limit.addOns[key].map { .add($0.units.multipliedSaturated(by: quantity)) }
        }
    }
}

/// What an addition does to an allowance.
public enum AllowanceChange: Hashable, Sendable {
    /// It is so much instead.
    case set(Allowance)
    /// It is so much more, or less where the number is negative; never less than nothing.
    case add(Int64)
    /// It is no less than this.
    case atLeast(Allowance)
}

// MARK: - A list in time

extension [Addition] {
    /// What stands under an id, or will: the last that was written, unless it is over.
    public func standing(_ id: AdditionID, at now: Instant) -> Addition? {
        last { $0.id == id && !$0.hasEnded(at: now) }
    }

    /// Those that are in force or will be, in the order in which they were written.
    public func notEnded(at now: Instant) -> [Addition] {
        filter { !$0.hasEnded(at: now) }
    }

    /// Writes an addition. What stood under its id holds until it begins, so that what was allowed before
    /// stays as it was. Without a beginning it begins now, and goes on where it says nothing new.
    package mutating func put(
        _ addition: Addition, by author: String, at now: Instant
    )
        -> ChangeOutcome
    {
        let known = standing(addition.id, at: now)
        var new = addition
        new.author = author
        if let known, addition.from == nil || addition.from == known.from {
            var same = new
            (same.from, same.author) = (known.from, known.author)
            if same == known { return .unchanged }
        }
        let from = addition.from ?? now
        new.from = from
        end(addition.id, at: from)
        append(new)
        while count > Addition.countMax, let oldest = firstIndex(where: { $0.hasEnded(at: now) }) {
            remove(at: oldest)
        }
        return known == nil ? .created : .replaced
    }

    /// Ends what stands under an id.
    package mutating func end(_ id: AdditionID, by now: Instant) -> ChangeOutcome {
        guard standing(id, at: now) != nil else { return .missing }
        end(id, at: now)
        return .deleted
    }

    /// Ends everything.
    package func ended(at now: Instant) -> [Addition] {
        var result = self
        for id in Set(map(\.id)) { result.end(id, at: now) }
        return result
    }

    /// What has begun ends at an instant, and what has not begun is gone.
    private mutating func end(_ id: AdditionID, at instant: Instant) {
        removeAll { $0.id == id && ($0.from.map { instant <= $0 } ?? false) }
        for index in indices where self[index].id == id && !self[index].hasEnded(at: instant) {
            self[index].until = instant
        }
    }

    /// The part of a span around an instant in which none of them begins or ends.
    package func narrowing(_ span: WindowSpan, around instant: Instant) -> WindowSpan {
        var (from, until) = (span.from, span.until)
        for addition in self {
            for edge in [addition.from, addition.until].compactMap(\.self) {
                if edge <= instant {
                    from = Swift.max(from, edge)
                } else {
                    until = Swift.min(until, edge)
                }
            }
        }
        return WindowSpan(from: from, until: until)
    }

    /// What is wrong with the additions of a plan.
    package var mistake: (field: String, expectation: String)? {
        if count > Addition.countMax { return ("", "at most \(Addition.countMax) additions") }
        for (index, addition) in enumerated()
        where self[..<index].contains(where: { $0.id == addition.id }) {
            return ("[\(index)].id", "an id that no other addition has")
        }
        return nil
    }
}

// MARK: - Stacking

/// What a limit allows, made of what is there without additions, and of those.
package struct AllowanceStack {
    private let limit: Limit
    private let instant: Instant
    /// Without additions.
    let base: Allowance
    private(set) var allowance: Allowance
    private var parts: [AllowancePart] = []

    package init(_ base: Allowance, of limit: Limit, at instant: Instant) {
        self.base = base
        allowance = base
        self.limit = limit
        self.instant = instant
    }

    /// Puts additions on top: the `set` that began last, then what is added, then what it is at least.
    ///
    /// - Parameter plan: that they are of; `nil`: they are the subject's own. A `set` of its own takes the
    ///   place of all that the plan gives.
    package mutating func add(_ additions: [Addition], of plan: PlanKey?) {
        let own = additions.compactMap { addition in
            addition.holds(at: instant)
                ? addition.change(of: limit).map { (addition: addition, change: $0) } : nil
        }
        var latest: (allowance: Allowance, addition: Addition)?
        for (addition, change) in own {
            guard case .set(let set) = change else { continue }
            if let latest, latest.addition.beginning > addition.beginning { continue }
            latest = (set, addition)
        }
        if let latest {
            allowance = latest.allowance
            parts = [AllowancePart(latest.addition, .set(latest.allowance), of: plan)]
        }
        for (addition, change) in own {
            guard case .add(let units) = change else { continue }
            if case .units(let known) = allowance {
                allowance = .units(Quantity(max(0, known.units.addingSaturated(units))))
            }
            parts.append(AllowancePart(addition, change, of: plan))
        }
        for (addition, change) in own {
            guard case .atLeast(let least) = change, least.isMore(than: allowance) else { continue }
            allowance = least
            parts.append(AllowancePart(addition, change, of: plan))
        }
    }

    package var result: Allowed {
        Allowed(
            allowance: allowance,
            parts: parts.isEmpty ? nil : AllowanceParts(base: base, additions: parts))
    }
}

extension Addition {
    fileprivate var beginning: Instant { from ?? .earliest }
}

extension Allowance {
    fileprivate func isMore(than other: Allowance) -> Bool {
        switch (self, other) {
        case (_, .unlimited): false
        case (.unlimited, .units): true
        case (.units(let own), .units(let others)): own > others
        }
    }
}

/// What a limit allows at an instant.
package struct Allowed: Sendable {
    package var allowance: Allowance
    /// `nil`: no addition counts.
    package var parts: AllowanceParts?
    /// `nil`: the subject's limit was never reset.
    package var resets: ResetHistory?
    /// Whether the limit is for the subject at all.
    package let isForSubject: Bool

    package init(allowance: Allowance, parts: AllowanceParts? = nil, isForSubject: Bool = true) {
        self.allowance = allowance
        self.parts = parts
        self.isForSubject = isForSubject
    }
}

/// What an allowance is made of. A class, so that a status of a limit without additions costs nothing more.
package final class AllowanceParts: Sendable {
    package let base: Allowance
    package let additions: [AllowancePart]
    /// What earlier windows left, or less than 0 what they owe.
    package let carried: Int64

    package init(base: Allowance, additions: [AllowancePart], carried: Int64 = 0) {
        self.base = base
        self.additions = additions
        self.carried = carried
    }
}

/// An addition that counts in what a limit allows.
public struct AllowancePart: Hashable, Sendable {
    public let id: AdditionID
    public let change: AllowanceChange
    /// When it ends; `nil`: it has no end.
    public let until: Instant?
    /// The plan that it comes with; `nil`: it is the subject's own.
    public let plan: PlanKey?

    package init(id: AdditionID, change: AllowanceChange, until: Instant?, plan: PlanKey?) {
        self.id = id
        self.change = change
        self.until = until
        self.plan = plan
    }

    fileprivate init(_ addition: Addition, _ change: AllowanceChange, of plan: PlanKey?) {
        self.init(id: addition.id, change: change, until: addition.until, plan: plan)
    }
}
