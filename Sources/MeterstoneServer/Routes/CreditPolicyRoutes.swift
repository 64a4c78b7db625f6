import Foundation
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// How usage is paid with credits: prices per meter, and what pays first.
struct CreditPolicyRoutes: Sendable {
    let engine: MeterstoneEngine

    private static let path = "/v1/credits/policy"

    func add(to routes: inout Routes) {
        routes.on(.get, Self.path) { request, _ in
            guard let policy = try await engine.effectiveBlueprint().creditPolicy else {
                throw Self.missing
            }
            return try request.answer(try await engine.blueprint().credits, try encoded(policy))
        }
        routes.on(.put, Self.path) { request, _ in
            let body = try AdministrativeBody(
                try await request.json(),
                fields: ["enabled", "payment", "prices"] + EffectiveCreditPolicy.fields)
            let policy = try body.decode(CreditPolicy.self)
            return try await engine.put(.putCreditPolicy(policy), request) { after in
                let policy = try JSONDecoder().decode(CreditPolicy.self, from: Data(after))
                return try encoded(try await engine.effectiveBlueprint().creditPolicy(policy))
            }
        }
        routes.on(.delete, Self.path) { request, _ in
            try await engine.delete(.deleteCreditPolicy, request, missing: Self.missing)
        }
    }

    private static let missing = Problem.missing("unknown_credit_policy", "credit policy")
}
