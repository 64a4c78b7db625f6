/// What is told about what leaves a store because it is old.
package enum RetentionMetric: String, CaseIterable, Sendable {
    case archiveAge = "meterstone_archive_age_seconds"
    case archivedEvents = "meterstone_archived_events"
    case archiveFiles = "meterstone_archive_files"
    case failures = "meterstone_archive_failures_total"
    case forgottenLines = "meterstone_forgotten_log_lines_total"

    package var help: String {
        switch self {
        case .archiveAge:
            "How long ago everything was archived that was to be; -1: that never was."
        case .archivedEvents: "Events of which the store keeps no more than what counts."
        case .archiveFiles: "Files that the store noted in its archive."
        case .failures:
            "Times that old events could not be archived, or old lines not be forgotten."
        case .forgottenLines: "Lines of the log of changes that were forgotten."
        }
    }
}
