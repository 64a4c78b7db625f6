package import Meterstone
import MeterstoneCore
import MeterstoneStore

/// The blueprint that a server is started with.
///
/// What its author changed since it was applied last is written, and what an administrator changed
/// meanwhile stays. Where both changed the same, the file is followed, and that is told.
package struct BlueprintAtStart {
    private let name: String
    private let blueprint: Blueprint

    package init(_ name: String) throws {
        self.name = name
        blueprint = try BlueprintFile(name).blueprint()
    }

    /// Merges it unless it was applied as it is, and returns what there is to say of that.
    package func apply(to engine: MeterstoneEngine) async throws -> [String] {
        let digest = try MeterstoneEngine.digest(of: blueprint)
        guard try await !isApplied(digest, engine) else {
            return ["blueprint \(name): as it was applied before; changes made since stay"]
        }
        let steps = try await engine.merge(
            blueprint, named: name, isDryRun: false, isOfStart: true,
            author: MeterstoneEngine.blueprintAuthor + name)
        try AppliedBlueprint(steps, name: name).check()
        return ["blueprint \(name): \(AppliedBlueprint(steps, name: name).text)"]
            + steps.flatMap { step in lines(about: step) }
    }

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

    /// What was changed by hand and is replaced, and what of it stays.
    private func lines(about step: BlueprintStep) -> [String] {
        let hand =
            step.changedBy.map { author in
                ", which \(author) changed" + (step.changedAt.map { " at \($0.rfc3339)" } ?? "")
            } ?? ""
        return step.members.compactMap { member in
            let place = member.path.isEmpty ? "" : " \(member.path)"
            switch member.verdict {
            case .changed: return nil
            case .replaced:
                return
                    "blueprint \(name) replaces \(step.kind) '\(step.key)'\(place)\(hand): it was "
                    + "\(member.now.text) and is \(member.file.text)"
            case .kept:
                return "blueprint \(name) keeps \(step.kind) '\(step.key)'\(place)\(hand): it is "
                    + "\(member.now.text), and \(member.file.text) in the file"
            }
        }
    }
}

extension JSONValue? {
    /// For people, in one line.
    var text: String {
        guard let self, let text = try? JSONText(self).text else { return "nothing" }
        return text
    }
}
