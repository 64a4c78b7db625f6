package import MeterstoneCore

extension Shapes {
    package static let administrator = Shape<ShownAdministrator>(
        "Administrator", administratorMembers
    ) { fields throws(WireMismatch) in
        let hasPassword: Bool = try fields("hasPassword")
        let asksForCode: Bool = try fields("asksForCode")
        let invitedUntil: Instant? = try fields("invitedUntil")
        return ShownAdministrator(
            administrator: Administrator(
                email: try fields("email"), name: try fields("name"), role: try fields("role"),
                active: try fields("active"), password: hasPassword ? "(secret)" : nil,
                invitation: invitedUntil.map { .init(digest: "(secret)", expiresAt: $0) },
                codeSecret: asksForCode ? "(secret)" : nil, createdAt: try fields("createdAt")),
            lastSignInAt: try fields("lastSignInAt"))
    }

    private static let administratorMembers: [Member<ShownAdministrator>] = [
        Member("email", .text, \.administrator.email.text, "In small letters."),
        Member(maybe: "name", .text, \.administrator.name, "For people."),
        Member(
            "role", Wire<AdministratorRole>.choice, \.administrator.role, "What they may do."),
        Member("active", .flag, \.administrator.active, "false: they sign in no more."),
        Member("hasPassword", .flag, { $0.administrator.password != nil }),
        Member(
            "asksForCode", .flag, { $0.administrator.codeSecret != nil },
            "Whether signing in needs a code of their telephone."),
        Member(
            maybe: "invitedUntil", .instant, { $0.administrator.invitation?.expiresAt },
            "Until when they may choose a password; absent: they are not invited."),
        Member("createdAt", .instant, \.administrator.createdAt),
        Member(
            maybe: "lastSignInAt", .instant, \.lastSignInAt, "Absent: they never signed in."),
    ]

    package static let administrators = list(
        "AdministratorList", "administrators", of: administrator)

    /// Somebody who may choose a password, with the secret, which is told this once.
    package static let invited = Shape<InvitedAdministrator>(
        "InvitedAdministrator",
        [
            Member("invitation", .text, \.invitation, "Told this once."),
            Member("expiresAt", .instant, \.expiresAt, "Until when it may be taken up."),
            Member(
                "administrator", administrator.wire,
                { ShownAdministrator(administrator: $0.administrator, lastSignInAt: nil) }),
        ]
    ) { fields throws(WireMismatch) in
        InvitedAdministrator(
            administrator: try fields("administrator", administrator).administrator,
            invitation: try fields("invitation"), expiresAt: try fields("expiresAt"))
    }

    package static let session = Shape<ShownSession>(
        "Session",
        [
            Member("id", .text, \.session.id.text),
            Member(
                maybe: "administrator", .text, \.session.administrator?.text,
                "Who signed in with a password."),
            Member(
                maybe: "key", .text, \.session.key?.text, "The key that somebody signed in with."),
            Member("role", Wire<AdministratorRole>.choice, \.role, "What they may do now."),
            Member(maybe: "device", .text, \.session.device, "What the browser says of itself."),
            Member(maybe: "address", .text, \.session.address, "From where they signed in."),
            Member("startedAt", .instant, \.session.startedAt),
            Member("lastSeenAt", .instant, \.lastSeenAt),
            Member("expiresAt", .instant, \.session.expiresAt),
            Member("current", .flag, \.isCurrent, "Whether it is the one that asks."),
        ])

    package static let sessionList = list("SessionList", "sessions", of: session)

    package static let codeSecret = Shape<CodeSecret>(
        "CodeSecret",
        [
            Member("secret", .text, \.secret, "For apps, in Base32. Told this once."),
            Member("uri", .text, \.uri, "The same as a link, which apps read as a QR code."),
        ])
}

/// An administrator, and when they signed in.
package struct ShownAdministrator: Sendable {
    package let administrator: Administrator
    package let lastSignInAt: Instant?

    package init(administrator: Administrator, lastSignInAt: Instant?) {
        self.administrator = administrator
        self.lastSignInAt = lastSignInAt
    }
}

/// A session, and what is known of it beside.
package struct ShownSession: Sendable {
    package let session: AdministratorSession
    package let role: AdministratorRole
    package let lastSeenAt: Instant
    package let isCurrent: Bool

    package init(
        session: AdministratorSession, role: AdministratorRole, lastSeenAt: Instant, isCurrent: Bool
    ) {
        self.session = session
        self.role = role
        self.lastSeenAt = lastSeenAt
        self.isCurrent = isCurrent
    }
}

/// What codes are computed from.
package struct CodeSecret: Sendable {
    package let secret: String
    package let uri: String

    package init(secret: String, uri: String) {
        self.secret = secret
        self.uri = uri
    }
}
