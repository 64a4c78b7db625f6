public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// How many subjects took each of these steps, and all before it.
    ///
    /// - Parameter isOrdered: each step no earlier than the one before; otherwise in whatever order.
    public func funnel(
        of types: [String], isOrdered: Bool, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<FunnelStep> {
        try await funnel(of: types, isOrdered ? .given : .any, question)
    }

    /// How many subjects moved each of these meters, and all before it.
    public func funnel(
        ofMeters keys: [MeterKey], isOrdered: Bool, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<FunnelStep> {
        try await funnel(ofMeters: keys, isOrdered ? .given : .any, question)
    }

    /// How many subjects took each of these steps.
    ///
    /// - Parameters:
    ///   - types: at least two types of events, each of which a meter counts or some event has had.
    ///     Failed and cancelled events are no steps, unless the question asks for a status.
    ///   - order: who is counted at a step.
    public func funnel(
        of types: [String], _ order: FunnelOrder, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<FunnelStep> {
        guard types.count >= 2 else { return .rejected(.stepsOfFunnel("types")) }
        let outcome: ReportOutcome<FunnelStep> = try await report(question) {
            (context) throws(StoreError) in
            let isSuccessOnly = context.question.filter.status == nil
            let part = ReportPart.stepsOfTypes(types, isSuccessOnly: isSuccessOnly, order)
            let steps = FunnelSteps(count: types.count, part) { shape in
                guard let type = shape.type, !isSuccessOnly || shape.status == .success else {
                    return []
                }
                return types.indices.filter { types[$0] == type }
            }
            let rows = try context.rows(of: steps, order) { place in
                (types[place], nil)
            }
            return context.page(of: rows)
        }
        guard case .report = outcome,
            let unknown = try await firstUnknown(of: types, within: question)
        else { return outcome }
        return .rejected(.unknown(type: unknown))
    }

    /// How many subjects moved each of these meters.
    public func funnel(
        ofMeters keys: [MeterKey], _ order: FunnelOrder, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<FunnelStep> {
        guard keys.count >= 2 else { return .rejected(.stepsOfFunnel("meters")) }
        return try await report(question, rejecting: { $0.reject(meters: keys) }) {
            (context) throws(StoreError) in
            let meters = context.blueprint.meters(keys)
            let steps = FunnelSteps(count: meters.count, .stepsOfMeters(meters, order)) { shape in
                let moved = meters.map { $0.movement(of: shape) != nil }
                return moved.indices.filter { moved[$0] }
            }
            let rows = try context.rows(of: steps, order) { place in
                (nil, keys[place])
            }
            return context.page(of: rows)
        }
    }

    /// The first type that no meter counts and no event ever had.
    private func firstUnknown(
        of types: [String], within question: ReportQuestion
    ) async throws(StoreError) -> String? {
        let counted = Set(
            try await blueprint().meters.flatMap { $0.eventTypes + $0.aliases.map(\.text) })
        var missing = types.filter { !counted.contains($0) }
        guard !missing.isEmpty else { return nil }
        // Nearly always the span that was asked about has them.
        let always = ReportQuestion(from: .earliest, until: .latest, timeZone: question.timeZone)
        for var question in [question, always] where !missing.isEmpty {
            question.filter = ReportFilter()
            let asked = missing
            let seen: ReportOutcome<SeenType> = try await report(question) {
                (context) throws(StoreError) in
                var seen: Set<String> = []
                try context.forEachRun(where: { shape in
                    if let type = shape.type { seen.insert(type) }
                    return false
                }) { _ in }
                return (asked.filter(seen.contains).map { SeenType(type: $0) }, nil)
            }
            guard case .report(let report) = seen else { return nil }
            missing.removeAll { type in report.rows.contains { $0.type == type } }
        }
        return missing.first
    }
}

private struct SeenType: ReportRow {
    let type: String

    static let fields: [ReportField<SeenType>] = [ReportField("type", \.type)]
}

/// The steps of a funnel, and which of them an event is.
struct FunnelSteps {
    let count: Int
    let part: ReportPart
    /// Places of the steps that events of a shape are.
    let places: (ColumnShape) -> [Int]

    init(count: Int, _ part: ReportPart, places: @escaping (ColumnShape) -> [Int]) {
        self.count = count
        self.part = part
        self.places = places
    }
}

extension ReportContext {
    fileprivate func rows(
        of steps: FunnelSteps, _ order: FunnelOrder,
        name: (Int) -> (type: String?, meter: MeterKey?)
    ) throws(StoreError) -> [FunnelStep] {
        let counts =
            switch order {
            case .given: try orderedCounts(of: steps)
            case .any: try counts(of: steps, areAllNeeded: true)
            case .independent: try counts(of: steps, areAllNeeded: false)
            }
        return counts.indices.map { place in
            let (type, meter) = name(place)
            return FunnelStep(
                type: type, meter: meter, subjects: counts[place],
                rateOfFirst: Ratio(counts[place], of: counts[0]),
                rateOfPrevious: place == 0
                    ? nil : Ratio(counts[place], of: counts[place - 1]))
        }
    }

    /// How many subjects took each step in whatever order.
    ///
    /// - Parameter areAllNeeded: and all before it.
    private func counts(
        of steps: FunnelSteps, areAllNeeded: Bool
    ) throws(StoreError) -> [Int64] {
        var known = PerShape<[Int]>()
        return try result(
            of: RememberedFold(
                part: steps.part,
                start: Array(repeating: ActiveSubjects(memory), count: steps.count)),
            where: { !steps.places($0).isEmpty }, bytes: { 8 * $0.count },
            as: { (taken) in taken.counts(areAllNeeded: areAllNeeded) }
        ) { (taken, run) in
            for place in known.value(run.shapeNumber, of: run.shape, steps.places) {
                taken[place].add(run.subjects, run.weights)
            }
        }
    }
}

extension [ActiveSubjects] {
    /// How many there are of each step, or of those that are also of all before it.
    fileprivate mutating func counts(areAllNeeded: Bool) -> [Int64] {
        for place in indices { self[place].settle() }
        guard areAllNeeded else { return map(\.count) }
        var left: [Int64] = []
        self[0].forEach { left.append($0) }
        var counts = [Int64(left.count)]
        for step in dropFirst() {
            left = left.filter { step.contains($0) }
            counts.append(Int64(left.count))
        }
        return counts
    }
}

extension Rejection {
    fileprivate static func stepsOfFunnel(_ field: String) -> Rejection {
        Rejection(
            code: .invalidField, field: field, message: "expected at least two steps")
    }

    fileprivate static func unknown(type: String) -> Rejection {
        Rejection(
            code: .unknownType, field: "types",
            message: "expected types that a meter counts or that an event has had, and "
                + "'\(type)' is none")
    }
}
