import Meterstone
import MeterstoneCore
import MeterstoneStore

/// What the store remembers of files that were imported, and what follows for the one to import.
///
/// A file is known again by its name and its beginning: the same file, and a longer version of it, gets
/// the same ids for its rows, which therefore count once. Another name, or another beginning, is
/// another file, and its rows get ids of their own, however equal they are. With a source of the whole
/// import, ids come from the rows alone, and equal rows of all files with this source are one event.
struct ImportMemory: Sendable {
    /// What the ids that are made for rows begin from.
    let scope: String
    /// Why the import cannot be carried out.
    let refusal: ImportError?
    /// What to tell about it.
    let notice: String?
    /// What the store knows of this import; `nil`: nothing yet.
    private var known: ImportedFileNote?
    private var note: ImportedFileNote

    static let kind = "importedFile"
    /// Who writes what an import changes beside usage.
    static let author = "import"

    init(
        of file: InputFile, _ request: ImportRequest, _ engine: MeterstoneEngine
    ) async throws {
        let source = request.mapping?.source
        let mapping = request.mappingText
        let records = try await engine.changes(ofKind: Self.kind).latest
        let content = try FileContent(of: file, lengths: records.map(\.note.bytes))
        let matches = records.filter {
            $0.note.source == source && $0.note.counted != 0 && content.begins(with: $0.note)
        }
        let own = matches.filter { $0.note.name == file.name }
        let same = own.filter { $0.note.mapping == mapping }.max { $0.note.bytes < $1.note.bytes }
        scope = source != nil ? "" : same?.note.scope ?? "\(file.name)\n\(content.digest)"
        note = ImportedFileNote(
            name: file.name, source: source, bytes: content.bytes, digest: content.digest,
            scope: scope, mapping: mapping)
        known = same?.note.digest == content.digest ? same?.note : nil
        let other = same == nil ? own.last : nil
        refusal = other.map { .otherMapping(file.name, $0, mapping) }
        let isIdentified = request.mapping?.id != nil || request.mapping == nil || source != nil
        let twin = isIdentified ? nil : matches.last { $0.note.digest == content.digest }
        notice = same == nil && other == nil ? twin.map { .twin(file.name, $0) } : nil
    }

    /// Writes down that the import begins, unless that is known.
    mutating func begin(_ engine: MeterstoneEngine) async throws {
        if let refusal { throw refusal }
        guard known == nil else { return }
        try await write(engine)
    }

    /// Writes down how many rows are counted, unless that is known.
    mutating func end(counted: Int, _ engine: MeterstoneEngine) async throws {
        note.counted = Int64(counted)
        guard known != note else { return }
        try await write(engine)
    }

    private mutating func write(_ engine: MeterstoneEngine) async throws {
        let request = ChangeRequest(change: .noteImport(note), author: Self.author)
        _ = try await engine.change(request)
        known = note
    }
}

/// A note, and when it was written.
private struct NotedImport: Sendable {
    let note: ImportedFileNote
    let at: Instant
}

extension [ChangeRecord] {
    /// The last note of each import, oldest first.
    fileprivate var latest: [NotedImport] {
        var result: [[String]: NotedImport] = [:]
        var order: [[String]] = []
        for record in self {
            guard case .noteImport(let note) = record.change else { continue }
            let key = [note.name, note.source ?? "", note.digest, note.scope, note.mapping]
            if result[key] == nil { order.append(key) }
            result[key] = NotedImport(note: note, at: record.recordedAt)
        }
        return order.compactMap { result[$0] }
    }
}

extension ImportRequest {
    /// How rows become events, as it is written on the command line.
    fileprivate var mappingText: String {
        let format = "--format \(self.format.rawValue)"
        return mapping.map { "\(format) \($0.text)" } ?? format
    }
}

extension ImportError {
    fileprivate static func otherMapping(
        _ name: String, _ before: NotedImport, _ mapping: String
    ) -> ImportError {
        let rows = before.note.counted.map { ", and \($0) of its rows are counted" } ?? ""
        return ImportError(
            .usage,
            """
            '\(name)' was imported before, at \(before.at.rfc3339), with \(before.note.mapping)\(rows); \
            importing it with \(mapping) would count them in another way. Import it as before, or give \
            --source NAME to count its rows once more, as events of that source
            """)
    }
}

extension String {
    fileprivate static func twin(_ name: String, _ before: NotedImport) -> String {
        """
        '\(name)' holds what '\(before.note.name)' held, which was imported at \(before.at.rfc3339); its \
        rows are counted as others. With the same --source for both, equal rows count once
        """
    }
}
