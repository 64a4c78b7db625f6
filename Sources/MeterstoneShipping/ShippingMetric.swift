/// What is told about the shipping of a journal.
package enum ShippingMetric: String, CaseIterable, Sendable {
    case lag = "meterstone_shipping_lag_seconds"
    case sequence = "meterstone_shipping_sequence"
    case bytes = "meterstone_shipping_bytes_total"
    case failures = "meterstone_shipping_failures_total"
    case lost = "meterstone_shipping_lost_facts_total"
    case followingAge = "meterstone_following_age_seconds"
    case followingSequence = "meterstone_following_sequence"
    case followingFailures = "meterstone_following_failures_total"
    case wholeAge = "meterstone_backup_age_seconds"

    package var help: String {
        switch self {
        case .lag: "How old the oldest commit is that is not shipped; 0: everything is."
        case .sequence: "The last fact that is shipped."
        case .bytes: "Bytes of the journal that were shipped."
        case .failures: "Times that the journal or a whole backup could not be shipped."
        case .lost: "Facts that were not shipped before the store let go of them."
        case .followingAge:
            "Of a follower: how long ago it had everything that was at the place that it follows."
        case .followingSequence: "Of a follower: its last fact."
        case .followingFailures: "Times that a follower could not read the place that it follows."
        case .wholeAge:
            "How old the newest whole backup is at the place that is shipped to; -1: none."
        }
    }
}
