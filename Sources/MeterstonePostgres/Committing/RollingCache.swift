import MeterstoneCore
import MeterstoneStore
import Synchronization

/// What rolling counters held when this node decided with them last, so that a commit need not read the
/// events of two windows again.
///
/// Nothing here is believed: each transaction reads, under the lock of the subject or from its own
/// snapshot, the last fact that a counter includes and everything that was recorded since. Facts of a
/// subject are numbered in the order in which they are committed. Where the last fact is not there any
/// more, the events are read. Commits write it, and looks read it, too.
final class RollingCache: Sendable {
    /// Entries that are kept, of all counters together: about 16 bytes each.
    private static let entriesMax = 1_000_000

    struct Kept: Sendable {
        var state: CounterState
        /// It answers for instants from here on.
        var from: Instant
        /// The UTC day on which the windows that it answers for begin.
        var firstDay: Int64
        /// The last fact from that day on that it includes; 0: there was none.
        var last: Int64

        fileprivate var size: Int {
            switch state.memory {
            case .rolling(let entries): 4 + entries.count
            case .rollingValues(let lists): lists.values.reduce(4) { $0 + 4 + $1.count }
            default: 4
            }
        }
    }

    private struct State {
        /// By subject, and then by series.
        var subjects: [Int64: [Int: Kept]] = [:]
        var size = 0
    }

    private let state = Mutex(State())

    subscript(subject: Int64) -> [Int: Kept] { state.withLock { $0.subjects[subject] } ?? [:] }

    func keep(_ kept: Kept, _ series: Int, of subject: Int64) {
        state.withLock { state in
            state.size += kept.size - (state.subjects[subject]?[series]?.size ?? 0)
            state.subjects[subject, default: [:]][series] = kept
            if state.size > Self.entriesMax { state = State() }
        }
    }

    func removeAll() {
        state.withLock { $0 = State() }
    }
}

extension LoadedSource {
    /// What was recorded of a subject from a day on, after a fact; that fact included, when it is there.
    struct NewerKey: Hashable {
        var subject: Int64
        var firstDay: Int64
        var last: Int64
    }

    /// Asks ahead what is new of these subjects since they were decided about last.
    func expectRolling(of subjects: some Sequence<Int64>) {
        for subject in subjects {
            let kept = rollings[subject].values
            guard let last = kept.map(\.last).max(),
                let day = kept.filter({ $0.last == last }).map(\.firstDay).min()
            else { continue }
            ask(NewerKey(subject: subject, firstDay: day, last: last))
        }
    }

    func rolling(_ series: Int, of subject: Int64) throws(StoreError) -> KnownRolling? {
        guard let kept = rollings[subject][series] else { return nil }
        let known = newer[subject]?.first { key, _ in
            key.firstDay <= kept.firstDay && key.last <= kept.last
        }
        guard let facts = known?.facts else {
            // It was left aside for longer than others of the subject.
            ask(NewerKey(subject: subject, firstDay: kept.firstDay, last: kept.last))
            throw Self.notLoaded
        }
        // A server that took over may not have heard of it.
        guard kept.last == 0 || facts.contains(where: { $0.sequence == kept.last }) else {
            return nil
        }
        return KnownRolling(
            state: kept.state, from: kept.from, newer: facts.filter { $0.sequence > kept.last })
    }
}

extension RollingCache {
    /// Keeps the rolling counters that a batch was decided with.
    ///
    /// - Parameters:
    ///   - loaded: what it was decided with.
    ///   - rows: of events, that it has written.
    func keep(
        _ workingSet: WorkingSet, _ loaded: LoadedSource, _ rows: [EventLocation]
    ) {
        var written: [Int64: [EventLocation]] = [:]
        for state in workingSet.subjects.values where state.number != 0 {
            for counter in state.current where counter.series >= 0 {
                guard
                    case .rolling(let seconds) =
                        workingSet.registry.series[counter.series].definition.window
                else { continue }
                if written.isEmpty { written = Dictionary(grouping: rows, by: \.subject) }
                let day = counter.span.from.advanced(byMilliseconds: -seconds * 1_000).utcDay
                let own = written[state.number]?.filter { $0.day >= day }.map(\.sequence).max()
                // Where it occurred before the windows it is not found the next time; it is none too early.
                let last = own ?? loaded.lastFacts[state.number] ?? 0
                keep(
                    Kept(state: counter.state, from: counter.span.from, firstDay: day, last: last),
                    counter.series, of: state.number)
            }
        }
    }
}
