package import MeterstoneCore

extension Shapes {
    package static let reservation = Shape<Reservation>(
        "Reservation",
        [
            Member("id", .name, \.id, "The event's id."),
            Member(maybe: "source", .name, \.source, "Whose ids it is one of."),
            Member("subject", .name, \.subject),
            Member("status", .choice, \.status, "Where it stands."),
            Member("quantities", .quantities, \.quantities, "What counts of it now."),
            Member(
                maybe: "reported", .quantities, \.reported, "What the caller said was used so far."),
            Member("reservedAt", .instant, \.reservedAt),
            Member(maybe: "adjustment", adjustment.wire, \.adjustment, adjustmentSentence),
            Member("expiresAt", .instant, \.expiresAt, "When it ends if nobody ends it."),
            Member(
                "closedAt", Wire<Instant>.instant.orNull, \.closedAt,
                "When it ended; null: it is open."),
            Member(
                "onExpiry", .choice, \.terms.onExpiry, "What counts when nobody ends it."),
            Member(
                "onOverage", .choice, \.terms.onOverage, "What counts beyond what was set aside."),
            Member(
                maybe: "onAbort", .choice, \.terms.onAbort,
                "What counts when it failed or was cancelled; absent: as meters say."),
            Member(
                maybe: "abortMinimum", .quantities,
                { $0.terms.abortMinimum == .none ? nil : $0.terms.abortMinimum },
                "What counts at least then."),
        ]
    ) { fields throws(WireMismatch) in
        let reservedAt: Instant = try fields("reservedAt")
        let expiresAt: Instant = try fields("expiresAt")
        return Reservation(
            id: try fields("id"), source: try fields("source"), subject: try fields("subject"),
            quantities: try fields("quantities"), reported: try fields("reported"),
            status: try fields("status"),
            // The time that it was given last is not told, but when it ends.
            terms: ReservationTerms(
                milliseconds: expiresAt.millisecondsSince1970 - reservedAt.millisecondsSince1970,
                onExpiry: try fields("onExpiry"), onOverage: try fields("onOverage"),
                onAbort: try fields("onAbort"),
                abortMinimum: try fields("abortMinimum") ?? .none),
            reservedAt: reservedAt, expiresAt: expiresAt, closedAt: try fields("closedAt"),
            adjustment: try fields("adjustment", maybe: Shapes.adjustment))
    }
}

extension Shapes {
    package static let reservations = list(
        "ReservationList", "reservations", of: reservation)
}

extension Shapes {
    /// What became of an extension, a settlement or a release.
    package static let reservationAnswer = Shape<ReservationAnswer>(
        "ReservationAnswer", reservationMembers, reservationMake)

    fileprivate static let reservationMembers: [Member<ReservationAnswer>] = [
        Member(
            "duplicate", .flag, \.isDuplicate, "Whether the same was answered before."),
        Member("reservation", Shapes.reservation.wire, \.reservation),
        Member("limits", .statuses, \.limits, "Every limit that it concerns."),
        Member(
            maybe: "credits", Shapes.charge.wire, \.credits,
            "What it costs in credits; absent: none."),
    ]

    /// What became of a reserve that was allowed.
    package static let reserved = Shape<ReservationAnswer>(
        "ReserveAnswer", [.allowed(true)] + reservationMembers, reservationMake)

    private static let reservationMake: Shape<ReservationAnswer>.Make = {
        fields throws(WireMismatch) in
        ReservationAnswer(
            reservation: try fields("reservation", reservation),
            limits: try fields("limits", listOf: limitStatus),
            credits: try fields("credits", maybe: charge), isDuplicate: try fields("duplicate"))
    }
}

extension ReservationAnswer {
    package init(_ decision: Decision, _ reservation: Reservation) {
        self.init(
            reservation: reservation, limits: decision.limits, credits: decision.credits,
            isDuplicate: decision.isDuplicate)
    }
}
