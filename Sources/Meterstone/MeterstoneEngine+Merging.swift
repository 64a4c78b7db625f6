public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// Writes of a blueprint what its author changed since it was applied last, and leaves what somebody
    /// changed by hand meanwhile. Where both changed the same member the blueprint is followed, and the
    /// step says so.
    ///
    /// A part that the blueprint does not name stays as it is. A part that somebody deleted by hand stays
    /// deleted until the blueprint says something new of it.
    ///
    /// - Parameters:
    ///   - name: what is written down of it; `nil`: nothing, so that the next merge starts from what was
    ///     applied before.
    ///   - isDryRun: tells what would become of each part, and writes nothing.
    public func merge(
        _ blueprint: Blueprint, named name: String? = nil, isDryRun: Bool = false, author: String
    ) async throws(StoreError) -> [BlueprintStep] {
        try await merge(
            blueprint, named: name, isDryRun: isDryRun, isOfStart: false, author: author)
    }

    /// - Parameter isOfStart: whether it is applied as a server starts.
    package func merge(
        _ blueprint: Blueprint, named name: String?, isDryRun: Bool, isOfStart: Bool,
        author: String
    ) async throws(StoreError) -> [BlueprintStep] {
        let parts = try await mergedParts(of: blueprint)
        let (rejected, planned) = try await outcomes(of: parts)
        guard rejected.isEmpty else { return rejected }
        guard !isDryRun else { return planned }
        let changes = parts.compactMap(\.change)
        let outcomes = try await commit(changes, author: author)
        if let name { try await note(blueprint, named: name, isOfStart: isOfStart, author: author) }
        var place = 0
        return zip(parts, planned).map { part, step in
            guard part.change != nil else { return step }
            defer { place += 1 }
            return part.step(outcomes[place])
        }
    }

    /// Each part of a blueprint beside what is there and what was applied last.
    private func mergedParts(
        of blueprint: Blueprint
    ) async throws(StoreError) -> [MergedPart] {
        let now = try await view(of: nil).catalog.blueprint.parts
        let notes = try await appliedBlueprints()
        var parts: [MergedPart] = []
        for change in blueprint.parts {
            let name = PartName(change)
            let records = try await changes(ofKind: name.kind, key: name.key)
            let noted = notes.lazy.compactMap { $0.parts.first { PartName($0) == name } }.first
            let written = records.last { $0.isOfBlueprint }?.after
            let merge = ThreeWayMerge(
                applied: try noted == nil ? Self.json(written) : noted?.json,
                now: try now.first { PartName($0) == name }?.json,
                file: try change.json)
            let byHand =
                merge.members.contains { $0.verdict != .changed }
                ? records.last { !$0.isOfBlueprint } : nil
            parts.append(
                MergedPart(
                    name: name, members: merge.members,
                    change: try merge.members.allSatisfy { $0.verdict == .kept }
                        ? nil
                        : merge.result.map { (json) throws(StoreError) in
                            try change.replacing(json)
                        }, changedBy: byHand?.author, changedAt: byHand?.recordedAt))
        }
        return parts
    }

    private static func json(_ text: String?) throws(StoreError) -> JSONValue? {
        guard let text else { return nil }
        return try JSONText(text: text).decoded(as: JSONValue.self)
    }

    /// What blueprints were applied, the latest first. Of those that an earlier version applied only digests
    /// are known, and they are left out.
    private func appliedBlueprints() async throws(StoreError) -> [Blueprint] {
        try await changes(ofKind: "appliedBlueprint").reversed().compactMap { record in
            guard case .noteBlueprint(let note) = record.change else { return nil }
            return note.blueprint
        }
    }

    /// What would become of each part, one after the other; and those that would be rejected.
    private func outcomes(
        of parts: [MergedPart]
    ) async throws(StoreError) -> (rejected: [BlueprintStep], planned: [BlueprintStep]) {
        var blueprint = try await view(of: nil).catalog.blueprint
        var steps: [BlueprintStep] = []
        for part in parts {
            guard let change = part.change else {
                steps.append(part.step(.unchanged))
                continue
            }
            let (after, outcome) = blueprint.applying(change)
            blueprint = after
            steps.append(part.step(outcome))
        }
        let rejected = steps.filter { !$0.outcome.isAnswer }
        return (rejected, steps)
    }
}

extension MeterstoneEngine {
    /// What the author begins with that a server's start is named by in the log of changes.
    package static let blueprintAuthor = "blueprint "
}

extension ChangeRecord {
    /// Whether a server's start wrote it, and nobody by hand.
    fileprivate var isOfBlueprint: Bool { author.hasPrefix(MeterstoneEngine.blueprintAuthor) }
}

/// Which part of a blueprint.
private struct PartName: Hashable {
    let kind: String
    let key: String

    init(_ change: Change) {
        kind = change.kind
        key = change.key
    }
}

private struct MergedPart {
    let name: PartName
    let members: [MergedMember]
    /// What has to be written; `nil`: nothing.
    let change: Change?
    /// Who changed it by hand last, where that makes a difference.
    let changedBy: String?
    let changedAt: Instant?

    func step(_ outcome: ChangeOutcome) -> BlueprintStep {
        BlueprintStep(
            kind: name.kind, key: name.key, outcome: outcome, members: members,
            changedBy: changedBy, changedAt: changedAt)
    }
}

extension Change {
    /// A part of a blueprint as it is written.
    fileprivate var json: JSONValue? {
        get throws(StoreError) {
            let text =
                switch self {
                case .putMeter(let meter): try JSONText(meter)
                case .putPlan(let plan): try JSONText(plan)
                case .putLimit(let limit): try JSONText(limit)
                case .putModel(let model): try JSONText(model)
                case .putAlert(let alert): try JSONText(alert)
                case .putCreditPolicy(let policy): try JSONText(policy)
                case .putStatisticsPolicy(let policy): try JSONText(policy)
                case .putSwitches(let switches): try JSONText(switches)
                default: nil as JSONText?
                }
            return try text?.decoded(as: JSONValue.self)
        }
    }

    /// The same part with what a merge made of it.
    fileprivate func replacing(_ json: JSONValue) throws(StoreError) -> Change {
        let text = try JSONText(json)
        return switch self {
        case .putMeter: .putMeter(try text.decoded(as: Meter.self))
        case .putPlan: .putPlan(try text.decoded(as: Plan.self))
        case .putLimit: .putLimit(try text.decoded(as: Limit.self))
        case .putModel: .putModel(try text.decoded(as: Model.self))
        case .putAlert: .putAlert(try text.decoded(as: Alert.self))
        case .putCreditPolicy: .putCreditPolicy(try text.decoded(as: CreditPolicy.self))
        case .putStatisticsPolicy:
            .putStatisticsPolicy(try text.decoded(as: StatisticsPolicy.self))
        case .putSwitches: .putSwitches(try text.decoded(as: Switches.self))
        default: self
        }
    }
}
