package import Meterstone
import MeterstoneCore
import MeterstoneStore

/// The blueprint that a server is started with.
///
/// It is applied when it differs from what was applied last, so that a restart leaves alone what an
/// administrator changed since.
package struct BlueprintAtStart {
    private let name: String
    private let blueprint: Blueprint

    package init(_ name: String) throws {
        self.name = name
        blueprint = try BlueprintFile(name).blueprint()
    }

    /// Applies it unless it was applied, and returns what there is to say of that.
    package func apply(to engine: MeterstoneEngine) async throws -> [String] {
        let digest = try MeterstoneEngine.digest(of: blueprint)
        guard try await !isApplied(digest, engine) else {
            return ["blueprint \(name): as it was applied before; changes made since stay"]
        }
        let steps = try await engine.apply(
            blueprint, named: name, isOfStart: true, author: author)
        try AppliedBlueprint(steps, name: name).check()
        var lines = ["blueprint \(name): \(AppliedBlueprint(steps, name: name).text)"]
        for step in steps where step.outcome == .replaced {
            if let line = try await replacement(step, engine) { lines.append(line) }
        }
        return lines
    }

    private var author: String { "\(Self.authorPrefix)\(name)" }
    private static let authorPrefix = "blueprint "

    /// By the last start, or by an administrator since.
    private func isApplied(_ digest: String, _ engine: MeterstoneEngine) async throws -> Bool {
        var last: AppliedBlueprintNote?
        var byHand: AppliedBlueprintNote?
        for record in try await engine.changes(ofKind: "appliedBlueprint") {
            guard case .noteBlueprint(let note) = record.change else { continue }
            if note.isOfStart {
                last = note
                byHand = nil
            } else {
                byHand = note
            }
        }
        return last?.digest == digest || byHand?.digest == digest
    }

    /// What a part was before, when somebody else than a start wrote it.
    private func replacement(
        _ step: BlueprintStep, _ engine: MeterstoneEngine
    ) async throws -> String? {
        let changes = try await engine.changes(ofKind: step.kind, key: step.key)
        guard let own = changes.last, let earlier = changes.dropLast().last,
            !earlier.author.hasPrefix(Self.authorPrefix)
        else { return nil }
        return """
            blueprint \(name) replaces \(step.kind) '\(step.key)', which \(earlier.author) changed at \
            \(earlier.recordedAt.rfc3339): it was \(own.before ?? "nothing")
            """
    }
}
