import Dispatch
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Synchronization

/// A store that projects and commits when its test says so, and that can be left without being closed.
final class HeldStore: Store {
    private let held: Mutex<any Store>
    private let isLeftOpen: Bool
    /// Steps of projection that are still to be done; `nil`: as many as there are.
    private let steps = Mutex<Int?>(0)

    /// - Parameter isLeftOpen: whether the store is only dropped in the end, as by a crash.
    init(_ store: any Store, isLeftOpen: Bool) {
        held = Mutex(store)
        self.isLeftOpen = isLeftOpen
    }

    private var store: any Store { held.withLock { $0 } }

    /// Lets so many steps of projection pass from now on; `nil`: all.
    func allow(steps count: Int?) {
        steps.withLock { $0 = count }
    }

    func project() throws(StoreError) -> Bool {
        let mayGoOn = steps.withLock { steps in
            guard let left = steps else { return true }
            steps = max(0, left - 1)
            return left > 0
        }
        return try mayGoOn ? store.project() : false
    }

    func commit(_ commands: [Command], at now: Instant) throws(StoreError) -> [Outcome] {
        let isHeld = commits.withLock { commits in
            commits.sizes.append(commands.count)
            guard commits.holdsNext else { return false }
            commits.holdsNext = false
            commits.isHeld = true
            commits.waiting?.resume()
            commits.waiting = nil
            return true
        }
        if isHeld { released.wait() }
        return try store.commit(commands, at: now)
    }

    // MARK: Commits

    private struct Commits {
        /// How many commands each had.
        var sizes: [Int] = []
        var holdsNext = false
        var isHeld = false
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let commits = Mutex(Commits())
    private let released = DispatchSemaphore(value: 0)

    var commitSizes: [Int] { commits.withLock { $0.sizes } }

    /// Keeps the next commit from doing anything until ``releaseCommit()``.
    func holdNextCommit() { commits.withLock { $0.holdsNext = true } }

    /// Returns once a commit is held.
    func waitForHeldCommit() async {
        await withCheckedContinuation { continuation in
            let isHeld = commits.withLock { commits in
                if !commits.isHeld { commits.waiting = continuation }
                return commits.isHeld
            }
            if isHeld { continuation.resume() }
        }
    }

    func releaseCommit() {
        commits.withLock { $0.isHeld = false }
        released.signal()
    }

    var halt: StoreError? { store.halt }
    var waitingFacts: Int { store.waitingFacts }
    var waitingFactsMax: Int { store.waitingFactsMax }
    var readPlaces: (short: Int, long: Int) { store.readPlaces }
    var isSharedBetweenNodes: Bool { store.isSharedBetweenNodes }

    func view(of subject: SubjectID?) throws(StoreError) -> StoreView {
        try store.view(of: subject)
    }

    func look(_ looks: [Look], at now: Instant) throws(StoreError) -> [Look.Answer] {
        try store.look(looks, at: now)
    }

    func reportView() throws(StoreError) -> StoreView { try store.reportView() }

    func subjects(after: SubjectID?, count: Int) throws(StoreError) -> [StoredSubject] {
        try store.subjects(after: after, count: count)
    }

    func subjectTotal() throws(StoreError) -> Int { try store.subjectTotal() }

    func subjectsDue(at now: Instant, count: Int) throws(StoreError) -> [SubjectID] {
        try store.subjectsDue(at: now, count: count)
    }

    func verify() throws(StoreError) -> VerifyReport { try store.verify() }
    func rebuild() throws(StoreError) -> Int { try store.rebuild() }

    func export(_ visit: (StorePart) throws(StoreError) -> Void) throws(StoreError) {
        try store.export(visit)
    }

    func fill(
        _ parts: ((StorePart) throws(StoreError) -> Void) throws(StoreError) -> Void
    ) throws(StoreError) {
        try store.fill(parts)
    }

    func inspect<Result>(
        _ body: (any InspectionSource) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try store.inspect(body)
    }

    func close() throws(StoreError) {
        let store = self.store
        held.withLock { $0 = MemoryStore() }
        if !isLeftOpen { try store.close() }
    }

    func read<Result>(
        _ view: StoreView, _ body: (any StoreSource) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let isHeld = view.subject == nil && reads.withLock { $0.isHeld }
        if isHeld {
            reads.withLock { $0.count += 1 }
            readsReleased.wait()
        }
        return try store.read(view, body)
    }

    // MARK: Reads of nobody in particular

    private let reads = Mutex((isHeld: false, count: 0))
    private let readsReleased = DispatchSemaphore(value: 0)

    /// How many reads are held, or were.
    var heldReads: Int { reads.withLock { $0.count } }

    /// Keeps reads that are of no subject from doing anything until ``releaseReads(_:)``.
    func holdReads() { reads.withLock { $0.isHeld = true } }

    /// - Parameter count: how many are held.
    func releaseReads(_ count: Int) {
        reads.withLock { $0.isHeld = false }
        for _ in 0..<count { readsReleased.signal() }
    }

    func changes(
        _ filter: ChangeFilter, before sequence: Int64?, count: Int
    ) throws(StoreError) -> [ChangeEntry] {
        try store.changes(filter, before: sequence, count: count)
    }

    func facts(after sequence: Int64, count: Int) throws(StoreError) -> FactPage {
        try store.facts(after: sequence, count: count)
    }
}
