#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif
import MeterstoneStore

/// The exclusive lock on a store's directory. It goes with the process, however that ends.
final class StoreLock {
    private let descriptor: Int32

    /// Takes the lock, or says who has it.
    init(directory: String) throws(StoreError) {
        let path = directory + "/meterstone.lock"
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw StoreError(
                code: .inputOutput,
                message: "cannot open \(path): \(unsafe String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw StoreError(
                code: .locked,
                message:
                    "another process uses the store in \(directory). Stop it, or ask it over HTTP")
        }
    }

    /// Closing is not enough: a child that another thread starts just now has the descriptor until it runs its program.
    deinit {
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
