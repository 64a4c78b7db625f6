import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting

extension Simulation {
    /// Looks at every store. None writes down what the model does, so that a command has them do it then.
    mutating func look(_ looks: [Look]) throws {
        model.looked.removeAll()
        let expected = looks.map { model.look($0, at: world.now) }
        for (name, store) in try stores {
            let answers = try store.look(looks, at: world.now)
            for (index, look) in looks.enumerated() {
                try expect(answers[index].text, expected[index], "\(name), \(look.summary)")
                try expectSound(answers[index], "\(name), \(look.summary)")
            }
        }
        try writeExpired(of: model.looked)
    }

    mutating func compareUsage() throws {
        let id = world.pick(World.subjects + World.teams)
        let meter = world.pick(model.blueprint.meters)
        let window = world.pick([
            Window.minute, .hour, .day, .week(startsOn: .monday), .month, .quarter, .year,
            .billingMonth, .lifetime,
        ])
        let back: Int64 =
            switch window {
            case .minute: 7_200_000
            case .hour: 172_800_000
            default: 5_184_000_000
            }
        let zone = model.zone(id)
        let spans =
            window == .lifetime
            ? [.lifetime]
            : window.spans(
                from: world.now.advanced(byMilliseconds: -world.number(0...back)),
                until: world.now.advanced(
                    byMilliseconds: world.number(1...(window == .minute ? 600_000 : 90_000_000))),
                in: zone,
                anchors: model.profile(id).anchors, atMost: 1_000) ?? []
        let expected = spans.map { span in
            meter.aggregation == .gauge || meter.aggregation == .integral
                ? model.gauge(id, meter, in: span, world.now)
                : model.aggregate(
                    model.worths(id, meter, [:], in: span), meter.aggregation, at: world.now)
        }
        let now = world.now
        for (name, store) in try stores {
            let view = try store.view(of: id)
            let points = try store.read(view) { (source) throws(StoreError) in
                try UsageReader(view, source, now: now)
                    .points(of: meter, over: spans, window: window)
            }
            try expect(
                points.map(\.quantity.units), expected,
                "\(name), usage of \(meter.key) by \(id) per \(window)")
        }
    }

    mutating func compareEvents() throws {
        let id = world.pick(World.subjects + World.teams)
        let count = Int(world.number(3...40))
        let expected = model.events.enumerated()
            .filter { $0.element.event.subject == id || $0.element.ancestors.contains(id) }
            .sorted { ($0.element.at, $0.offset) > ($1.element.at, $1.offset) }
            .map(\.element.text)
        for (name, store) in try stores {
            var found: [String] = []
            var cursor: EventCursor?
            repeat {
                let view = try store.view(of: id)
                let page = try store.read(view) { (source) throws(StoreError) in
                    try UsageReader(view, source, now: .latest).events(before: cursor, count: count)
                }
                found += page.events.map(\.text)
                cursor = page.next
            } while cursor != nil
            try expect(found, expected, "\(name), events of \(id)")
        }
    }

    /// What every subject has, which every store must add up to.
    mutating func compareWallets() throws {
        try look((World.subjects + World.teams).map { .wallet($0) })
    }

    /// What every subject is subscribed to, and will be.
    mutating func compareSubscriptions() throws {
        for id in World.subjects + World.teams {
            var profile = model.profile(id)
            profile.settle(at: world.now)
            for (name, store) in try stores {
                let found = try store.view(of: id).subject?.profile.settled(at: world.now).subject
                try expect(
                    found?.subscriptions ?? [], profile.subscriptions, "\(name), plans of \(id)")
            }
        }
    }

    /// What is open, and what every limit says of it.
    mutating func compareReservations() throws {
        let ids = World.subjects + World.teams
        try look(ids.map { .openReservations($0) } + ids.map { .limits($0) })
    }

    /// Writes down what has expired, of subjects that the stores name.
    mutating func sweep() throws {
        let due = model.due(at: world.now)
        for (name, store) in try stores {
            let found = try store.subjectsDue(at: world.now, count: 100)
            try expect(due.filter { !found.contains($0) }, [], "\(name), subjects not swept")
        }
        try commit(due.map { .expire($0) })
        try expect(model.due(at: world.now), [], "subjects due after a sweep")
    }

    /// What holds of an answer whatever was asked.
    private func expectSound(_ answer: Look.Answer, _ what: String) throws {
        switch answer {
        case .wallet(let wallet):
            try expect(
                wallet.granted - wallet.spent - wallet.expired - wallet.voided - wallet.held,
                wallet.balance, "\(what), conservation")
        case .reservations(let reservations):
            try expect(
                reservations.filter { $0.status != .open || $0.expiresAt <= world.now }.map(\.text),
                [], "\(what), leaks")
        default: break
        }
    }
}

extension Subject {
    /// In a form that compares.
    fileprivate var subscriptions: [String] {
        ([subscription] + scheduled.map(\.subscription)).compactMap(\.self).map {
            "\($0.plan) \($0.status) from \($0.startsAt) until \($0.expiresAt?.rfc3339 ?? "-") "
                + "anchor \($0.billingAnchor?.rfc3339 ?? "-") \($0.causedAt?.rfc3339 ?? "-")"
        } + (billing?.turns ?? []).map { "\($0.at) \($0.anchor?.rfc3339 ?? "-") \($0.opensWindow)" }
    }
}

extension ModelEvent {
    fileprivate var text: String {
        "\(event.subject) \(at.rfc3339) \(event.quantities.pairs.map { "\($0.name)=\($0.quantity)" })"
            + " \(event.details?.type ?? "-") \(corrections.map { "\($0.kind) \($0.recordedAt)" })"
            + "\(credits.text) \(reservation.map { "\($0.status) \($0.expiresAt)" } ?? "")"
    }
}

extension RecordedEvent {
    fileprivate var text: String {
        var known = ModelEvent(
            event: event, told: event, at: event.occurredAt ?? .earliest, recordedAt: recordedAt,
            ancestors: [], corrections: corrections, credits: credits)
        known.reservation = reservation.map {
            ModelReservation(terms: $0.terms, expiresAt: $0.expiresAt, status: $0.status)
        }
        return known.text
    }
}
