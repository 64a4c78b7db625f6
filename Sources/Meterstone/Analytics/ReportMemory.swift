import MeterstoneCore
import MeterstoneStore
import Synchronization

/// What a report needs to know of a span of events, apart from the span and the question's filter.
enum ReportPart: Hashable, Sendable {
    case trend([Meter])
    case errors
    case plans(Meter?)
    case limitsMet
    case stepsOfTypes([String], isSuccessOnly: Bool, FunnelOrder)
    case stepsOfMeters([Meter], FunnelOrder)
    case sums(Meter)
    case types
}

/// What reports found out about days, for as long as the events of those days stay what they are.
///
/// It is never old: whatever is asked for comes with the rows of columns that there are now (``ColumnMark``), and
/// is only found if it was found out from the same ones. What is least recently asked for goes when there is too
/// much.
final class ReportMemory: Sendable {
    struct Key: Hashable, Sendable {
        let part: ReportPart
        let filter: ReportFilter
        let span: WindowSpan
        /// Whether it is what a fold has come to, to go on from.
        let isState: Bool
    }

    private struct Entry {
        let mark: ColumnMark
        let value: any Sendable
        let bytes: Int
        var usedAt: Int
    }

    private struct Kept {
        var entries: [Key: Entry] = [:]
        var bytes = 0
        var uses = 0
        var found = 0

        mutating func remove(_ key: Key) {
            if let entry = entries.removeValue(forKey: key) { bytes -= entry.bytes }
        }
    }

    /// What an entry takes beside its value.
    private static let bytesPerEntry = 512

    private let bytesMax: Int
    private let kept = Mutex(Kept())

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    /// How often something was found.
    var found: Int { kept.withLock(\.found) }

    func find<Value: Sendable>(_ key: Key, _ mark: ColumnMark, as: Value.Type) -> Value? {
        kept.withLock { kept in
            guard let entry = kept.entries[key], entry.mark == mark,
                let value = entry.value as? Value
            else { return nil }
            kept.uses += 1
            kept.found += 1
            kept.entries[key]?.usedAt = kept.uses
            return value
        }
    }

    func keep(_ value: some Sendable, bytes: Int, as key: Key, _ mark: ColumnMark) {
        let bytes = bytes + mark.bytes + Self.bytesPerEntry
        kept.withLock { kept in
            kept.remove(key)
            guard bytes <= bytesMax / 2 else { return }
            if kept.bytes + bytes > bytesMax { makeRoom(bytes, in: &kept) }
            kept.uses += 1
            kept.bytes += bytes
            kept.entries[key] = Entry(
                mark: mark, value: value, bytes: bytes, usedAt: kept.uses)
        }
    }

    /// Drops more than has to go, so that it is not looked through for each that comes.
    private func makeRoom(_ bytes: Int, in kept: inout Kept) {
        let oldest = kept.entries.sorted { $0.value.usedAt < $1.value.usedAt }.map(\.key)
        for key in oldest {
            if kept.bytes + bytes <= bytesMax / 8 * 7 { return }
            kept.remove(key)
        }
    }

    func forget() { kept.withLock { $0 = Kept() } }
}

/// What a fold over events has come to, which can be kept and gone on from.
protocol FoldState {
    /// About what it takes in memory.
    var bytes: Int { get }
    /// Tells somebody else from now on how much memory it takes; `nil`: nobody.
    mutating func tell(_ memory: MemoryShare?)
}

extension Array: FoldState where Element: FoldState {
    var bytes: Int { reduce(0) { $0 + $1.bytes } }

    mutating func tell(_ memory: MemoryShare?) {
        for place in indices { self[place].tell(memory) }
    }
}

extension Dictionary: FoldState where Value: FoldState {
    var bytes: Int { values.reduce(0) { $0 + $1.bytes + 2 * MemoryTab.bytesPerEntry } }

    mutating func tell(_ memory: MemoryShare?) {
        for key in keys { self[key]?.tell(memory) }
    }
}

