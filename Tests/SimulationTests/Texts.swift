import MeterstoneCore
import MeterstoneStore

extension ModelStatus {
    /// A repeat shows the window's end by today's calendar, which is not what is compared.
    var withoutReset: ModelStatus {
        var result = self
        result.resetsAt = nil
        return result
    }
}

extension [ModelStatus] {
    var sortedByText: [ModelStatus] {
        sorted { ($0.ancestor?.text ?? "", $0.limit) < ($1.ancestor?.text ?? "", $1.limit) }
    }
}

extension ChangeOutcome {
    var text: String {
        switch self {
        case .rejected(let rejection): rejection.code.rawValue
        case .credited(let receipt): receipt.text
        default: "\(self)"
        }
    }
}

extension Outcome {
    /// In the words of ``Model/perform(_:at:)``.
    var text: String {
        switch self {
        case .consumed(.rejected(let rejection)): rejection.code.rawValue
        case .consumed(.conflict): "conflict"
        case .consumed(.decided(let decision)): decision.text
        case .recorded(.counted): "counted"
        case .recorded(.duplicate): "duplicate"
        case .recorded(.conflict): "conflict"
        case .recorded(.rejected(let rejection)): rejection.code.rawValue
        case .corrected(.corrected): "corrected"
        case .corrected(.unchanged): "unchanged"
        case .corrected(.rejected(let rejection)): rejection.code.rawValue
        case .changed(let outcome, _, let isReplay): (isReplay ? "again " : "") + outcome.text
        case .reserved(.rejected(let rejection)): rejection.code.rawValue
        case .reserved(.conflict): "conflict"
        case .reserved(.decided(let decision, let reservation)):
            decision.text + (reservation.map { " \($0.text)" } ?? "")
        case .reservation(let outcome): outcome.text
        case .expired(let count): "expired \(count)"
        }
    }
}

extension Look.Answer {
    /// In the words of ``Model/look(_:at:)``.
    var text: String {
        switch self {
        case .limits(let statuses): "\(statuses.map { ModelStatus($0) })"
        case .found(let reservation): reservation?.text ?? "none"
        case .reservations(let reservations): "\(reservations.map(\.text))"
        case .event: "event"
        case .wallet(let wallet): wallet.text
        case .differences: "compared"
        case .attempted: "attempted"
        case .standing: "stands"
        case .meters: "counted"
        }
    }
}

extension Decision {
    fileprivate var text: String {
        let limits = limits.map { ModelStatus($0) }
        if isDuplicate {
            return "duplicate \(limits.map(\.withoutReset).sortedByText)\(credits.text)"
        }
        switch denial?.reason {
        case .subjectBlocked(let id): return "blocked by \(id) \(limits)"
        case .featureOff(let name): return "without \(name)"
        case .limitExceeded: return denial.text(limits)
        case .insufficientCredits: return denial.text(limits) + credits.text
        case nil: return "allowed \(limits.sortedByText)\(credits.text)"
        }
    }
}

extension Denial? {
    fileprivate func text(_ limits: [ModelStatus]) -> String {
        let violated = Set(self?.violated ?? []).sorted()
        return self?.reason == .insufficientCredits
            ? "short beyond \(violated) \(limits.sortedByText)"
            : "denied by \(violated) \(limits.sortedByText)"
    }
}

extension ReservationOutcome {
    fileprivate var text: String {
        switch self {
        case .rejected(let rejection): return rejection.code.rawValue
        case .conflict(let reservation): return "conflict \(reservation.text)"
        case .denied(let denial, let limits, _):
            return Denial?.some(denial).text(limits.map { ModelStatus($0) })
        case .done(let answer):
            let limits = answer.limits.map { ModelStatus($0) }
            let shown = answer.isDuplicate ? limits.map(\.withoutReset) : limits
            return "\(answer.isDuplicate ? "duplicate" : "done") \(shown.sortedByText)"
                + "\(answer.credits.text) \(answer.reservation.text)"
        }
    }
}

extension Reservation {
    /// Without the id, which each store makes itself where the caller gave none.
    var text: String {
        "\(subject) \(status) \(quantities.text) reported \(reported.text) "
            + "\(reservedAt.rfc3339)-\(expiresAt.rfc3339) closed \(closedAt?.rfc3339 ?? "-")"
    }
}

