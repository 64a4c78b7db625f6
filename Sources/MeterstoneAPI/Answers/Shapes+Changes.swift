package import MeterstoneCore

extension Shapes {
    package static let change = Shape<ChangeEntry>(
        "Change",
        [
            Member("sequence", .integer(from: 1), \.sequence, "Its place among all facts."),
            Member("recordedAt", .instant, \.recordedAt),
            Member("author", .text, \.author),
            Member(
                maybe: "address", .text, \.address,
                "From where; absent: that is not known."),
            Member("kind", .oneOf(ChangeEntry.kinds), \.kind, "What was changed."),
            Member("key", .text, \.key, "Which one."),
            Member(
                "before", Wire<String>.json(.anything).orNull, \.before,
                "As it was; null: it did not exist."),
            Member(
                "after", Wire<String>.json(.anything).orNull, \.after,
                "As it is; null: it was deleted."),
        ]
    ) { fields throws(WireMismatch) in
        let before: WireJSON? = try fields("before")
        let after: WireJSON? = try fields("after")
        return ChangeEntry(
            sequence: try fields("sequence"), recordedAt: try fields("recordedAt"),
            author: try fields("author"), address: try fields("address"), kind: try fields("kind"),
            key: try fields("key"),
            before: before?.text, after: after?.text)
    }

    package static let changes = page("ChangeList", "changes", .changes, of: change)
}

extension Shapes {
    static let blueprintStep = Shape<BlueprintStep>(
        "BlueprintStep",
        [
            Member(
                "kind",
                .oneOf([
                    "meter", "plan", "limit", "model", "creditPolicy", "statisticsPolicy",
                    "switches", "alert",
                ]),
                \.kind, "Which part."),
            Member("key", .text, \.key, "Which one."),
            Member(
                "outcome", .oneOf(["created", "replaced", "unchanged"]), \.outcome.word,
                "What became of it."),
            Member(
                maybe: "members", mergedMember.wire.list(),
                { $0.members.isEmpty ? nil : $0.members },
                "Of a merge: the members in which file and store differ."),
            Member(
                maybe: "changedBy", .text, \.changedBy, "Of a merge: who changed it by hand last."),
            Member(maybe: "changedAt", .instant, \.changedAt),
        ]
    ) { fields throws(WireMismatch) in
        let word: String = try fields("outcome")
        let outcome: ChangeOutcome =
            switch word {
            case "created": .created
            case "replaced": .replaced
            default: .unchanged
            }
        return BlueprintStep(
            kind: try fields("kind"), key: try fields("key"), outcome: outcome,
            members: fields.contains("members")
                ? try fields("members", listOf: mergedMember) : [],
            changedBy: try fields("changedBy"), changedAt: try fields("changedAt"))
    }

    private static let mergedMember = Shape<MergedMember>([
        Member("path", .text, \.path, "allowances.free; empty: the part as a whole."),
        Member(
            "applied", Wire<JSONValue>.value.orNull, \.applied,
            "As it was applied last; null: nothing was."),
        Member("now", Wire<JSONValue>.value.orNull, \.now, "As it is."),
        Member("file", Wire<JSONValue>.value.orNull, \.file, "As the file says."),
        Member(
            "verdict", .choice, \.verdict,
            "The file's word is taken, the hand's word stays, or the file replaces the hand's word."
        ),
    ]) { fields throws(WireMismatch) in
        MergedMember(
            path: try fields("path"), applied: try fields("applied"), now: try fields("now"),
            file: try fields("file"), verdict: try fields("verdict"))
    }

    package static let blueprintSteps = list("BlueprintAnswer", "steps", of: blueprintStep)
}

extension Shapes {
    package static let aliases = Shape<[SubjectID]>(
        "AliasList",
        [
            Member(
                "aliases", Wire<String>.name.list(), { $0.map(\.text) },
                "Other keys that mean the subject, sorted.")
        ]
    ) { fields throws(WireMismatch) in try fields("aliases") }
}

extension ChangeOutcome {
    /// What became of the change, in a word.
    package var word: String {
        switch self {
        case .created: "created"
        case .replaced: "replaced"
        case .unchanged: "unchanged"
        case .deleted: "deleted"
        case .missing: "missing"
        case .credited: "credited"
        case .rejected: "rejected"
        }
    }
}

extension Shapes {
    static let importedFile = Shape<ImportedFile>(
        "ImportedFile",
        [
            Member("name", .text, \.note.name, "The file's name, without its folders."),
            Member(maybe: "source", .name, \.note.source, "The source of the whole import."),
            Member("bytes", .quantity, \.note.bytes, "How many bytes the digest is of."),
            Member("digest", .text, \.note.digest, "Of the file's bytes, unpacked."),
            Member("scope", .text, \.note.scope, "What the ids of its rows begin from."),
            Member("mapping", .text, \.note.mapping, "How columns became events."),
            Member(
                maybe: "counted", .quantity, \.note.counted,
                "How many rows are counted; absent: the import has not come to its end."),
            Member("recordedAt", .instant, \.at, "When this was noted."),
        ]
    ) { fields throws(WireMismatch) in
        ImportedFile(
            note: ImportedFileNote(
                name: try fields("name"), source: try fields("source"), bytes: try fields("bytes"),
                digest: try fields("digest"), scope: try fields("scope"),
                mapping: try fields("mapping"), counted: try fields("counted")),
            at: try fields("recordedAt"))
    }

    package static let imports = list("ImportedFileList", "imports", of: importedFile)
}
