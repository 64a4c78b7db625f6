public import MeterstoneCore
public import MeterstoneStore

/// Telling how requests ended.
extension RequestTracker {
    /// Ends a request. The same again gets the first answer.
    public func finish(_ end: RequestEnd) async throws(StoreError) -> RequestEndOutcome {
        guard let outcome = try await finish([end]).first else { throw .unexpectedOutcome }
        return outcome
    }

    /// Ends requests, with one commit for all. Each is decided by itself.
    public func finish(_ ends: [RequestEnd]) async throws(StoreError) -> [RequestEndOutcome] {
        var outcomes = try await endOnce(ends)
        // Somebody else may have told the same end in between; then it is known as a repeat now.
        let again = outcomes.indices.filter { index in
            guard case .conflict(let request) = outcomes[index] else { return false }
            return request.isEnd(ends[index], storedText)
        }
        guard !again.isEmpty else { return outcomes }
        let others = try await endOnce(again.map { ends[$0] })
        for (index, outcome) in zip(again, others) { outcomes[index] = outcome }
        return outcomes
    }

    private func endOnce(_ ends: [RequestEnd]) async throws(StoreError) -> [RequestEndOutcome] {
        let found = try await reservations(ends.map(\.id))
        let now = engine.clock()
        var outcomes: [RequestEndOutcome?] = []
        var requests: [TrackedRequest?] = []
        for (end, reservation) in zip(ends, found) {
            let request = reservation.flatMap { TrackedRequest($0, at: now) }
            requests.append(request)
            var outcome = refusal(of: end, reservation, request)
            if let request, try await isErased(request.subject) { outcome = .unknown(end.id) }
            if case .unknown(let id)? = outcome, let told = try await self.told(id) {
                outcome = .conflict(told.request)
            }
            outcomes.append(outcome)
        }
        let prices = try await prices(for: ends, requests, outcomes)
        let meters = try await meters(for: ends, found)
        var commands: [Command] = []
        var places: [Int] = []
        for index in ends.indices where outcomes[index] == nil {
            guard let reservation = found[index], let request = requests[index] else { continue }
            var ended = request
            let isEnding = request.status == .pending || reservation.status == .expired
            if isEnding {
                ended = request.ended(by: ends[index], storedText)
                ended.price(
                    by: prices, or: request.cost,
                    keepsEstimate: (reservation.terms.onAbort ?? meters.costOnAbort) == .reserved)
            }
            // Of a repeat, it was found out already that it tells the same.
            let details = isEnding ? try ended.details() : nil
            commands.append(
                .close(
                    ReservationClosing(
                        id: ends[index].id,
                        end: .settle(
                            ends[index].quantities(for: reservation, meters)),
                        details: details)))
            places.append(index)
        }
        for (place, outcome) in zip(places, try await engine.committer.commit(commands)) {
            guard case .reservation(let closed) = outcome else { throw .unexpectedOutcome }
            outcomes[place] = self.outcome(of: closed, ends[place])
        }
        return outcomes.compactMap(\.self)
    }

    private func refusal(
        of end: RequestEnd, _ reservation: Reservation?, _ request: TrackedRequest?
    ) -> RequestEndOutcome? {
        if let rejection = end.rejection { return .rejected(rejection) }
        guard let request, let reservation else { return .unknown(end.id) }
        // An end that comes after its time is taken, too.
        if request.status == .pending || reservation.status == .expired { return nil }
        let isRepeat = reservation.status == .settled && request.isEnd(end, storedText)
        return isRepeat ? nil : .conflict(request)
    }

    /// What meters say of tokens, read only when an end asks for it: one that comes late, since what has
    /// expired does not say whether tokens were set aside, or one of a request that was aborted.
    private func meters(
        for ends: [RequestEnd], _ found: [Reservation?]
    ) async throws(StoreError) -> TokenMeters {
        let isNeeded =
            ends.contains { $0.status != .completed }
            || found.contains { $0?.status == .expired }
        guard isNeeded else { return TokenMeters(areThere: false, onAbort: nil) }
        let catalog = try await engine.view(of: nil).catalog
        return TokenMeters(
            areThere: catalog.knows(quantity: Self.tokens),
            onAbort: catalog.abortTerms(of: Self.tokens).policy,
            costOnAbort: catalog.costMeters.lazy.compactMap(\.meter.onAbort).first)
    }

    /// The models' prices, read only when there is something to price.
    private func prices(
        for ends: [RequestEnd], _ requests: [TrackedRequest?], _ outcomes: [RequestEndOutcome?]
    ) async throws(StoreError) -> RequestPrices {
        let isNeeded = ends.indices.contains { index in
            outcomes[index] == nil && requests[index]?.model != nil && ends[index].cost == nil
                && ends[index].tokens != nil
        }
        return RequestPrices(isNeeded ? try await engine.blueprint().models : [])
    }

