package import MeterstoneCore

/// Events by shape and column, as they come.
///
/// What a correction takes back stands there as an event with the weight −1: whoever adds up gets what
/// counts, and nothing is ever looked for.
package struct ColumnEntries: Sendable {
    package private(set) var groups: [ColumnGroup] = []
    package private(set) var count = 0
    /// The group of each entry, in the order in which they came.
    private var order: [Int32] = []
    private var numbers: [ColumnShape: Int] = [:]
    /// Shapes of events that tell nothing but one quantity, which most do.
    private var plain: [PlainShape: Int] = [:]
    private var last: (shape: PlainShape, number: Int)?

    private struct PlainShape: Hashable {
        var name: MeterKey
        var planNumber: Int
    }

    package init() {}

    package mutating func append(
        _ record: UsageRecord, of subject: Int64, weight: Int64, _ registry: Registry
    ) {
        let number = number(of: record, registry)
        count += 1
        order.append(Int32(truncatingIfNeeded: number))
        groups[number].append(
            subject: subject, at: record.occurredAt.millisecondsSince1970, weight: weight)
        record.forEachColumnValue { groups[number].values[$0].append($1) }
    }

    /// Adds what a correction changes.
    package mutating func append(
        _ correction: CorrectionRecord, of subject: Int64, _ registry: Registry
    ) {
        if correction.before.isCounted {
            append(correction.before, of: subject, weight: -1, registry)
        }
        if let after = correction.after, after.isCounted {
            append(after, of: subject, weight: 1, registry)
        }
    }

    /// Adds what stands in a segment.
    mutating func append(_ run: ColumnRun) {
        let number = number(of: run.shape)
        count += run.eventCount
        order += Array(repeating: Int32(truncatingIfNeeded: number), count: run.eventCount)
        groups[number].append(run.subjects, at: run.times, run.weights)
        for place in 0..<run.shape.valueCount { groups[number].values[place] += run.values(place) }
    }

    /// Some of the entries, by their places in the order in which they came.
    func part(_ range: Range<Int>) -> ColumnEntries {
        guard range != 0..<count else { return self }
        var starts = [Int](repeating: 0, count: groups.count)
        var counts = starts
        for number in order[..<range.lowerBound] { starts[Int(number)] += 1 }
        for number in order[range] { counts[Int(number)] += 1 }
        var result = ColumnEntries()
        var numbers = [Int32](repeating: 0, count: groups.count)
        for (number, group) in groups.enumerated() where counts[number] > 0 {
            let own = result.number(of: group.shape)
            result.groups[own] = group.part(starts[number]..<starts[number] + counts[number])
            numbers[number] = Int32(truncatingIfNeeded: own)
        }
        result.count = range.count
        result.order = order[range].map { numbers[Int($0)] }
        return result
    }

    private mutating func number(of record: UsageRecord, _ registry: Registry) -> Int {
        guard record.details == nil, record.overages.isEmpty,
            case .one(let name, _) = record.quantities,
            !record.answers.contains(where: \.isMet)
        else { return number(of: ColumnShape(record, registry)) }
        let shape = PlainShape(name: name, planNumber: record.planNumber ?? -1)
        if let last, last.shape == shape { return last.number }
        let number = plain[shape] ?? number(of: ColumnShape(record, registry))
        plain[shape] = number
        last = (shape, number)
        return number
    }

    private mutating func number(of shape: ColumnShape) -> Int {
        if let known = numbers[shape] { return known }
        numbers[shape] = groups.count
        groups.append(ColumnGroup(shape))
        return groups.count - 1
    }
}

/// Events of one shape.
package struct ColumnGroup: Sendable {
    package let shape: ColumnShape
    package private(set) var subjects: [Int64] = []
    /// Milliseconds since 1970.
    package private(set) var times: [Int64] = []
    /// Empty while all are 1.
    package private(set) var weights: [Int64] = []
    package fileprivate(set) var values: [[Int64]]

    fileprivate init(_ shape: ColumnShape) {
        self.shape = shape
        values = Array(repeating: [], count: shape.valueCount)
    }

    fileprivate mutating func append(subject: Int64, at time: Int64, weight: Int64) {
        if !weights.isEmpty {
            weights.append(weight)
        } else if weight != 1 {
            weights = Array(repeating: 1, count: subjects.count) + [weight]
        }
        subjects.append(subject)
        times.append(time)
    }

    fileprivate mutating func append(
        _ numbers: [Int64], at whens: [Int64], _ changes: [Int64]?
    ) {
        if changes != nil, weights.isEmpty {
            weights = Array(repeating: 1, count: subjects.count)
        }
        if changes != nil || !weights.isEmpty {
            weights += changes ?? Array(repeating: 1, count: numbers.count)
        }
        subjects += numbers
        times += whens
    }

    fileprivate func part(_ range: Range<Int>) -> ColumnGroup {
        var result = ColumnGroup(shape)
        result.subjects = Array(subjects[range])
        result.times = Array(times[range])
        if !weights.isEmpty { result.weights = Array(weights[range]) }
        result.values = values.map { Array($0[range]) }
        return result
    }
}
