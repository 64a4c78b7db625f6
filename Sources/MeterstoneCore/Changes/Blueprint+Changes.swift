extension Limit {
    /// Whether it says what a plan allows, now or later.
    package func names(_ plan: PlanKey) -> Bool {
        allowances[plan] != nil || scheduled.contains { $0.names(plan) }
    }
}

extension Blueprint {
    /// Whether limits and subjects may refer to a plan: it was written, or a limit names it.
    public func knows(plan: PlanKey) -> Bool {
        plans.contains { $0.key == plan }
            || limits.contains { $0.names(plan) }
    }

    /// What it would come to after a change of a meter, plan or limit; other changes leave it.
    package func applying(_ change: Change) -> (blueprint: Blueprint, outcome: ChangeOutcome) {
        var result = self
        let outcome: ChangeOutcome
        switch change {
        case .putMeter(let meter):
            if let rejection = reject(meter) { return (self, .rejected(rejection)) }
            outcome = result.meters.put(meter, by: \.key)
        case .deleteMeter(let key):
            if let limit = limits.first(where: { $0.meter == key }) {
                return (self, .rejected(.inUse("limit '\(limit.key)' counts this meter")))
            }
            if credits?.prices[key] != nil {
                return (self, .rejected(.inUse("this meter has a price in credits")))
            }
            if let use = statistics?.meterUses.first(where: { $0.meter == key }) {
                return (self, .rejected(.inUse("the statistics policy names it: \(use.field)")))
            }
            if let alert = alerts.first(where: { $0.unusual.contains(key) }) {
                return (self, .rejected(.inUse("alert '\(alert.key)' watches this meter")))
            }
            outcome = result.meters.delete(key, by: \.key)
        case .putPlan(let plan):
            if let rejection = plan.mistake { return (self, .rejected(rejection)) }
            if plan.isDefault,
                let other = plans.first(where: { $0.isDefault && $0.key != plan.key })
            {
                return (self, .rejected(.secondDefault(other.key)))
            }
            outcome = result.plans.put(plan, by: \.key)
        case .deletePlan(let key): outcome = result.plans.delete(key, by: \.key)
        case .putLimit(let limit):
            if let rejection = reject(limit) { return (self, .rejected(rejection)) }
            outcome = result.limits.put(limit, by: \.key)
        case .deleteLimit(let key):
            if let alert = alerts.first(where: { $0.limits.contains(key) }) {
                return (self, .rejected(.inUse("alert '\(alert.key)' watches this limit")))
            }
            outcome = result.limits.delete(key, by: \.key)
        case .putCreditPolicy(let policy):
            if let rejection = reject(policy) { return (self, .rejected(rejection)) }
            outcome = credits == nil ? .created : credits == policy ? .unchanged : .replaced
            result.credits = policy
        case .deleteCreditPolicy:
            outcome = credits == nil ? .missing : .deleted
            result.credits = nil
        case .putStatisticsPolicy(let policy):
            if let rejection = reject(policy) { return (self, .rejected(rejection)) }
            outcome = statistics == nil ? .created : statistics == policy ? .unchanged : .replaced
            result.statistics = policy
        case .deleteStatisticsPolicy:
            outcome = statistics == nil ? .missing : .deleted
            result.statistics = nil
        case .putSwitches(let switches):
            if let (field, expectation) = switches.mistake {
                return (
                    self,
                    .rejected(
                        Rejection(
                            code: .invalidField, field: field, message: "expected \(expectation)"))
                )
            }
            outcome =
                self.switches == nil ? .created : self.switches == switches ? .unchanged : .replaced
            result.switches = switches
        case .deleteSwitches:
            outcome = self.switches == nil ? .missing : .deleted
            result.switches = nil
        case .putModel(let model):
            if let expectation = model.expectation
                ?? model.prices.lazy.compactMap(\.mistake).first?
                .expectation
            {
                return (
                    self,
                    .rejected(Rejection(code: .invalidField, field: "prices", message: expectation))
                )
            }
            outcome = result.models.put(model, by: \.key)
        case .deleteModel(let key): outcome = result.models.delete(key, by: \.key)
        case .putKey(let key):
            if let rejection = key.mistake { return (self, .rejected(rejection)) }
            outcome = result.keys.put(key, by: \.key)
        case .deleteKey(let key): outcome = result.keys.delete(key, by: \.key)
        case .putAlert(let alert):
            if let rejection = alert.mistake ?? reject(alert) {
                return (self, .rejected(rejection))
            }
            outcome = result.alerts.put(alert, by: \.key)
        case .deleteAlert(let key): outcome = result.alerts.delete(key, by: \.key)
        case .putWebhook(let webhook):
            if let rejection = webhook.mistake { return (self, .rejected(rejection)) }
            if webhook.mailAddress != nil,
                let alert = alerts.first(where: {
                    $0.refill != nil && $0.webhooks.contains(webhook.key)
                })
            {
                return (self, .rejected(.inUse("refill '\(alert.key)' needs an answer of it")))
            }
            outcome = result.webhooks.put(webhook, by: \.key)
        case .deleteWebhook(let key):
            if let alert = alerts.first(where: { $0.webhooks.contains(key) }) {
                return (self, .rejected(.inUse("alert '\(alert.key)' is sent to this webhook")))
            }
            outcome = result.webhooks.delete(key, by: \.key)
        case .rotateKey(let old, let new, let end):
            guard let index = keys.firstIndex(where: { $0.key == old }) else {
                return (self, .missing)
            }
            if let rejection = new.mistake { return (self, .rejected(rejection)) }
            if old == new.key {
                return (self, .rejected(.invalidAccess("key", "another key than the old one")))
            }
            if let end {
                result.keys[index] = keys[index].ending(at: end)
            } else {
                result.keys.remove(at: index)
            }
            _ = result.keys.put(new, by: \.key)
            outcome = .replaced
        case .putAdministrator(let administrator):
            if let rejection = administrator.mistake { return (self, .rejected(rejection)) }
            outcome = result.administrators.put(administrator, by: \.email)
        case .deleteAdministrator(let email):
            outcome = result.administrators.delete(email, by: \.email)
        case .putSession(let session): outcome = result.sessions.put(session, by: \.id)
        case .deleteSession(let id): outcome = result.sessions.delete(id, by: \.id)
        case .noteUses(let seen):
            let merged = (uses ?? AccessUses()).merged(with: seen).keeping(self)
            outcome = uses == nil ? .created : uses == merged ? .unchanged : .replaced
            result.uses = merged
        case .closeMonth(_, let closed):
            outcome = closed == nil ? .unchanged : .created
            if let closed { result.closedMonths.append(closed) }
        default: outcome = .unchanged
        }
        return (result, outcome)
    }

