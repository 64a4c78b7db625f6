import HTTPTypes
import Meterstone
import MeterstoneCore
import MeterstoneStore
import Synchronization

/// How administrators sign in: with e-mail and password, and a code where they asked for that, or with a key.
struct SignIn: Sendable {
    /// How long a session lasts: half a day.
    static let sessionMilliseconds: Int64 = 43_200_000

    let engine: MeterstoneEngine
    let guardian: Guardian
    let book: AccessBook
    let passwords: Passwords
    let clock: @Sendable () -> Instant
    private let throttle = SignInThrottle()
    private let usedCodes = UsedCodes()

    init(
        engine: MeterstoneEngine, guardian: Guardian, book: AccessBook, passwords: Passwords,
        clock: @escaping @Sendable () -> Instant
    ) {
        self.engine = engine
        self.guardian = guardian
        self.book = book
        self.passwords = passwords
        self.clock = clock
    }

    /// From where and with what somebody asks.
    struct Place: Sendable {
        let address: String?
        let device: String?
    }

    /// A session that began just now, and the secret of its cookie.
    struct Started: Sendable {
        let session: AdministratorSession
        let secret: String
        let role: AdministratorRole
    }

    // MARK: With a password

    func start(
        email: String, password: String, code: String?, at place: Place
    ) async throws -> Started {
        let now = clock()
        let address = EmailAddress(folding: email)
        let name = address?.text ?? ""
        try admit(name, place, at: now)
        let known = try await engine.administrators().first { $0.email == address }
        // Longer texts are nobody's password, and cost nothing.
        let isRight =
            password.utf8.count > Passwords.bytesMax
            ? false : try await passwords.matches(password, known?.password)
        guard let administrator = known, isRight else {
            let result: SignInNote.Result = known == nil ? .unknown : .wrongPassword
            throw try await failure(name, known, result, place, at: now)
        }
        guard administrator.active else {
            throw try await failure(name, known, .inactive, place, at: now)
        }
        var step: Int64?
        if let secret = administrator.codeSecret {
            guard let code else { throw Problem.codeRequired }
            step = try await unusedStep(of: code, secret, administrator.email, at: now)
            guard step != nil else {
                throw try await failure(name, known, .wrongCode, place, at: now)
            }
        }
        throttle.noteSuccess(name, from: place.address)
        return try await start(
            role: administrator.role, by: administrator.email.text, place, at: now
        ) { session in
            session.administrator = administrator.email
            session.codeStep = step
        }
    }

    /// The step of a code that was not used before.
    private func unusedStep(
        of code: String, _ secret: String, _ email: EmailAddress, at now: Instant
    ) async throws -> Int64? {
        guard let step = OneTimeCodes.step(of: code, secret, at: now) else { return nil }
        let stored = try await engine.administratorSessions()
            .filter { $0.administrator == email }.compactMap(\.codeStep).max()
        guard step > stored ?? .min else { return nil }
        return usedCodes.use(step, of: email) ? step : nil
    }

    // MARK: With a key

    func start(key secret: String, at place: Place) async throws -> Started {
        let now = clock()
        try admit("", place, at: now)
        let (id, role): (APIKeyID, AdministratorRole)
        if let environment = guardian.environmentKey(secret) {
            (id, role) = (environment, .owner)
        } else {
            let key: APIKey
            do {
                key = try await guardian.key(ofSecret: secret, from: place.address)
            } catch is Problem {
                throw try await failure("", nil, .wrongKey, place, at: now)
            }
            // Pages are about everybody.
            guard key.subject == nil else { throw Problem.boundCaller }
            guard Caller(key).has(.read) else { throw Problem.insufficientScope(.read) }
            (id, role) = (key.key, Caller(key).has(.admin) ? .owner : .viewer)
        }
        return try await start(role: role, by: "key \(id)", place, at: now) { $0.key = id }
    }

    // MARK: Both

    private func admit(_ name: String, _ place: Place, at now: Instant) throws {
        if let seconds = throttle.secondsToWait(name, from: place.address, at: now) {
            throw Problem.manyFailures(seconds)
        }
    }

    private func start(
        role: AdministratorRole, by who: String, _ place: Place, at now: Instant,
        _ complete: (inout AdministratorSession) -> Void
    ) async throws -> Started {
        var random = SystemRandomNumberGenerator()
        let secret = AccessSecret.make(AccessSecret.session, using: &random)
        var session = AdministratorSession(
            id: SessionID(unchecked: AccessSecret.text(of: 12, using: &random)),
            digest: SHA256.hash(Array(secret.utf8)).description, device: place.device,
            address: place.address, startedAt: now,
            expiresAt: now.advanced(byMilliseconds: Self.sessionMilliseconds))
        complete(&session)
        try await forgetExpired(at: now)
        try await change(.putSession(session), by: who, place)
        let note = SignInNote(
            who: who, result: .signedIn, device: place.device, session: session.id)
        try await change(.noteSignIn(note), by: who, place)
        book.forget()
        return Started(session: session, secret: secret, role: role)
    }

