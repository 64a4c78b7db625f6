import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// What a subject has in credits, what happened to them, and how an operator changes them.
struct CreditRoutes: Sendable {
    let engine: MeterstoneEngine

    private static let path = "/v1/subjects/:subject/credits"

    func add(to routes: inout Routes) {
        routes.on(.get, Self.path) { _, context in
            let subject: SubjectID = try context.parameter("subject")
            let wallet = try await engine.wallet(of: subject)
            return Response(wallet, Shapes.credits)
        }
        routes.on(.get, Self.path + "/entries") { request, context in
            try await entries(request, context)
        }
        routes.on(.post, Self.path + "/grants") { request, context in
            try await grant(request, context)
        }
        routes.on(.delete, Self.path + "/grants/:grant") { request, context in
            try await void(request, context)
        }
        routes.on(.post, Self.path + "/refunds") { request, context in
            try await refund(request, context)
        }
    }

    private func entries(
        _ request: Request, _ context: ServerContext
    ) async throws -> Response {
        let subject: SubjectID = try context.parameter("subject")
        let query = try Query(request)
        let before = try query.cursor(.entries).map { (cursor) throws(Rejection) in
            try cursor.sequence()
        }
        let page = try await engine.ledger(
            of: subject, before: before, count: try query.count())
        return Response(Page(page), Shapes.entries)
    }

    // MARK: Grants

    private func grant(_ request: Request, _ context: ServerContext) async throws -> Response {
        let subject: SubjectID = try context.parameter("subject")
        let order = try GrantBody.order(try await request.json())
        let credited = try await engine.credit(.grantCredit(subject, order), request)
        guard let receipt = credited.receipt else {
            let (grant, balance) = try await standing(subject, order.id)
            return Response(
                CreditAnswer(grant: grant, balance: balance), Shapes.granted,
                headers: credited.headers)
        }
        return Response(
            CreditAnswer(grant: receipt.grant, balance: receipt.balance), Shapes.granted,
            status: .created, headers: credited.headers)
    }

    /// Takes back what is left of a grant; of one that is used up or void already that is nothing.
    private func void(_ request: Request, _ context: ServerContext) async throws -> Response {
        let subject: SubjectID = try context.parameter("subject")
        let grant: GrantID = try context.parameter("grant")
        let reason = try reason(try Query(request), try await request.json())
        let credited = try await engine.credit(
            .voidGrant(subject, grant, reason: reason), request, missing: [.unknownGrant])
        guard let receipt = credited.receipt else {
            let (grant, balance) = try await standing(subject, grant)
            return Response(
                CreditAnswer(grant: grant, balance: balance), Shapes.voided,
                headers: credited.headers)
        }
        return Response(
            CreditAnswer(grant: receipt.grant, amount: receipt.amount, balance: receipt.balance),
            Shapes.voided, headers: credited.headers)
    }

    /// The reason stands in the body or, for clients that send none with a DELETE, in the query.
    private func reason(_ query: Query, _ json: [UInt8]) throws(Rejection) -> String {
        let named = query.text("reason")
        let written = json.isEmpty ? nil : try ReasonBody.reason(json)
        if named != nil, written != nil {
            throw .invalid("reason", "the reason in the body or in the query, not in both")
        }
        guard let reason = named ?? written else {
            throw .missing("reason", ReasonBody.expectation)
        }
        return try ReasonBody.checked(reason)
    }

    /// The answer to a change that has nothing to do: the grant as it was made, and the balance now.
    private func standing(
        _ subject: SubjectID, _ id: GrantID?
    ) async throws -> (grant: CreditGrant?, balance: Int64) {
        let balance = try await engine.wallet(of: subject).balance
        return (try await engine.grant(id, of: subject), balance)
    }

    // MARK: Refunds

    private func refund(_ request: Request, _ context: ServerContext) async throws -> Response {
        let subject: SubjectID = try context.parameter("subject")
        let (reference, reason) = try RefundBody.read(try await request.json())
        let credited = try await engine.credit(
            .refundCredit(subject, reference: reference, reason: reason), request,
            missing: [.unknownReference])
        return Response(
            CreditAnswer(
                amount: credited.receipt?.amount ?? 0, balance: credited.receipt?.balance ?? 0),
            Shapes.refunded, headers: credited.headers)
    }
}

// MARK: - Engine

extension MeterstoneEngine {
    /// Changes a subject's credits; without a receipt there was nothing to do.
    fileprivate func credit(
        _ change: Change, _ request: Request, missing: Set<Rejection.Code> = []
    ) async throws -> (receipt: CreditReceipt?, headers: HTTPFields) {
        let answer = try await self.change(try request.change(change))
        var headers = answer.isReplay ? HTTPFields.replayed : HTTPFields()
        headers[.outcome] = answer.outcome.word
        switch answer.outcome {
        case .credited(let receipt): return (receipt, headers)
        case .rejected(let rejection): throw Problem(rejection, missing: missing)
        case .created, .replaced, .unchanged, .deleted, .missing: return (nil, headers)
        }
    }

    /// A grant of a subject as it was made. One that is used up or void is looked for in the ledger,
    /// page by page, which only repeats of old requests come to.
    fileprivate func grant(
        _ id: GrantID?, of subject: SubjectID
    ) async throws -> CreditGrant? {
        guard let id else { return nil }
        let open = try await wallet(of: subject).grants.first { $0.grant.id == id }
        if let open { return open.grant }
        var before: Int64?
        repeat {
            let page = try await ledger(
                of: subject, before: before, count: RequestLimits.pageItemsMax)
            let entry = page.entries.first { $0.entry.grant?.id == id }
            if let entry { return entry.entry.grant }
            before = page.next
        } while before != nil
        return nil
    }
}
