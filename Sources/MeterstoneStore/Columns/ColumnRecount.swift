package import MeterstoneCore

extension StoreSource {
    /// Puts every stored event into columns anew, some hundred thousand at a time.
    package func forEachPartOfColumns(
        _ registry: Registry, _ visit: ([ColumnSegment]) throws(StoreError) -> Void
    ) throws(StoreError) {
        var entries = ColumnEntries()
        try scan(days: Int64.min...Int64.max) { (_, subject, fact) throws(StoreError) in
            do throws(MalformedRecord) {
                try entries.append(fact, of: subject, registry)
            } catch {
                throw StoreError(
                    code: .corrupt,
                    message: "the fact with sequence \(fact.sequence) is unreadable")
            }
            guard entries.count >= ColumnEntries.segmentMax else { return }
            try visit(entries.segments())
            entries = ColumnEntries()
        }
        if entries.count > 0 { try visit(entries.segments()) }
    }

    /// Compares the columns with what the events say, day by day.
    package func columnDifferences(
        _ registry: Registry
    ) throws(StoreError) -> [VerifyDifference] {
        var (expected, found) = (ColumnDigest(), ColumnDigest())
        try forEachPartOfColumns(registry) { (segments) throws(StoreError) in
            for segment in segments { try expected.add(segment) }
        }
        try columns(days: Int64.min...Int64.max, withTimes: true, at: nil) {
            (segment) throws(StoreError) in
            try found.add(segment)
        }
        return expected.differences(from: found)
    }
}

extension ColumnEntries {
    /// Adds a stored fact, unless it only points to one.
    fileprivate mutating func append(
        _ fact: StoredFact, of subject: Int64, _ registry: Registry
    ) throws(MalformedRecord) {
        var reader = ByteReader(fact.body)
        try append(FactKind(rawValue: try reader.byte()), &reader, of: subject, registry)
    }

    /// - Parameter reader: stands after the kind.
    mutating func append(
        _ kind: FactKind?, _ reader: inout ByteReader, of subject: Int64, _ registry: Registry
    ) throws(MalformedRecord) {
        switch kind {
        case .usage:
            let record = try UsageRecord(&reader, names: registry.names)
            if record.isCounted { append(record, of: subject, weight: 1, registry) }
        case .correction:
            let record = try CorrectionRecord(&reader, names: registry.names)
            append(record, of: subject, registry)
        default: break
        }
    }
}

/// What columns add up to, whatever their order and whatever cancels out.
package struct ColumnDigest {
    private var days: [Int64: Sum] = [:]

    private struct Sum: Equatable {
        var events: Int64 = 0
        var hash: UInt64 = 0
    }

    package init() {}

    package mutating func add(_ segment: ColumnSegment) throws(StoreError) {
        var sum = days[segment.day] ?? Sum()
        try segment.forEachRun { (run) throws(StoreError) in
            var writer = ByteWriter()
            run.shape.write(to: &writer)
            let shape = XXH64.hash(writer.bytes[...])
            let columns =
                [run.subjects, run.times] + (0..<run.shape.valueCount).map { run.values($0) }
            let weights = run.weights
            for index in columns[0].indices {
                var hash = shape
                for column in columns {
                    hash = (hash ^ UInt64(bitPattern: column[index])) &* 0x9E37_79B9_7F4A_7C15
                    hash ^= hash >> 29
                }
                let weight = weights?[index] ?? 1
                sum.events += weight
                sum.hash &+= hash &* UInt64(bitPattern: weight)
            }
        }
        days[segment.day] = sum
    }

    package func differences(from found: ColumnDigest) -> [VerifyDifference] {
        Set(days.keys).union(found.days.keys).sorted().compactMap { day in
            let (expected, found) = (days[day] ?? Sum(), found.days[day] ?? Sum())
            guard expected != found else { return nil }
            let isOther = expected.events == found.events ? ", others" : ""
            return VerifyDifference(
                what: "event columns of \(CivilDate(daysSince1970: day))",
                expected: "\(expected.events) events", found: "\(found.events) events\(isOther)")
        }
    }
}

/// Which segments of a day become one.
///
/// The newest are merged while they are not much smaller than the one before, so that a day has few
/// segments, however its events came, and each event is written again few times.
package enum ColumnMerging {
    /// - Parameter counts: how many events the segments of a day have, oldest first.
    /// - Returns: how many of the newest become one; `nil`: they stay as they are.
    package static func mergeable(_ counts: [Int]) -> Int? {
        guard counts.count > 1 else { return nil }
        var taken = 1
        var sum = counts[counts.count - 1]
        guard (0...ColumnEntries.segmentMax).contains(sum) else { return nil }
        while taken < counts.count {
            let next = counts[counts.count - 1 - taken]
            guard (0...ColumnEntries.segmentMax).contains(next), next <= 2 * sum,
                sum + next <= ColumnEntries.segmentMax
            else { break }
            sum += next
            taken += 1
        }
        return taken > 1 ? taken : nil
    }

    /// The events of several segments as few.
    package static func merged(_ segments: [ColumnSegment]) throws(StoreError) -> [ColumnSegment] {
        var entries = ColumnEntries()
        for segment in segments {
            try segment.forEachRun { (run) throws(StoreError) in entries.append(run) }
        }
        return entries.segments()
    }
}
