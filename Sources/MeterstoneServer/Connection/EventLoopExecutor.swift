import NIOCore

/// Runs tasks on an event loop, so that what waits for the engine goes on where its socket is.
final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute {
            // A job is run exactly once, which is what the unowned reference leaves to us.
            unsafe job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }
}