    private func forgetExpired(at now: Instant) async throws {
        let expired = try await engine.administratorSessions().filter { $0.expiresAt <= now }
        for session in expired.prefix(16) {
            _ = try await engine.change(
                ChangeRequest(change: .deleteSession(session.id), author: "server"))
        }
    }

    /// Writes down that somebody was refused. What they are told does not say why.
    private func failure(
        _ name: String, _ known: Administrator?, _ result: SignInNote.Result, _ place: Place,
        at now: Instant
    ) async throws -> Problem {
        throttle.noteFailure(name, from: place.address, at: now)
        if throttle.mayNote(at: now) {
            let note = SignInNote(who: known?.email.text, result: result, device: place.device)
            try await change(.noteSignIn(note), by: known?.email.text ?? "somebody", place)
        }
        return .signInFailed
    }

    private func change(_ change: Change, by who: String, _ place: Place) async throws {
        let receipt = try await engine.change(
            ChangeRequest(change: change, author: who, address: place.address))
        if case .rejected(let rejection) = receipt.outcome { throw rejection }
    }

    // MARK: Invitations

    /// Takes an invitation up: from here on the password is this one, and no code is asked for. Whoever was
    /// signed in before is no more.
    func accept(
        _ invitation: String, password: String, at place: Place
    ) async throws -> Administrator {
        let now = clock()
        try admit("invitation", place, at: now)
        let digest = SHA256.hash(Array(invitation.utf8)).description
        func isOpen(_ administrator: Administrator) -> Bool {
            guard let invitation = administrator.invitation else { return false }
            return invitation.digest.isSame(as: digest) && now < invitation.expiresAt
        }
        guard let email = try await engine.administrators().first(where: isOpen)?.email else {
            throttle.noteFailure("invitation", from: place.address, at: now)
            throw Problem.unknownInvitation
        }
        if let mistake = Passwords.mistake(in: password) { throw mistake }
        let hash = try await passwords.hash(password)
        let administrator = try await engine.updateAdministrator(
            email, author: email.text, address: place.address
        ) { administrator in
            guard isOpen(administrator) else { throw Problem.unknownInvitation }
            administrator.password = hash
            administrator.invitation = nil
            administrator.codeSecret = nil
            administrator.newCodeSecret = nil
            // Not when it was asked for: meanwhile somebody may have come in with the old password.
            administrator.sessionsFrom = clock()
        }
        guard let administrator else { throw Problem.unknownInvitation }
        book.forget()
        return administrator
    }

    // MARK: Codes

    func makeCodeSecret(of email: EmailAddress, from address: String?) async throws -> String {
        var random = SystemRandomNumberGenerator()
        let secret = OneTimeCodes.secret(using: &random)
        try await update(email, from: address) { $0.newCodeSecret = secret }
        return secret
    }

    /// From here on a code is asked for: the first one shows that the app has the secret.
    func confirmCodeSecret(
        of email: EmailAddress, code: String, from address: String?
    ) async throws {
        let now = clock()
        try admit(email.text, Place(address: address, device: nil), at: now)
        try await update(email, from: address) { administrator in
            guard let secret = administrator.newCodeSecret,
                let step = OneTimeCodes.step(of: code, secret, at: now)
            else {
                throttle.noteFailure(email.text, from: address, at: now)
                throw Rejection.invalidAccess("code", "the code that the app shows now")
            }
            _ = usedCodes.use(step, of: email)
            administrator.codeSecret = secret
            administrator.newCodeSecret = nil
        }
    }

    func deleteCodeSecret(of email: EmailAddress, from address: String?) async throws {
        try await update(email, from: address) { administrator in
            administrator.codeSecret = nil
            administrator.newCodeSecret = nil
        }
    }

    private func update(
        _ email: EmailAddress, from address: String?, _ change: (inout Administrator) throws -> Void
    ) async throws {
        let after = try await engine.updateAdministrator(
            email, author: email.text, address: address, change)
        guard after != nil else { throw Problem.unauthorized }
        book.forget()
    }
}

/// Which code each administrator used last, as this node knows.
private final class UsedCodes: Sendable {
    private let last = Mutex<[EmailAddress: Int64]>([:])

    /// Whether it is newer than all that were used.
    func use(_ step: Int64, of email: EmailAddress) -> Bool {
        last.withLock { last in
            guard step > last[email] ?? .min else { return false }
            last[email] = step
            return true
        }
    }
}

extension Problem {
    static let signInFailed = Problem(
        status: .unauthorized, code: "sign_in_failed",
        detail: "e-mail, password, code or key is wrong",
        headers: [.wwwAuthenticate: "Bearer realm=\"meterstone\""])

    static let codeRequired = Problem(
        status: .unauthorized, code: "code_required",
        detail: "expected 'code': the code that the app shows now",
        headers: [.wwwAuthenticate: "Bearer realm=\"meterstone\""])

    static let unknownInvitation = Problem(
        status: .notFound, code: "unknown_invitation",
        detail: "the invitation is wrong, used or expired; ask for another")

    static let noAdministrator = Problem(
        status: .forbidden, code: "no_administrator",
        detail: "this is for an administrator who signed in with e-mail and password")

    static let noSession = Problem(
        status: .notFound, code: "unknown_session", detail: "nobody is signed in here")
}
