import ArgumentParser
import MeterstoneAPI
import MeterstoneCore

/// What became of reservations.
extension Answers {
    static func table(_ reservations: [Reservation]) -> String {
        var table = TextTable([
            "reservation", "subject", "status", "quantities", "expires at", "closed at",
        ])
        for reservation in reservations {
            table.add([
                reservation.id.text, reservation.subject.text, reservation.status.rawValue,
                text(reservation.quantities), reservation.expiresAt.rfc3339,
                reservation.closedAt?.rfc3339 ?? "",
            ])
        }
        return table.text
    }

    /// `prompts=1 tokens=512`.
    static func text(_ quantities: Quantities) -> String {
        quantities.pairs.map { "\($0.name)=\($0.quantity)" }.joined(separator: " ")
    }

    /// The decision of a reserve; a refusal ends the program with ``ProgramExit/negative``.
    static func print(_ outcome: ReserveOutcome, asJSON: Bool, at now: Instant) throws {
        switch outcome {
        case .conflict(let id): try print(ConsumeOutcome.conflict(id), asJSON: asJSON, at: now)
        case .rejected(let rejection): throw CommandFailure(rejection)
        case .decided(let decision, let reservation):
            guard let reservation else {
                return try print(ConsumeOutcome.decided(decision), asJSON: asJSON, at: now)
            }
            if asJSON {
                var writer = JSONWriter()
                writer.object(ReservationAnswer(decision, reservation), Shapes.reserved)
                return Console.write(json: writer.bytes)
            }
            write(
                reservation, isDuplicate: decision.isDuplicate, decision.limits, decision.credits)
        }
    }

    /// What became of a reservation; a refusal ends the program with ``ProgramExit/negative``.
    static func print(_ outcome: ReservationOutcome, asJSON: Bool, at now: Instant) throws {
        switch outcome {
        case .rejected(let rejection): throw CommandFailure(rejection)
        case .conflict(let reservation):
            let status = reservation.status.rawValue
            throw CommandFailure(
                .badData, "reservation '\(reservation.id)' was \(status) before, in another way")
        case .denied(let denial, let limits, let credits):
            let decision = Decision(
                denial: denial, isDuplicate: false, eventID: nil, limits: limits, credits: credits)
            try print(ConsumeOutcome.decided(decision), asJSON: asJSON, at: now)
        case .done(let answer):
            if asJSON {
                var writer = JSONWriter()
                writer.object(answer, Shapes.reservationAnswer)
                return Console.write(json: writer.bytes)
            }
            write(
                answer.reservation, isDuplicate: answer.isDuplicate, answer.limits, answer.credits)
        }
    }

    private static func write(
        _ reservation: Reservation, isDuplicate: Bool, _ limits: [LimitStatus],
        _ credits: CreditCharge?
    ) {
        let before = isDuplicate ? " before (duplicate)" : ""
        Console.write("\(reservation.status.rawValue)\(before) \(reservation.id)")
        Console.write(table([reservation]))
        if let credits { Console.write(text(credits)) }
        Console.write(table(limits))
    }
}
