/// The exit codes of `meterstone`, after `sysexits.h` where it has one that fits.
package enum ProgramExit: Int32, CaseIterable, Sendable {
    /// Done; for `consume` and `check`, allowed.
    case success = 0
    /// The answer is no: `verify` found differences, a `consume` or `check` was refused, or an `import`
    /// rejected some rows.
    case negative = 1
    /// The command line or the configuration is wrong. Nothing was done.
    case usage = 64
    /// The data is wrong: a blueprint with mistakes, a file that is not what it is said to be, an
    /// event or a change that was rejected, a damaged store.
    case badData = 65
    /// The store belongs to another process, does not exist, or the address is in use; the server does not
    /// answer, or does not take the key.
    case unavailable = 69
    /// A bug of ours.
    case software = 70
    /// Reading or writing failed: a file cannot be read, the disk is full, a sync failed.
    case inputOutput = 74
    /// Try again, with the same event ids.
    case temporaryFailure = 75
}
