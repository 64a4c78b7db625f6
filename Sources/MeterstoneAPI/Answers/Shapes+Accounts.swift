package import MeterstoneCore

extension Shapes {
    package static let accountSession = Shape<AccountSession>(
        "AccountSession",
        [
            Member("id", .key, \.id),
            Member(maybe: "device", .text, \.device),
            Member(maybe: "address", .text, \.address),
            Member("startedAt", .instant, \.startedAt),
            Member("lastSeenAt", .instant, \.lastSeenAt),
            Member(maybe: "endedAt", .instant, \.endedAt, "Absent: it goes on."),
        ])

    package static let accountSessions = list("AccountSessionList", "sessions", of: accountSession)
}
