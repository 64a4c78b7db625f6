package import MeterstoneCore

extension JSONWriter {
    /// Writes a reservation as it stands.
    package mutating func reservation(_ reservation: Reservation) {
        beginObject()
        name("id")
        string(reservation.id.text)
        if let source = reservation.source {
            name("source")
            string(source)
        }
        name("subject")
        string(reservation.subject.text)
        name("status")
        string(reservation.status.rawValue)
        name("quantities")
        quantities(reservation.quantities)
        if let reported = reservation.reported {
            name("reported")
            quantities(reported)
        }
        name("reservedAt")
        instant(reservation.reservedAt)
        name("expiresAt")
        instant(reservation.expiresAt)
        name("closedAt")
        instant(reservation.closedAt)
        name("onExpiry")
        string(reservation.terms.onExpiry.rawValue)
        name("onOverage")
        string(reservation.terms.onOverage.rawValue)
        endObject()
    }

    /// Writes the member `reservations`.
    package mutating func reservations(_ reservations: [Reservation]) {
        name("reservations")
        beginArray()
        for reservation in reservations { self.reservation(reservation) }
        endArray()
    }

    /// Writes the body of an answer to a reserve that was allowed.
    package mutating func reserved(_ decision: Decision, _ reservation: Reservation) {
        beginObject()
        name("allowed")
        boolean(true)
        name("duplicate")
        boolean(decision.isDuplicate)
        name("reservation")
        self.reservation(reservation)
        limits(decision.limits)
        credits(decision.credits)
        endObject()
    }

    /// Writes the body of an answer to an extension, a settlement or a release.
    package mutating func reservation(_ answer: ReservationAnswer) {
        beginObject()
        name("duplicate")
        boolean(answer.isDuplicate)
        name("reservation")
        reservation(answer.reservation)
        limits(answer.limits)
        credits(answer.credits)
        endObject()
    }
}
