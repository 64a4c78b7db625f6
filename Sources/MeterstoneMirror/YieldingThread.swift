import Dispatch
import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// A thread that works on one thing after another, and gives way: where processors are scarce others go first.
package final class YieldingThread: Sendable {
    private let queue = WorkQueue()

    package init(named name: String) {
        let queue = self.queue
        let thread = Thread { queue.work() }
        thread.name = name
        thread.start()
    }

    deinit {
        queue.end()
    }

    package func perform(_ work: @escaping @Sendable () -> Void) {
        queue.add(work)
    }
}

private final class WorkQueue: Sendable {
    private let waiting = Mutex<[@Sendable () -> Void]>([])
    private let count = DispatchSemaphore(value: 0)
    /// Beside threads that want a processor all the time it gets about a tenth of one.
    private static let niceness: Int32 = 10

    func add(_ work: @escaping @Sendable () -> Void) {
        waiting.withLock { $0.append(work) }
        count.signal()
    }

    /// Once everything is done that waits.
    func end() {
        count.signal()
    }

    func work() {
        #if canImport(Glibc)
        // On Linux a thread has a priority of its own. It works with any; so nothing is said where this fails.
        _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, Self.niceness)
        #endif
        while let work = next() { work() }
    }

    private func next() -> (@Sendable () -> Void)? {
        count.wait()
        return waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }
}
