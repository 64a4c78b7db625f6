import HTTPTypes

/// Operations on reservations: units set aside until the real quantity is known.
extension OpenAPIOperation {
    static let reserving: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: .post, path: "/v1/reservations", id: "reserve",
            summary: "Check, and set units aside",
            description: """
                What is set aside counts as used until it is settled or released, or expires. The \
                same event id again gets the first answer again.
                """,
            parameters: [.idempotencyKey], body: [("application/json", "Reserve")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "Allowed, and set aside.", schema: "ReserveAnswer",
                    headers: [.rateLimit, .rateLimitPolicy, .replayed])
            ],
            problems: [.insufficientCredits, .forbidden, .conflict, .tooMany]),
        get(
            path, "getReservation", "One reservation", [.reservation, .source], "Reservation"),
        change(
            "extend", "Give a reservation more time, or more units", body: "Extension",
            problems: [.insufficientCredits, .forbidden, .notFound, .conflict, .limitExceeded]),
        change(
            "settle", "Count what was used in the place of what was set aside",
            body: "Settlement", problems: [.notFound, .reservationConflict]),
        change(
            "release", "Count nothing in the place of what was set aside", body: "Release",
            isBodyRequired: false, problems: [.notFound, .reservationConflict]),
    ]

    private static let path = "/v1/reservations/{reservation}"

    private static func change(
        _ verb: String, _ summary: String, body: String, isBodyRequired: Bool = true,
        problems: [OpenAPIProblem]
    ) -> OpenAPIOperation {
        OpenAPIOperation(
            method: .post, path: path + "/" + verb, id: verb + "Reservation", summary: summary,
            parameters: [.reservation, .source], body: [("application/json", body)],
            isBodyRequired: isBodyRequired,
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "Done.", schema: "ReservationAnswer",
                    headers: [.rateLimit, .rateLimitPolicy, .replayed])
            ],
            problems: problems)
    }
}
