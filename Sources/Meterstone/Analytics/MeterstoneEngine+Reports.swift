public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// Answers any of the operator's questions, as columns and values. Each has a method of its own as
    /// well, whose rows have types.
    public func report(
        _ topic: ReportTopic, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportAnswer {
        let name = topic.name
        switch topic {
        case .top(let meter): return .init(try await topSubjects(of: meter, question), name)
        case .trends(let meters, let window):
            return .init(try await trends(of: meters, per: window, question), name)
        case .usage(let meter, let facet):
            return .init(try await usage(of: meter, by: facet, question), name)
        case .funnel(let types, let order):
            return .init(try await funnel(of: types, order, question), name)
        case .funnelOfMeters(let meters, let order):
            return .init(try await funnel(ofMeters: meters, order, question), name)
        case .errors(let least):
            return .init(try await errorRates(minimumEvents: least, question), name)
        case .adoption(let meters):
            return .init(try await featureAdoption(of: meters, question), name)
        case .powerUsers(let meter, let percent):
            return .init(try await powerUsers(of: meter, percent: percent, question), name)
        case .idle(let days): return .init(try await idleSubjects(days: days, question), name)
        case .limits: return .init(try await limitPressure(question), name)
        case .limitSubjects(let limit):
            return .init(try await limitMeetings(of: limit, question), name)
        case .unusual(let meter, let date):
            return .init(try await unusualUsage(of: meter, on: date, question), name)
        case .overage(let limit): return .init(try await overage(of: limit, question), name)
        case .unmetered: return .init(try await unmeteredEvents(question), name)
        case .retention(let window, let meter):
            return .init(try await retention(per: window, of: meter, question), name)
        case .featureRetention(let meters, let window):
            return .init(try await featureRetention(of: meters, per: window, question), name)
        case .sessions: return .init(try await sessionQuality(question), name)
        case .featureValue(let meters):
            return .init(try await featureValue(of: meters, question), name)
        case .plans(let meter): return .init(try await planEconomics(of: meter, question), name)
        }
    }
}

extension ReportAnswer {
    fileprivate init(_ outcome: ReportOutcome<some ReportRow>, _ name: ReportName) {
        switch outcome {
        case .report(let report): self = .table(ReportTable(report, name))
        case .rejected(let rejection): self = .rejected(rejection)
        }
    }
}
