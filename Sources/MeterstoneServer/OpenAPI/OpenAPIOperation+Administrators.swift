import HTTPTypes
import MeterstoneAPI
import MeterstoneCore

/// Operations on administrators and their sessions.
extension OpenAPIOperation {
    static let administrators: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: .post, path: "/v1/sessions", id: "startSession", summary: "Sign in",
            description: "With e-mail and password, or with a key. The answer sets a cookie.",
            isOpen: true, body: [("application/json", "SessionBody")],
            answers: [
                OpenAPIAnswer(
                    status: 201, description: "Who is signed in.", schema: "Session",
                    headers: [.setCookie])
            ],
            problems: [
                .unauthorized, .forbidden, .signInsLimited, .storeFailed, .unavailable, .storeFull,
            ]),
        get(
            "/v1/sessions", "listSessions", "Who is signed in: oneself; for an owner everybody", [],
            "SessionList", []),
        get(
            "/v1/sessions/current", "getCurrentSession", "Who is signed in with this cookie", [],
            "Session"),
        OpenAPIOperation(
            method: .delete, path: "/v1/sessions/current", id: "endCurrentSession",
            summary: "Sign out", isOpen: true,
            answers: [
                OpenAPIAnswer(
                    status: 204, description: "The cookie is gone.", headers: [.setCookie])
            ],
            problems: [.forbidden, .storeFailed, .unavailable, .storeFull]),
        delete(
            path: "/v1/sessions/{session}", id: "endSession", summary: "Sign somebody out",
            parameters: [.session]),
        OpenAPIOperation(
            method: .post, path: "/v1/sessions/current/code", id: "makeCodeSecret",
            summary: "Get a secret for an app that shows codes",
            description: "It counts once a first code was told.",
            answers: [
                OpenAPIAnswer(status: 201, description: "The secret.", schema: "CodeSecret")
            ]),
        OpenAPIOperation(
            method: .put, path: "/v1/sessions/current/code", id: "confirmCodeSecret",
            summary: "Have a code asked for from now on", body: [("application/json", "CodeBody")],
            answers: [OpenAPIAnswer(status: 204, description: "It is asked for.")],
            problems: [.signInsLimited]),
        OpenAPIOperation(
            method: .delete, path: "/v1/sessions/current/code", id: "deleteCodeSecret",
            summary: "Have no code asked for any more",
            answers: [OpenAPIAnswer(status: 204, description: "None is asked for.")]),
        get(
            "/v1/administrators", "listAdministrators", "Everybody who may sign in", [],
            "AdministratorList", []),
        OpenAPIOperation(
            method: .post, path: "/v1/administrators", id: "inviteAdministrator",
            summary: "Invite an administrator, or let one choose another password",
            description: "The invitation is in this answer and nowhere else. It is good for a day.",
            parameters: [.author], body: [("application/json", "InviteBody")],
            answers: [
                OpenAPIAnswer(
                    status: 201, description: "The invitation.", schema: "InvitedAdministrator")
            ],
            problems: [.preconditionFailed]),
        OpenAPIOperation(
            method: .post, path: "/v1/administrators/accept", id: "acceptInvitation",
            summary: "Choose a password with an invitation", isOpen: true,
            body: [("application/json", "AcceptBody")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "Who may sign in now.", schema: "Administrator")
            ],
            problems: [
                .notFound, .signInsLimited, .preconditionFailed, .storeFailed, .unavailable,
                .storeFull,
            ]),
        get(
            "/v1/administrators/{administrator}", "getAdministrator", "One administrator",
            [.administrator], "Administrator"),
        OpenAPIOperation(
            method: .patch, path: "/v1/administrators/{administrator}", id: "patchAdministrator",
            summary: "Change an administrator's role or name, or keep them out",
            parameters: [.administrator, .author],
            body: [
                ("application/merge-patch+json", "AdministratorPatch"),
                ("application/json", "AdministratorPatch"),
            ],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "It is so now.", schema: "Administrator",
                    headers: [.outcome])
            ],
            problems: [.notFound, .conflict, .preconditionFailed]),
        delete(
            path: "/v1/administrators/{administrator}", id: "deleteAdministrator",
            summary: "Remove an administrator; sessions end at once", parameters: [.administrator]),
    ]
}

extension OpenAPIParameter {
    static let session = OpenAPIParameter(
        place: .path, name: "session", description: "The session's id.", schema: #"{"$ref":"Key"}"#)
    static let administrator = OpenAPIParameter(
        place: .path, name: "administrator", description: "The e-mail address.",
        schema: OpenAPISchemas.email)
}

extension OpenAPISchemas {
    static let email =
        #"{"type":"string","maxLength":248,"pattern":"^[^\u0000-\u0020@\u007f]+@[^\u0000-\u0020@\u007f]+$"}"#
    private static let roles = #"{"enum":["viewer","operator","owner",null]}"#
    private static let personName = #"{"type":["string","null"],"minLength":1,"maxLength":255}"#

    static let administrators: [(name: String, schema: String)] = [
        (
            "SessionBody",
            """
            {"oneOf":[\(object(["email", "password"],
                #""email":{"$ref":"Text"},"password":{"$ref":"Text"},"code":{"$ref":"OptionalText"}"#)),
             \(object(["key"], #""key":{"$ref":"Text"}"#))]}
            """
        ),
        ("CodeBody", object(["code"], #""code":{"type":"string","pattern":"^[0-9]{6}$"}"#)),
        (
            "InviteBody",
            object(["email"], #""email":\#(email),"role":\#(roles),"name":\#(personName)"#)
        ),
        (
            "AcceptBody",
            object(
                ["invitation", "password"],
                #""invitation":{"$ref":"Text"},"password":{"type":"string","minLength":12,"maxLength":256}"#
            )
        ),
        (
            "AdministratorPatch",
            object(
                [], #""role":\#(roles),"active":{"type":["boolean","null"]},"name":\#(personName)"#)
        ),
    ]
}
