import MeterstoneStore

/// What one caller waits for.
///
/// The continuations are unchecked, since there is one for every consume. It is safe because the
/// committer resumes each entry exactly once, with an answer or with a failure.
@safe enum CommitterEntry {
    case one(Command, UnsafeContinuation<Result<Outcome, StoreError>, Never>)
    case many([Command], UnsafeContinuation<Result<[Outcome], StoreError>, Never>)
    /// Something to do between two commits, or the reason why it is not done.
    case work(@Sendable (StoreError?) -> Void)

    var commandCount: Int {
        switch self {
        case .one: 1
        case .many(let commands, _): commands.count
        case .work: 0
        }
    }

    var isWork: Bool {
        if case .work = self { return true }
        return false
    }

    func append(to commands: inout [Command]) {
        switch self {
        case .one(let command, _): commands.append(command)
        case .many(let own, _): commands += own
        case .work: break
        }
    }

    func fail(_ error: StoreError) {
        switch self {
        case .one(_, let continuation): unsafe continuation.resume(returning: .failure(error))
        case .many(_, let continuation): unsafe continuation.resume(returning: .failure(error))
        case .work(let work): work(error)
        }
    }

    /// Answers with the outcomes of this entry's commands, which start at `start`.
    func succeed(_ outcomes: [Outcome], from start: Int) {
        switch self {
        case .one(_, let continuation):
            unsafe continuation.resume(returning: .success(outcomes[start]))
        case .many(let commands, let continuation):
            unsafe continuation.resume(
                returning: .success(Array(outcomes[start..<start + commands.count])))
        case .work: break
        }
    }
}
