/// Which blueprint was applied, and what was in it.
///
/// Written down so that a restart with the same blueprint leaves alone what an administrator changed
/// since.
public struct AppliedBlueprintNote: Hashable, Sendable, Codable {
    /// The blueprint's name, or the path of its file.
    public var name: String
    /// Of the blueprint as it was read: comments and the order of fields do not matter.
    public var digest: String
    /// Whether a server applied it at its start, and not somebody with `meterstone blueprint apply`.
    public var isOfStart: Bool
    /// What was applied; `nil`: an earlier version noted it, which kept only the digest.
    public var blueprint: Blueprint?

    public init(name: String, digest: String, isOfStart: Bool, blueprint: Blueprint? = nil) {
        self.name = name
        self.digest = digest
        self.isOfStart = isOfStart
        self.blueprint = blueprint
    }
}

/// Which file was imported, and how its columns were read.
///
/// Written down so that the same file under another mapping is not counted a second time without a
/// word, and so that the ids that are made for its rows are the same ones the next time.
public struct ImportedFileNote: Hashable, Sendable, Codable {
    /// The file's name without its folders and without `.gz`; `-` for the standard input.
    public var name: String
    /// The source that the whole import was given.
    public var source: String?
    /// How many bytes ``digest`` is of, unpacked: of a file all that it had, of the standard input the
    /// first ones.
    public var bytes: Int64
    public var digest: String
    /// What the ids that were made for its rows begin from.
    public var scope: String
    /// How columns became events, in words: `--subject who --quantity calls=n`.
    public var mapping: String
    /// How many rows are counted, by this import or an earlier one; `nil`: it has not come to its end.
    public var counted: Int64?

    public init(
        name: String, source: String?, bytes: Int64, digest: String, scope: String, mapping: String,
        counted: Int64? = nil
    ) {
        self.name = name
        self.source = source
        self.bytes = bytes
        self.digest = digest
        self.scope = scope
        self.mapping = mapping
        self.counted = counted
    }
}
