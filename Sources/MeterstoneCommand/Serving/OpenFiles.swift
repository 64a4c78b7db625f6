import Foundation

/// Open files, of which every connection is one.
enum OpenFiles {
    /// For the database, its log and what reads from it.
    static let keptForStore = 128

    /// How many the system gives this process; `nil`: it does not say.
    static var max: Int? {
        var limit = rlimit()
        #if os(Linux)
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let kind = RLIMIT_NOFILE
        #endif
        guard unsafe getrlimit(kind, &limit) == 0 else { return nil }
        return Int(clamping: limit.rlim_cur)
    }
}
