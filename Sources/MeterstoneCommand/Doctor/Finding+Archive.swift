import Foundation
import MeterstoneCore
import MeterstoneStore

extension Finding {
    /// What the store noted of its archive. A server that is to archive does so once a day.
    static func ofArchive(_ log: ArchiveLog?, in folder: String, at now: Instant) -> Finding {
        let files = FileManager.default
        if files.fileExists(atPath: folder), !files.isWritableFile(atPath: folder) {
            return .problem(
                "archive", "\(folder) cannot be written by this user",
                "give it to the user that the server runs as: chown -R")
        }
        guard let log, let finishedAt = log.finishedAt else {
            return .warning(
                "archive", "nothing was archived yet",
                "start the server, which does it once a day, and look in its log")
        }
        let found =
            "\(log.events) events are archived, \(log.parts.count) files; the last run ended "
            + finishedAt.rfc3339
        return finishedAt.advanced(byMilliseconds: 2 * 86_400_000) < now
            ? .problem("archive", found, "look in the server's log why none did since")
            : .fine("archive", found)
    }
}
