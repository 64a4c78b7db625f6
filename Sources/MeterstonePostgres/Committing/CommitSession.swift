import MeterstoneCore
import MeterstoneStore

/// What commits work with, one at a time: a connection, and what need not be asked again.
final class CommitSession {
    /// Subjects that are remembered to exist, and to be below others.
    private static let subjectsMax = 200_000

    private var connection: Connection?
    /// Names this session in the database.
    private let id = Int64.random(in: .min ... .max)
    /// The number of the last commit, as the database has it.
    private var lastCommit: Int64 = 0
    /// Whether the database may have another number, because nobody found out what became of a commit.
    private var isUnsettled = false
    /// Numbers of subjects that are this node's, and not given to any yet.
    var subjectNumbers: Range<Int64> = 0..<0
    let partitions = Partitions()
    let profiles = ProfileCache()
    var eventIDs = EventIDGenerator(seed: UInt64.random(in: .min ... .max))
    /// Subjects have a row for ever once they have one.
    private var existing: Set<SubjectID> = []
    /// Who stood above whom when it was last seen. What is locked is compared with it.
    private var parents: [SubjectID: SubjectID] = [:]
    let rollings: RollingCache

    init(_ rollings: RollingCache) {
        self.rollings = rollings
    }

    /// The connection, made anew when it was lost.
    ///
    /// - Parameter deadline: when whoever asks gives up.
    func connected(
        _ options: PostgresOptions, until deadline: Deadline
    ) throws(PostgresFailure) -> Connection {
        if let connection, connection.isOpen {
            connection.limit = deadline.leavingMoment
            return connection
        }
        let new = try Session.committing.connect(options, until: deadline.leavingMoment)
        new.limit = deadline.leavingMoment
        try new.run([
            Query(Session.keepDurable),
            Query(CommitSessionStatements.endEarlier).binding(id),
            Query(CommitSessionStatements.own).binding(id),
            Query(CommitSessionStatements.dropOld),
        ])
        if !isUnsettled {
            try new.run([
                Query(CommitSessionStatements.open).binding(id).binding(lastCommit)
            ])
        }
        // Another server may not know of them.
        subjectNumbers = 0..<0
        rollings.removeAll()
        connection = new
        return new
    }

    var isConnected: Bool { connection?.isOpen ?? false }

    /// Makes the connection ready for the next transaction, or gives it up.
    func leaveTransaction() {
        guard let connection, connection.isOpen else {
            connection = nil
            return
        }
        guard connection.isInTransaction else { return }
        do throws(PostgresFailure) {
            _ = try connection.run(Query(TransactionStatements.rollback))
        } catch {
            connection.close()
            self.connection = nil
        }
    }

    func close() {
        connection?.close()
        connection = nil
    }

    // MARK: Commits

    /// Notes the next commit, as its last statement.
    var noting: Query {
        Query(CommitSessionStatements.note).binding(id).binding(lastCommit).binding(lastCommit + 1)
    }

    func didCommit() {
        lastCommit += 1
        isUnsettled = false
    }

    /// Notes that a commit was given up, or that the database does not have the number it should.
    func leaveUnsettled() {
        isUnsettled = true
        close()
    }

    /// Makes sure that the next commit finds the number that it expects.
    func settleIfNeeded(
        _ options: PostgresOptions, until deadline: Deadline
    ) throws(PostgresFailure) {
        if isUnsettled { _ = try settle(options, until: deadline) }
    }

    /// Finds out whether the commit was carried out whose answer was lost; when it was not, sees to it
    /// that it never will be. `nil`: the database had forgotten this session.
    func settle(
        _ options: PostgresOptions, until deadline: Deadline
    ) throws(PostgresFailure) -> Bool? {
        isUnsettled = true
        let connection = try connected(options, until: deadline)
        let rows = try connection.run([
            Query(TransactionStatements.begin),
            Query(CommitSessionStatements.last).binding(id),
        ])
        let found = rows[1].count == 1 ? rows[1].int(0, 0) : nil
        if found == lastCommit + 1 {
            try connection.run([Query(TransactionStatements.rollback)])
            didCommit()
            return true
        }
        // Statements that are still on their way will find another number, and fail.
        let next = max(found ?? 0, lastCommit + 1) + 1
        try connection.run([
            Query(CommitSessionStatements.giveUp).binding(id).binding(next),
            Query(TransactionStatements.commit),
        ])
        lastCommit = next
        isUnsettled = false
        return found == nil ? nil : false
    }

    // MARK: Subjects

    func isKnown(_ id: SubjectID) -> Bool { existing.contains(id) }

    /// These and, as far as is known, everybody above them.
    func withAncestors(_ ids: Set<SubjectID>) -> Set<SubjectID> {
        guard !parents.isEmpty else { return ids }
        var result = ids
        for id in ids {
            var level = id
            while let parent = parents[level], result.insert(parent).inserted { level = parent }
        }
        return result
    }

    /// Forgets what another server may not know, or what was remembered wrongly.
    func forgetSubjects() {
        existing.removeAll()
        parents.removeAll()
    }

    /// Remembers a subject that has a row.
    func note(_ subject: Subject) {
        if existing.count >= Self.subjectsMax { existing.removeAll() }
        existing.insert(subject.id)
        if parents[subject.id] != subject.parent { parents[subject.id] = subject.parent }
        if parents.count >= Self.subjectsMax { parents.removeAll() }
    }
}
