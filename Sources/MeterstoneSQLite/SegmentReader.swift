import Dispatch
import MeterstoneStore
import Synchronization

/// Reads segments on a thread of its own, a few ahead of who visits them.
///
/// Unchecked, because the statement goes from one thread to the other and back: whoever visits waits
/// until the reading has ended.
final class SegmentReader: @unchecked Sendable {
    /// Segments that are read ahead.
    private static let aheadMax = 3
    /// Serial, and so with a thread at once, however many others wait for something.
    private let queue = DispatchQueue(label: "meterstone.segments")
    private let statement: Statement
    private let withTimes: Bool
    private let state = Mutex(State())
    private let room = DispatchSemaphore(value: aheadMax)
    private let arrived = DispatchSemaphore(value: 0)

    private struct State {
        var segments: [ColumnSegment] = []
        var error: StoreError?
        var isUnwanted = false
    }

    /// - Parameter statement: gives day, number of events, body and times.
    init(_ statement: Statement, withTimes: Bool) {
        self.statement = statement
        self.withTimes = withTimes
    }

    func forEach(
        _ visit: (ColumnSegment) throws(StoreError) -> Void
    ) throws(StoreError) {
        queue.async { self.readAll() }
        var isAtEnd = false
        defer {
            state.withLock { $0.isUnwanted = true }
            while !isAtEnd {
                room.signal()
                isAtEnd = next() == nil
            }
        }
        while let segment = next() {
            room.signal()
            try visit(segment)
        }
        isAtEnd = true
        if let error = state.withLock({ $0.error }) { throw error }
    }

    /// Waits for the next segment; `nil`: there is none.
    private func next() -> ColumnSegment? {
        arrived.wait()
        return state.withLock { $0.segments.isEmpty ? nil : $0.segments.removeFirst() }
    }

    private func readAll() {
        do throws(StoreError) {
            while !state.withLock({ $0.isUnwanted }), try statement.step() {
                let segment = statement.segment(withTimes: withTimes)
                room.wait()
                state.withLock { $0.segments.append(segment) }
                arrived.signal()
            }
        } catch {
            state.withLock { $0.error = error }
        }
        arrived.signal()
    }
}

extension Statement {
    /// The row as a segment: day, number of events, body and times.
    func segment(withTimes: Bool) -> ColumnSegment {
        ColumnSegment(
            day: int(0), count: Int(int(1)), body: bytes(2), times: withTimes ? bytes(3) : [])
    }
}