    private func reject(_ alert: Alert) -> Rejection? {
        for (place, key) in alert.limits.enumerated()
        where !limits.contains(where: { $0.key == key }) {
            return Rejection(
                code: .unknownLimit, field: "limits[\(place)]",
                message: "expected the key of a limit, and there is none called '\(key)'")
        }
        for (place, key) in alert.unusual.enumerated()
        where !meters.contains(where: { $0.key == key }) {
            return Rejection(
                code: .unknownMeter, field: "unusual[\(place)]",
                message: "expected the key of a meter, and there is none called '\(key)'")
        }
        for (place, key) in alert.plans.enumerated() where !knows(plan: key) {
            return Rejection(
                code: .unknownPlan, field: "plans[\(place)]",
                message: "expected the key of a plan, and there is none called '\(key)'")
        }
        for (place, key) in alert.webhooks.enumerated() {
            guard let webhook = webhooks.first(where: { $0.key == key }) else {
                return Rejection(
                    code: .unknownWebhook, field: "webhooks[\(place)]",
                    message: "expected the key of a webhook, and there is none called '\(key)'")
            }
            if alert.refill != nil, webhook.mailAddress != nil {
                return Rejection(
                    code: .invalidField, field: "webhooks[\(place)]",
                    message: "expected a webhook that answers, and '\(key)' sends mail")
            }
        }
        return nil
    }