extension CreditCharge {
    var text: String { " for \(amount) leaving \(balance) lacking \(shortfall)" }
}

extension CreditCharge? {
    var text: String { self?.text ?? "" }
}

extension Quantities {
    var text: String { "\(pairs.map { "\($0.name)=\($0.quantity)" })" }
}

extension Quantities? {
    var text: String { self?.text ?? "-" }
}

extension CreditReceipt {
    var text: String {
        "credited \(amount) balance \(balance) grant \(grant.map { $0.id.shown } ?? "-")"
    }
}

extension GrantID {
    /// Those that the engine made differ from store to store.
    var shown: String { text.utf8.count == 36 ? "-" : text }
}

extension Wallet {
    var text: String {
        let parts = grants.map {
            "\($0.grant.id.shown) \($0.remaining)+\($0.held)\($0.isScheduled ? " later" : "")"
        }
        return "balance \(balance) held \(held) granted \(granted) refunded \(refunded) "
            + "spent \(spent) expired \(expired) voided \(voided) debt \(debt) "
            + "shortfall \(shortfall) \(parts)"
    }
}

extension ModelWallet {
    var text: String {
        let parts = grants.filter(\.isOpen).sorted { $0.order < $1.order }.map { grant in
            "\(grant.id.shown) \(grant.usable)+\(grant.held.values.reduce(0, +))"
                + "\(grant.isScheduled ? " later" : "")"
        }
        return "balance \(balance) held \(held) granted \(given.reduce(0, +)) "
            + "refunded \(refunds.reduce(0, +)) spent \(spent) "
            + "expired \(expired.reduce(0, +)) voided \(voided.reduce(0, +)) debt \(debt) "
            + "shortfall \(shortfall) \(parts)"
    }
}

extension Command {
    var summary: String {
        switch self {
        case .consume(let event): "consume \(event.summary)"
        case .check(let event, let use): "check \(use) \(event.summary)"
        case .record(let event): "record \(event.summary)"
        case .correct(let correction): "correct \(correction.eventID) \(correction.kind)"
        case .change(let request): "\(request.change)"
        case .reserve(let event, let terms):
            "reserve \(event.summary) \(terms.milliseconds) \(terms.onExpiry) \(terms.onOverage)"
        case .extend(let more):
            "extend \(more.id) by \(more.milliseconds ?? 0) \(more.quantities.text) "
                + "reported \(more.reported.text)"
        case .close(let closing):
            "close \(closing.id) \(closing.end) \(closing.details?.type ?? "-")"
        case .expire(let id): "expire \(id)"
        }
    }
}

extension Look {
    var summary: String {
        switch self {
        case .limits(let id): "limits of \(id)"
        case .reservation(let id, _): "reservation \(id)"
        case .event(let id, _): "event \(id)"
        case .openReservations(let id): "open reservations of \(id)"
        case .compare(let event, _): "compare \(event.summary)"
        case .wallet(let id): "wallet of \(id)"
        case .standing(let id, let instant): "standing of \(id) at \(instant.rfc3339)"
        case .meters(let id): "meters of \(id)"
        case .attempt(let command): "attempt of \(command.summary)"
        }
    }
}

extension Command {
    /// Whether it changes nothing but what time alone changes.
    var isQuestion: Bool {
        if case .check = self { return true }
        return false
    }

    /// Which grants of a plan were joined into one and never had a line of their own, only the ledger
    /// knows.
    func comparable(_ text: String) -> String {
        guard case .change(let request) = self, case .voidGrant(_, let id, _) = request.change,
            id.text.hasPrefix("meterstone:plan-"), ["unknown_grant", "unchanged"].contains(text)
        else { return text }
        return "nothing to void"
    }
}

extension UsageEvent {
    var summary: String {
        "\(id?.text ?? "-") \(subject) \(occurredAt?.rfc3339 ?? "now") "
            + "\(quantities.pairs.map { "\($0.name)=\($0.quantity)" }) \(details?.type ?? "-") "
            + "\(details?.status.rawValue ?? "") \(details?.dimensions.map(\.value) ?? [])"
    }
}
