import MeterstoneCore
import MeterstoneStore

/// What a batch of commands needs from the database, as far as the commands alone tell.
struct CommitNeeds {
    /// Subjects whose rows may have to be made.
    private(set) var writtenSubjects: Set<SubjectID> = []
    /// Every subject that is concerned. Those above them are found on the way.
    private(set) var subjects: Set<SubjectID> = []
    /// Events that may have been recorded before.
    private(set) var identities: Set<[UInt8]> = []
    private(set) var changesCatalog = false
    private(set) var isReadOnly = true

    init(_ commands: [Command]) {
        for command in commands { add(command) }
    }

    private mutating func add(_ command: Command) {
        switch command {
        case .consume(let event), .record(let event):
            addSubjects(of: event, areWritten: true)
            if let id = event.id {
                identities.insert(id.identity(source: event.details?.source))
            }
            isReadOnly = false
        case .check(let event, _):
            addSubjects(of: event, areWritten: false)
            if let id = event.id {
                identities.insert(id.identity(source: event.details?.source))
            }
        case .reserve(let event, _):
            addSubjects(of: event, areWritten: true)
            if let id = event.id {
                identities.insert(id.identity(source: event.details?.source))
            }
            isReadOnly = false
        case .extend(let more): addReservation(more.id, more.source)
        case .close(let closing): addReservation(closing.id, closing.source)
        case .expire(let subject):
            subjects.insert(subject)
            isReadOnly = false
        case .correct(let correction):
            identities.insert(correction.eventID.identity(source: correction.source))
            isReadOnly = false
        case .change(let request):
            isReadOnly = false
            guard let subject = request.change.subject else {
                changesCatalog = changesCatalog || request.change.isOfCatalog
                return
            }
            var concerned = [subject]
            if case .putSubject(let profile) = request.change, let parent = profile.parent {
                concerned.append(parent)
            }
            if case .patch(let patch) = request.change, let parent = patch.parent {
                concerned.append(parent)
            }
            switch request.change {
            case .putAccount(_, let account):
                concerned += account.identityKeys.map(\.key).filter { SubjectID.isValid($0.text) }
            case .patch(let patch): concerned += patch.identityKeys
            case .putAlias(_, let key), .deleteAlias(_, let key), .renameSubject(_, let key),
                .mergeSubject(_, let key):
                concerned.append(key)
            case .eraseSubject(_, let erasure):
                concerned.append(erasure.key)
                // Keys that are bound to the person go.
                changesCatalog = true
            default: break
            }
            writtenSubjects.formUnion(concerned)
            subjects.formUnion(concerned)
        }
    }

    private mutating func addSubjects(of event: UsageEvent, areWritten: Bool) {
        subjects.insert(event.subject)
        if areWritten { writtenSubjects.insert(event.subject) }
        guard let levels = event.details?.levels, !levels.isEmpty else { return }
        subjects.formUnion(levels)
        if areWritten { writtenSubjects.formUnion(levels) }
    }

    /// Whose it is shows when it is decided.
    private mutating func addReservation(_ id: EventID, _ source: String?) {
        identities.insert(id.identity(source: source))
        isReadOnly = false
    }

    /// Locks these, too, at the next try.
    mutating func add(_ more: Set<SubjectID>) {
        subjects.formUnion(more)
        writtenSubjects.formUnion(more)
    }
}
