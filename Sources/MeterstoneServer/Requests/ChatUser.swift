import HTTPTypes
import Hummingbird
import MeterstoneAPI
import MeterstoneCore

/// Whose request it is: told by the header field `X-User-Id`, by `userId` in the query, or in the
/// body; by several of them only if they say the same. A token says it, too.
enum ChatUser {
    static let name = "userId"

    /// `nil` when nobody says.
    static func named(in request: Request, _ body: FlatBody?) throws(Rejection) -> SubjectID? {
        try named(in: request, told: body?.text(name))
    }

    /// - Parameter told: by the body.
    private static func named(
        in request: Request, told: String?
    ) throws(Rejection) -> SubjectID? {
        let texts = [request.headers[.userID], try Query(request).text(name), told]
        var user: SubjectID?
        for text in texts {
            guard let text else { continue }
            guard let subject = SubjectID(text) else { throw .invalid(name, SubjectID.expectation) }
            if let user, user != subject {
                throw .invalid(name, "the same user in X-User-Id, the query and the body")
            }
            user = subject
        }
        let own = Caller.current.subject
        guard let own, let user, user != own else { return user ?? own }
        return user
    }

    static func required(in request: Request, _ body: FlatBody?) throws(Rejection) -> SubjectID {
        try required(in: request, told: body?.text(name))
    }

    static func required(in request: Request, told: String?) throws(Rejection) -> SubjectID {
        guard let user = try named(in: request, told: told) else {
            throw .missing(name, "a user in X-User-Id, in the query or in the body")
        }
        return user
    }
}

extension HTTPField.Name {
    static let userID: HTTPField.Name = {
        guard let name = HTTPField.Name("X-User-Id") else {
            preconditionFailure("X-User-Id is a name of a header field")
        }
        return name
    }()
}
