import CFaultyDisk
import Foundation

/// A disk that fails as it is told to, under every SQLite database in one folder.
///
/// It stands between SQLite and the file system of this process, so that what fails is what would
/// fail on a real machine. Make it before a database in the folder is opened. A class, because the
/// fault goes with it.
public final class FaultyDisk: Sendable {
    /// What a write or a sync suffers.
    public enum Fault: Sendable, CaseIterable {
        case full
        case writeError
        /// Half of the data arrives.
        case tornWrite
        case syncError
        /// Nothing works any more, and only what was synced is kept.
        case powerLoss

        fileprivate var number: Int32 {
            switch self {
            case .full: Int32(FAULTY_DISK_FULL.rawValue)
            case .writeError: Int32(FAULTY_DISK_WRITE_ERROR.rawValue)
            case .tornWrite: Int32(FAULTY_DISK_TORN_WRITE.rawValue)
            case .syncError: Int32(FAULTY_DISK_SYNC_ERROR.rawValue)
            case .powerLoss: Int32(FAULTY_DISK_POWER_LOSS.rawValue)
            }
        }
    }

    private let handle: Int32

    /// - Parameters:
    ///   - folder: as it is spelled in the paths of the databases.
    ///   - remembersSyncs: keep what was synced, which ``restore(to:keepingUnsynced:seed:)`` needs.
    public init(folder: String, remembersSyncs: Bool = false) {
        handle = unsafe faulty_disk_open(folder, remembersSyncs ? 1 : 0)
        precondition(handle >= 0, "too many faulty disks at once")
    }

    deinit {
        faulty_disk_close(handle)
    }

    /// Fails `count` writes, starting with the `first`th from now; `nil` fails all from there on.
    public func failWrites(from first: Int, count: Int? = nil, _ fault: Fault) {
        faulty_disk_fail_writes(handle, Int64(first), Int64(count ?? -1), fault.number)
    }

    /// Fails `count` syncs, starting with the `first`th from now; `nil` fails all from there on.
    public func failSyncs(from first: Int, count: Int? = nil, _ fault: Fault) {
        faulty_disk_fail_syncs(handle, Int64(first), Int64(count ?? -1), fault.number)
    }

    /// Works again, and counts anew.
    public func recover() {
        faulty_disk_fail_writes(handle, 0, 0, 0)
        faulty_disk_fail_syncs(handle, 0, 0, 0)
    }

    /// Adds this time to every sync, as a disk in the cloud does.
    public func delaySyncs(byMicroseconds microseconds: Int) {
        faulty_disk_delay_syncs(handle, Int64(microseconds))
    }

    /// Reads so far: of pages that no connection had in its cache.
    public var reads: Int { Int(faulty_disk_reads(handle)) }

    /// Writes since the last call that changed faults.
    public var writes: Int { Int(faulty_disk_writes(handle)) }

    /// Syncs since the last call that changed faults.
    public var syncs: Int { Int(faulty_disk_syncs(handle)) }

    /// Puts the files as the disk kept them into another folder.
    ///
    /// - Parameters:
    ///   - percent: of the writes that were not synced, how many are kept all the same.
    ///   - seed: decides which.
    public func restore(
        to folder: String, keepingUnsynced percent: Int = 0, seed: UInt64 = 0
    ) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let code = unsafe faulty_disk_restore(handle, folder, Int32(percent), seed)
        guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
    }
}
