package import Hummingbird
package import MeterstoneCore

extension Response {
    /// What a server answers to a consume or a reserve that is refused.
    package init(refusing decision: Decision, at now: Instant) {
        let problem =
            decision.denial.map {
                Problem.denied($0, limits: decision.limits, credits: decision.credits, at: now)
            } ?? .unexplained
        self = problem.response()
    }
}
