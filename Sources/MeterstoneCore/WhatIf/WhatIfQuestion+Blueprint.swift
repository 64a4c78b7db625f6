extension WhatIfQuestion {
    /// The meters, plans and limits that decide what the question asks: those limits alone that
    /// refuse, and the meters that they limit. Nothing costs credits.
    ///
    /// - Parameter blueprint: what decides now, with what the environment says of allowances.
    package func blueprint(from blueprint: Blueprint) throws(Rejection) -> Blueprint {
        try checkSpan()
        try checkBounds()
        guard allLimits || !limits.isEmpty || !allowances.isEmpty || !plans.isEmpty else {
            throw Rejection(
                code: .missingField, field: "limits",
                message: "expected a limit, an allowance or a plan that would have been another, "
                    + "or allLimits")
        }
        var result = blueprint
        for index in limits.indices { try put(index, in: &result) }
        for index in allowances.indices { try change(index, in: &result) }
        for (index, change) in plans.enumerated() where !result.knows(plan: change.plan) {
            throw .unknown(change.plan, "plans[\(index)].plan")
        }
        let named = Set(limits.map(\.key) + allowances.map(\.limit))
        let isAnyLimit = allLimits || named.isEmpty
        result.limits = result.limits.filter { limit in
            limit.mode == .enforce && limit.active && limit.window != .concurrent
                && (isAnyLimit || named.contains(limit.key))
        }
        guard !result.limits.isEmpty else {
            throw Rejection(
                code: .missingField, field: "limits",
                message: "expected at least one limit, since there is none that enforces")
        }
        let limited = Set(result.limits.map(\.meter))
        for index in result.limits.indices { result.limits[index].rollout = nil }
        result.meters.removeAll { !limited.contains($0.key) }
        result.credits = nil
        result.switches = nil
        result.models = []
        return result
    }

    private func checkSpan() throws(Rejection) {
        guard let from, let until, until <= from else { return }
        throw Rejection(
            code: .invalidField, field: "until", message: "expected an instant later than from")
    }

    private func checkBounds() throws(Rejection) {
        for (field, number, range) in [
            ("subjectsMax", subjectsMax, Self.subjectsRange),
            ("refusalsMax", refusalsMax, Self.refusalsRange),
        ] where !range.contains(number) {
            throw Rejection(
                code: .invalidField, field: field,
                message: "expected a whole number from 0 to \(range.upperBound)")
        }
    }

    private func put(_ index: Int, in blueprint: inout Blueprint) throws(Rejection) {
        let place = "limits[\(index)]"
        guard limits[index].rollout == nil else {
            throw Rejection(
                code: .invalidField, field: "\(place).rollout",
                message: "expected none: a limit is played as if it held for everybody")
        }
        let limit = limits[index].enforcing
        if limits[..<index].contains(where: { $0.key == limit.key }) {
            throw Rejection(
                code: .invalidField, field: "\(place).key", message: "expected each limit once")
        }
        let (changed, outcome) = blueprint.applying(.putLimit(limit))
        if case .rejected(let rejection) = outcome {
            throw Rejection(
                code: rejection.code, field: "\(place).\(rejection.field)",
                message: rejection.message)
        }
        if limit.window == .concurrent { throw .concurrent("\(place).window") }
        blueprint = changed
    }

    private func change(_ index: Int, in blueprint: inout Blueprint) throws(Rejection) {
        let change = allowances[index]
        let place = "allowances[\(index)]"
        guard let number = blueprint.limits.firstIndex(where: { $0.key == change.limit }) else {
            throw Rejection(
                code: .unknownLimit, field: "\(place).limit",
                message: "expected the key of a limit, and there is none called '\(change.limit)'")
        }
        var limit = blueprint.limits[number].enforcing
        if limit.window == .concurrent { throw .concurrent("\(place).limit") }
        switch (change.plan, change.allowance) {
        case (let plan?, let allowance?):
            guard blueprint.knows(plan: plan) else { throw .unknown(plan, "\(place).plan") }
            limit.allowances[plan] = allowance
            // The question is what would be if it were so all the time.
            for place in limit.scheduled.indices { limit.scheduled[place].allowances[plan] = nil }
        case (nil, let allowance?):
            limit.allowances = [:]
            limit.defaultAllowance = allowance
            limit.scheduled = []
        case (_?, nil):
            throw Rejection(
                code: .missingField, field: "\(place).allowance",
                message: "expected a whole number from 0, or -1 for unlimited")
        case (nil, nil): break
        }
        blueprint.limits[number] = limit
    }
}

extension Limit {
    /// The same limit, refusing.
    fileprivate var enforcing: Limit {
        var result = self
        result.mode = .enforce
        result.active = true
        return result
    }
}

extension Rejection {
    fileprivate static func unknown(_ plan: PlanKey, _ field: String) -> Rejection {
        Rejection(
            code: .unknownPlan, field: field,
            message: "expected the key of a plan, and there is none called '\(plan)'")
    }

    fileprivate static func concurrent(_ field: String) -> Rejection {
        Rejection(
            code: .invalidField, field: field,
            message: "expected another window than concurrent: how long reservations were open is "
                + "not played again")
    }
}
