public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// What a merge of one subject into another would come to. Nothing changes.
    public func previewMerge(
        of from: SubjectID, into id: SubjectID
    ) async throws(StoreError) -> MergePreviewOutcome {
        let now = clock()
        let merge = ChangeRequest(change: .mergeSubject(id, from: from), author: "preview")
        let both: [Look] = [.meters(from), .standing(from, at: now), .meters(id)]
        let answers = try await look(
            both + [.standing(id, at: now), .attempt(.change(merge)), .meters(id)]
                + [.standing(id, at: now)])
        guard answers.count == 7, case .meters(let ofFrom) = answers[0],
            case .standing(_, let walletOfFrom) = answers[1], case .meters(let ofInto) = answers[2],
            case .standing(let before, let walletBefore) = answers[3],
            case .attempted(.changed(let outcome, _, _)) = answers[4],
            case .meters(let merged) = answers[5],
            case .standing(let after, let walletAfter) = answers[6]
        else { throw .unexpectedOutcome }
        if case .rejected(let rejection) = outcome { return .rejected(rejection) }
        // What means the same already has nothing to add.
        let isDone = outcome == .unchanged
        let meters = zip(zip(ofFrom, ofInto), merged).map { pair, merged in
            MergedMeter(
                meter: merged.meter, window: merged.window, span: merged.span,
                from: isDone ? 0 : pair.0.used, into: pair.1.used, merged: merged.used)
        }
        return .preview(
            MergePreview(
                from: from, into: id,
                meters: meters.filter { $0.from != 0 || $0.into != 0 || $0.merged != 0 },
                before: before, after: after,
                credits: MergedCredits(
                    from: isDone ? 0 : walletOfFrom.balance, into: walletBefore.balance,
                    merged: walletAfter.balance)))
    }
}