    private func reject(_ meter: Meter) -> Rejection? {
        if meter.aggregation == .uniqueCount, meter.uniqueDimension == nil {
            return Rejection(
                code: .missingField, field: "uniqueDimension",
                message: "expected the dimension whose distinct values uniqueCount counts")
        }
        if let (field, expectation) = meter.costMistake {
            return Rejection(
                code: .invalidField, field: field, message: "expected \(expectation)")
        }
        if meter.abortMinimum < 0 {
            return Rejection(
                code: .invalidField, field: "abortMinimum",
                message: "expected a whole number from 0")
        }
        if let rejection = rejectNames(of: meter) { return rejection }
        if meter.countedStatuses.isEmpty {
            return Rejection(
                code: .invalidField, field: "countedStatuses", message: "expected at least one")
        }
        if let use = statistics?.meterUses.first(where: {
            $0.meter == meter.key && !$0.accepts(meter.aggregation)
        }) {
            return Rejection(
                code: .invalidField, field: "aggregation",
                message: "the statistics policy needs \(use.expectation): \(use.field)")
        }
        guard !meter.canRoll else { return nil }
        if meter.aggregation == .integral,
            let limiting = limits.first(where: { $0.meter == meter.key })
        {
            return Rejection(
                code: .invalidField, field: "aggregation",
                message: "expected another than integral, since limit '\(limiting.key)' bounds "
                    + "the meter")
        }
        if let summing = limits.first(where: { $0.meter == meter.key && $0.window.needsSum }) {
            return Rejection(
                code: .invalidField, field: "aggregation",
                message: "expected sum or count, since limit '\(summing.key)' has the window "
                    + "'\(summing.window)'")
        }
        if let carrying = limits.first(where: { $0.meter == meter.key && $0.carries }) {
            return Rejection(
                code: .invalidField, field: "aggregation",
                message: "expected sum or count, since limit '\(carrying.key)' carries over")
        }
        if let telling = limits.first(where: { $0.meter == meter.key && $0.perValue != nil }) {
            return Rejection(
                code: .invalidField, field: "aggregation",
                message: "expected sum or count, since limit '\(telling.key)' is per value")
        }
        if credits?.prices[meter.key] != nil {
            return Rejection(
                code: .invalidField, field: "aggregation",
                message: "expected sum or count, since the meter has a price in credits")
        }
        return nil
    }

    /// One name means one meter.
    private func rejectNames(of meter: Meter) -> Rejection? {
        for other in meters where other.key != meter.key {
            if let alias = meter.aliases.first(where: { other.names.contains($0) }) {
                return Rejection(
                    code: .invalidField, field: "aliases",
                    message: "'\(alias)' is a name of the meter '\(other.key)' already")
            }
            if other.aliases.contains(meter.key) {
                return Rejection(
                    code: .invalidField, field: "key",
                    message: "'\(meter.key)' is an alias of the meter '\(other.key)'")
            }
        }
        guard meter.aliases.count <= Meter.aliasesMax else {
            return Rejection(
                code: .invalidField, field: "aliases",
                message: "expected at most \(Meter.aliasesMax) aliases")
        }
        return nil
    }

    private func reject(_ limit: Limit) -> Rejection? {
        guard let meter = meters.first(where: { $0.key == limit.meter }) else {
            return Rejection(
                code: .unknownMeter, field: "meter",
                message: "expected the key of a meter, and there is none called '\(limit.meter)'")
        }
        if meter.aggregation == .integral {
            return Rejection(
                code: .invalidField, field: "meter",
                message: "expected a meter that is no integral, which grows without any event: "
                    + "a limit bounds the gauge itself")
        }
        if limit.window.needsSum, !meter.canRoll {
            return Rejection(
                code: .invalidField, field: "window",
                message: "the window '\(limit.window)' needs a meter that is a sum or a count")
        }
        if let (field, expectation) = limit.carryingMistake(of: meter) {
            return Rejection(
                code: .invalidField, field: field, message: "expected \(expectation)")
        }
        if let mistake = limit.scheduleMistake { return mistake }
        if let place = LimitSubjects.mistake(in: limit.subjects) {
            return Rejection(
                code: .invalidField, field: "subjects[\(place)]",
                message: "expected \(LimitSubjects.expectation)")
        }
        if let (field, expectation) = limit.rollout?.mistake {
            return Rejection(
                code: .invalidField, field: field, message: "expected \(expectation)")
        }
        guard let perValue = limit.perValue else { return nil }
        if !meter.canRoll {
            return Rejection(
                code: .invalidField, field: "per",
                message: "a limit per value needs a meter that is a sum or a count")
        }
        if let (field, expectation) = perValue.mistake(in: limit.window) {
            return Rejection(
                code: .invalidField, field: field, message: "expected \(expectation)")
        }
        if limit.blockWhenExceeded {
            return Rejection(
                code: .invalidField, field: "blockWhenExceeded",
                message: "expected false beside 'per': one full value says nothing of the others")
        }
        return nil
    }

    private func reject(_ policy: StatisticsPolicy) -> Rejection? {
        if let (field, expectation) = policy.mistake {
            return Rejection(
                code: .invalidField, field: field, message: "expected \(expectation)")
        }
        for use in policy.meterUses {
            guard let meter = meters.first(where: { $0.key == use.meter }) else {
                return Rejection(
                    code: .unknownMeter, field: use.field,
                    message: "expected the key of a meter, and there is none called '\(use.meter)'")
            }
            guard use.accepts(meter.aggregation) else {
                return Rejection(
                    code: .invalidField, field: use.field, message: "expected \(use.expectation)")
            }
        }
        return nil
    }

