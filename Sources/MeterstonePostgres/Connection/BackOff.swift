#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Waits before a further try: longer each time, and not in step with other nodes.
struct BackOff {
    private static let firstMilliseconds: UInt32 = 5
    private static let longestMilliseconds: UInt32 = 500

    private var next = Self.firstMilliseconds

    mutating func wait() {
        let milliseconds = UInt32.random(in: next / 2...next)
        usleep(milliseconds * 1_000)
        next = min(next * 2, Self.longestMilliseconds)
    }
}
