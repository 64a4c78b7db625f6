import Hummingbird
import Meterstone
import MeterstoneCore
import MeterstoneStore

/// Who asks, and what they may do.
struct Caller: Hashable, Sendable {
    /// Who is named in the audit log where nobody else is.
    let name: String
    let scopes: Set<AccessScope>
    /// The one that the caller is bound to; `nil`: it may ask about everybody.
    var subject: SubjectID?
    /// Whether it is for those below the subject, too.
    var includesTeam = false
    /// When the key or token ends that they show; `nil`: it does not. What they make ends no later.
    var until: Instant?
    /// Of whoever signed in with a password; `nil`: what the scopes say is all.
    var role: AdministratorRole?
    /// Who signed in.
    var administrator: EmailAddress?
    /// By which session they are known.
    var session: SessionID?

    /// Whoever has the administrator's key, or is on this machine where there is none.
    static let administrator = Caller(name: "administrator", scopes: [.admin])

    init(name: String, scopes: Set<AccessScope>, subject: SubjectID? = nil) {
        self.name = name
        self.scopes = scopes
        self.subject = subject
    }

    init(_ key: APIKey) {
        self.init(name: "key \(key.key)", scopes: Set(key.scopes), subject: key.subject)
        includesTeam = true
        until = key.expiresAt
    }

    init(_ administrator: Administrator, _ session: AdministratorSession) {
        self.init(
            name: administrator.email.text,
            scopes: administrator.role == .viewer ? [.read] : [.admin])
        role = administrator.role
        self.administrator = administrator.email
        self.session = session.id
    }

    /// Whose request is carried out. Routes that a bound caller may call ask for it.
    @TaskLocal static var current = administrator

    /// From where it came, where it changes what is everybody's; `nil`: that is not known, or not asked.
    @TaskLocal static var address: String?

    /// Whether keys, administrators and backups are theirs to see and change.
    var isOwner: Bool { has(.admin) && (role ?? .owner) == .owner }

    func has(_ scope: AccessScope) -> Bool { scopes.contains(scope) || scopes.contains(.admin) }

    func require(_ rule: AccessRule) throws(Problem) {
        if let role, role < rule.role { throw .insufficientRole(rule.role) }
        guard has(rule.scope) else { throw .insufficientScope(rule.scope) }
        guard subject == nil || rule.own != .denied else { throw .boundCaller }
    }

    /// Whether what belongs to a subject is the caller's to see and use.
    func owns(_ id: SubjectID, _ engine: MeterstoneEngine) async throws(StoreError) -> Bool {
        guard let subject else { return true }
        if id == subject { return true }
        // Either may be another key of a subject.
        let own = try await engine.ownKey(of: subject)
        var level = try await engine.subject(id)
        for _ in 0...WorkingSet.ancestorsMax {
            guard let known = level else { return false }
            if known.id == own { return true }
            guard includesTeam, let parent = known.parent else { return false }
            if parent == subject || parent == own { return true }
            level = try await engine.subject(parent)
        }
        return false
    }
}

extension MeterstoneEngine {
    /// Refuses a request that names a subject which is not the caller's.
    func requireOwn(_ subject: SubjectID, field: String = "subject") async throws {
        guard try await isOwn(subject) else { throw Problem.foreignSubject(subject, field) }
    }

    /// The same of everything that an event counts for.
    func requireOwn(_ event: UsageEvent) async throws {
        try await requireOwn(event.subject)
        try await requireOwn(levels: event.details?.levels ?? [])
    }

    func requireOwn(levels: [SubjectID]) async throws {
        for (place, level) in levels.enumerated() {
            try await requireOwn(level, field: "levels[\(place)]")
        }
    }

    /// What an event counts for and is not the caller's, as a rejection of it; `nil`: there is nothing.
    func foreign(in event: UsageEvent) async throws(StoreError) -> Rejection? {
        if try await !isOwn(event.subject) { return .foreignSubject(event.subject) }
        for (place, level) in (event.details?.levels ?? []).enumerated()
        where try await !isOwn(level) {
            return .foreignSubject(level, "levels[\(place)]")
        }
        return nil
    }

    func isOwn(_ subject: SubjectID) async throws(StoreError) -> Bool {
        let caller = Caller.current
        guard caller.subject != nil else { return true }
        return try await caller.owns(subject, self)
    }
}

extension Problem {
    static func insufficientScope(_ scope: AccessScope) -> Problem {
        Problem(
            status: .forbidden, code: "insufficient_scope",
            detail: "this needs a key or a token with the scope '\(scope.rawValue)'")
    }

    static func insufficientRole(_ role: AdministratorRole) -> Problem {
        Problem(
            status: .forbidden, code: "insufficient_role",
            detail: "this needs an administrator with the role '\(role.rawValue)'")
    }

    /// A key or a token of one subject asks about everybody.
    static let boundCaller = Problem(
        status: .forbidden, code: "insufficient_scope",
        detail: "this is about more than the one subject that the key or token is for")

    static func foreignSubject(_ subject: SubjectID, _ field: String) -> Problem {
        Problem(
            status: .forbidden, code: Rejection.Code.foreignSubject.rawValue,
            detail: Rejection.foreignSubject(subject).message, field: field)
    }

    static let noOwnSubject = Problem(
        status: .forbidden, code: "no_own_subject",
        detail: "/v1/me is for a key or a token of one subject; with this one name the subject in "
            + "/v1/subjects/{subject}")
}

extension Rejection {
    static func foreignSubject(_ subject: SubjectID, _ field: String = "subject") -> Rejection {
        Rejection(
            code: .foreignSubject, field: field,
            message: "expected the subject that the key or token is for, and not '\(subject)'")
    }
}

extension MeterstoneEngine {
    /// The key by which a subject is named in answers, of whichever of its keys.
    func ownKey(of id: SubjectID) async throws(StoreError) -> SubjectID {
        try await subject(id)?.id ?? id
    }
}