    private func outcome(of closed: ReservationOutcome, _ end: RequestEnd) -> RequestEndOutcome {
        let now = engine.clock()
        switch closed {
        case .rejected(let rejection):
            return rejection.code == .unknownReservation ? .unknown(end.id) : .rejected(rejection)
        case .conflict(let reservation):
            return TrackedRequest(reservation, at: now).map { .conflict($0) } ?? .unknown(end.id)
        case .denied: return .unknown(end.id)
        case .done(let answer):
            guard let request = TrackedRequest(answer.reservation, at: now) else {
                return .unknown(end.id)
            }
            return .done(
                EndedRequest(
                    request: request, limits: answer.limits, credits: answer.credits,
                    isDuplicate: answer.isDuplicate))
        }
    }

    // MARK: Rating

    /// Rates a request that has ended, as a correction of its event.
    public func rate(_ id: EventID, _ rating: Int) async throws(StoreError) -> RequestEndOutcome {
        guard RequestEnd.ratings.contains(rating) else { return .rejected(.invalidRating) }
        var request: TrackedRequest
        let quantities: Quantities
        if let reservation = try await reservations([id]).first ?? nil {
            guard let found = TrackedRequest(reservation, at: engine.clock()),
                try await !isErased(found.subject)
            else { return .unknown(id) }
            guard found.status != .pending else { return .rejected(.ratingTooEarly) }
            guard reservation.status == .settled else { return .rejected(.ratingExpired) }
            (request, quantities) = (found, reservation.quantities)
        } else {
            guard let told = try await self.told(id) else { return .unknown(id) }
            (request, quantities) = told
        }
        let isDuplicate = request.rating == rating
        request.rating = rating
        if !isDuplicate {
            let outcome = try await engine.correct(
                Correction(
                    eventID: id, kind: .amend(quantities, try request.details()),
                    author: Self.author, reason: "rated \(rating)"))
            if case .rejected(let rejection) = outcome { return .rejected(rejection) }
        }
        return .done(
            EndedRequest(request: request, limits: [], credits: nil, isDuplicate: isDuplicate))
    }

    /// Reservations as they stand, in the order of the ids.
    func reservations(_ ids: [EventID]) async throws(StoreError) -> [Reservation?] {
        try await engine.look(ids.map { .reservation($0, source: nil) }).map {
            (answer) throws(StoreError) in
            guard case .found(let reservation) = answer else { throw .unexpectedOutcome }
            return reservation
        }
    }
}

/// Whether somebody counts tokens, and what counts of a request that was aborted.
private struct TokenMeters {
    var areThere: Bool
    var onAbort: AbortPolicy?
    /// The same of costs.
    var costOnAbort: AbortPolicy?
}

extension RequestEnd {
    /// What counts in the place of what was set aside. Tokens that nobody told stay as they were set
    /// aside, unless nothing came of the request and nobody wants the estimate to count then.
    fileprivate func quantities(for reservation: Reservation, _ meters: TokenMeters) -> Quantities {
        let hasTokens =
            reservation.status == .expired
            ? meters.areThere : reservation.quantities[RequestTracker.tokens] != nil
        guard hasTokens else { return .none }
        if let tokens { return .one(RequestTracker.tokens, Quantity(tokens.used)) }
        let staysAsSetAside =
            status == .completed
            || (reservation.terms.onAbort ?? meters.onAbort) == .reserved
        return staysAsSetAside ? .none : .one(RequestTracker.tokens, .zero)
    }
}

extension TrackedRequest {
    /// The request once its end is told, without a price.
    fileprivate func ended(by end: RequestEnd, _ storedText: StoredText) -> TrackedRequest {
        var request = self
        request.status =
            switch end.status {
            case .completed: .completed
            case .failed: .failed
            case .cancelled: .cancelled
            }
        request.response = storedText.kept(of: end.response)
        request.tokens = end.tokens
        request.cost = end.cost.map { RequestCost($0, .given) }
        request.durationMilliseconds = end.durationMilliseconds
        request.error = end.error
        request.rating = end.rating
        request.ratingAtEnd = end.rating
        return request
    }

    /// - Parameters:
    ///   - estimate: from its start.
    ///   - keepsEstimate: whether it counts also where the request was aborted.
    fileprivate mutating func price(
        by prices: RequestPrices, or estimate: RequestCost?, keepsEstimate: Bool
    ) {
        guard cost == nil else { return }
        if let money = prices.cost(of: self) {
            cost = RequestCost(money, .priced)
        } else if let estimate {
            // Of what came to nothing nobody knows a cost, and none is counted.
            cost =
                status == .completed || keepsEstimate
                ? estimate : RequestCost(.zero, .estimated)
        }
    }

    /// Whether this request ended so. Prices and later ratings play no part.
    fileprivate func isEnd(_ end: RequestEnd, _ storedText: StoredText) -> Bool {
        var told = self
        if told.cost?.source != .given { told.cost = nil }
        told.rating = told.ratingAtEnd
        return told == told.ended(by: end, storedText)
    }
}

extension Rejection {
    fileprivate static let ratingTooEarly = Rejection(
        code: .reservationOpen, field: "requestId",
        message: "expected a request that has ended; until then its end brings the rating")

    fileprivate static let ratingExpired = Rejection(
        code: .reservationClosed, field: "requestId",
        message: "expected a request whose end was told, and this one has none")
}