/// How events are folded into something that can be gone on from.
struct RememberedFold<State: FoldState & Sendable> {
    /// `nil`: nothing is remembered.
    let part: ReportPart?
    var withTimes = false
    var takenBackFirst = false
    let start: State
}

extension ReportContext {
    /// Windows of one question that are remembered each.
    static let windowsMax = 400

    /// What each of some spans comes to.
    ///
    /// - Parameter missing: finds it out for spans that follow each other.
    func recall<Value: Sendable>(
        _ part: ReportPart?, isState: Bool = false, of spans: [WindowSpan], bytes: (Value) -> Int,
        _ missing: (ArraySlice<WindowSpan>) throws(StoreError) -> [Value]
    ) throws(StoreError) -> [Value] {
        guard let part, spans.count <= Self.windowsMax else { return try missing(spans[...]) }
        let marks = try scan.marks(of: spans)
        func key(_ place: Int) -> ReportMemory.Key {
            ReportMemory.Key(
                part: part, filter: question.filter, span: spans[place], isState: isState)
        }
        let known = spans.indices.map { place in
            marks[place].flatMap { remembered.find(key(place), $0, as: Value.self) }
        }
        var values: [Value] = []
        while values.count < spans.count {
            if let value = known[values.count] {
                values.append(value)
                continue
            }
            let first = values.count
            let end = known[first...].firstIndex { $0 != nil } ?? spans.count
            let found = try missing(spans[first..<end])
            for (place, value) in zip(first..<end, found) {
                guard let mark = marks[place] else { continue }
                remembered.keep(value, bytes: bytes(value), as: key(place), mark)
            }
            values += found
        }
        return values
    }

    /// What the events of the question's span come to.
    ///
    /// - Parameters:
    ///   - bytes: about what the result takes in memory.
    ///   - result: what is told of what the events came to.
    ///   - end: is called after the last event of past days, and after the last one.
    func result<State: FoldState & Sendable, Result: Sendable>(
        of fold: RememberedFold<State>, where accepts: (ColumnShape) -> Bool = { _ in true },
        bytes: (Result) -> Int, as result: (inout State) -> Result,
        endingWith end: (inout State) -> Void = { _ in },
        _ visit: (inout State, ColumnRun) throws(StoreError) -> Void
    ) throws(StoreError) -> Result {
        try recall(fold.part, of: [span], bytes: bytes) { (_) throws(StoreError) -> [Result] in
            var state = try self.state(of: fold, where: accepts, endingWith: end, visit)
            return [result(&state)]
        }[0]
    }

    /// What the events of a span come to, going on from what those of past days came to.
    func state<State: FoldState & Sendable>(
        of fold: RememberedFold<State>, in span: WindowSpan? = nil,
        where accepts: (ColumnShape) -> Bool = { _ in true },
        endingWith end: (inout State) -> Void = { _ in },
        _ visit: (inout State, ColumnRun) throws(StoreError) -> Void
    ) throws(StoreError) -> State {
        let span = span ?? self.span
        func add(_ span: WindowSpan, to state: inout State) throws(StoreError) {
            try forEachRun(
                in: span, withTimes: fold.withTimes, takenBackFirst: fold.takenBackFirst,
                where: accepts
            ) { (run) throws(StoreError) in try visit(&state, run) }
            end(&state)
        }
        var state = fold.start
        let today = min(Instant.startOf(day: now.utcDay), span.until)
        guard let part = fold.part, today > span.from, today < span.until else {
            try add(span, to: &state)
            return state
        }
        let past = WindowSpan(from: span.from, until: today)
        var isNew = false
        let known = try recall(part, isState: true, of: [past], bytes: { $0.bytes }) {
            (_) throws(StoreError) -> [State] in
            try add(past, to: &state)
            isNew = true
            var kept = state
            kept.tell(nil)
            return [kept]
        }[0]
        if !isNew {
            state = known
            state.tell(memory)
            try memory.check()
        }
        try add(WindowSpan(from: today, until: span.until), to: &state)
        return state
    }
}
