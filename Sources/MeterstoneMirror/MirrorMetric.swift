/// What is told about a mirror that a server keeps up.
package enum MirrorMetric: String, CaseIterable, Sendable {
    case watermark = "meterstone_mirror_watermark"
    case lag = "meterstone_mirror_lag_seconds"
    case facts = "meterstone_mirror_facts_total"
    case failures = "meterstone_mirror_failures_total"

    package var help: String {
        switch self {
        case .watermark: "The last fact that the mirror includes."
        case .lag: "Since when the mirror did not have everything; 0: it has."
        case .facts: "Facts that were written to the mirror."
        case .failures: "Times that the mirror could not be written."
        }
    }
}