    private func reject(_ policy: CreditPolicy) -> Rejection? {
        for key in policy.prices.keys.sorted() {
            guard let meter = meters.first(where: { $0.key == key }) else {
                return Rejection(
                    code: .unknownMeter, field: "prices.\(key)",
                    message: "expected the key of a meter, and there is none called '\(key)'")
            }
            guard meter.canRoll else {
                return Rejection(
                    code: .invalidField, field: "prices.\(key)",
                    message: "a price needs a meter that is a sum or a count")
            }
        }
        return nil
    }
}

extension Meter {
    /// What is wrong with what it counts, if something is.
    package var costMistake: (field: String, expectation: String)? {
        guard counts == .cost else {
            return withoutCost == .nothing
                ? nil : ("withoutCost", "nothing, since the meter does not count cost")
        }
        if aggregation != .sum { return ("aggregation", "sum, since costs are added up") }
        return quantityName == nil
            ? nil : ("quantityName", "nothing, since the meter counts cost")
    }

    /// Whether windows may roll over this meter.
    public var canRoll: Bool { aggregation == .sum || aggregation == .count }
}

extension Window {
    public var isRolling: Bool {
        if case .rolling = self { return true }
        return false
    }

    /// Whether what counts in it is known by the instants of use, and stands in no row.
    package var isOfInstants: Bool {
        switch self {
        case .rolling, .sinceFirst: true
        default: false
        }
    }

    /// Whether a limit with this window can only bound a sum or a count.
    package var needsSum: Bool { isOfInstants || self == .request || self == .concurrent }
}

extension Plan {
    /// What is wrong with its credits or its price, if something is.
    package var mistake: Rejection? {
        if let price, !Self.priceRange.contains(price.millionths) {
            return Rejection(
                code: .invalidField, field: "price",
                message: "expected millionths from 0 to \(Self.priceRange.upperBound)")
        }
        if let mistake = scheduleMistake { return mistake }
        if !CreditPolicy.priceRange.contains(overdraft) {
            return Rejection(
                code: .invalidField, field: "overdraft",
                message: "expected a whole number from 0 to \(CreditPolicy.priceRange.upperBound)")
        }
        if let pastDueGraceDays, !Self.graceDaysRange.contains(pastDueGraceDays) {
            return Rejection(
                code: .invalidField, field: "pastDueGraceDays",
                message: "expected a whole number from 0 to \(Self.graceDaysRange.upperBound)")
        }
        if let mistake = featureMistake { return mistake }
        if let (field, expectation) = additions.mistake {
            return Rejection(
                code: .invalidField, field: "additions\(field)", message: "expected \(expectation)")
        }
        for (index, grant) in recurringGrants.enumerated() {
            if let (field, expectation) = grant.mistake {
                return Rejection(
                    code: .invalidField, field: "recurringGrants[\(index)].\(field)",
                    message: "expected \(expectation)")
            }
        }
        if Set(recurringGrants.map(\.window)).count < recurringGrants.count {
            return Rejection(
                code: .invalidField, field: "recurringGrants",
                message: "expected at most one grant for each window")
        }
        return nil
    }

    private var featureMistake: Rejection? {
        if features.count > PlanFeature.countMax {
            return Rejection(
                code: .invalidField, field: "features",
                message: "expected at most \(PlanFeature.countMax)")
        }
        for name in features.keys.sorted()
        where !(1...PlanFeature.textBytesMax).contains(name.utf8.count) {
            return Rejection(
                code: .invalidField, field: "features",
                message: "expected names of 1 to \(PlanFeature.textBytesMax) bytes")
        }
        return nil
    }
}

extension Rejection {
    fileprivate static func inUse(_ message: String) -> Rejection {
        Rejection(code: .inUse, field: "key", message: message)
    }

    fileprivate static func secondDefault(_ plan: PlanKey) -> Rejection {
        Rejection(
            code: .invalidField, field: "isDefault",
            message: "expected at most one default plan, and '\(plan)' is it")
    }
}

extension Array where Element: Equatable {
    fileprivate mutating func put<Key: Equatable>(
        _ element: Element, by key: (Element) -> Key
    ) -> ChangeOutcome {
        guard let index = firstIndex(where: { key($0) == key(element) }) else {
            append(element)
            return .created
        }
        if self[index] == element { return .unchanged }
        self[index] = element
        return .replaced
    }

    fileprivate mutating func delete<Key: Equatable>(
        _ wanted: Key, by key: (Element) -> Key
    ) -> ChangeOutcome {
        guard let index = firstIndex(where: { key($0) == wanted }) else { return .missing }
        remove(at: index)
        return .deleted
    }
}
