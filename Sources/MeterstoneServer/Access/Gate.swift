import Hummingbird
import Meterstone
import MeterstoneCore

/// What stands before a route: who asks, whether they may, and whether what the path names is theirs.
struct Gate: Sendable {
    /// `nil`: everybody may call it.
    let guardian: Guardian?
    let rule: AccessRule?
    let engine: MeterstoneEngine

    func pass(
        _ request: Request, _ context: ServerContext,
        _ work: (ServerContext) async throws -> Response
    ) async throws -> Response {
        guard let guardian, let rule else { return try await work(context) }
        let caller = try await guardian.admit(request.head, rule, from: context.remoteAddress)
        guard rule.scope == .admin, let address = context.remoteAddress?.ipAddress else {
            return try await pass(caller, rule, context, work)
        }
        return try await Caller.$address.withValue(address) {
            try await pass(caller, rule, context, work)
        }
    }

    private func pass(
        _ caller: Caller, _ rule: AccessRule, _ context: ServerContext,
        _ work: (ServerContext) async throws -> Response
    ) async throws -> Response {
        guard caller != .administrator else { return try await work(context) }
        if rule.own == .path, caller.subject != nil, context.parameters["subject"] != nil {
            let subject: SubjectID = try context.parameter("subject")
            guard try await caller.owns(subject, engine) else {
                throw Problem.missing(.unknownSubject, "subject \(subject)")
            }
        }
        return try await Caller.$current.withValue(caller) { try await work(context) }
    }
}
