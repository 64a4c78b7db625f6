import Meterstone
import MeterstoneCore

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

    /// Who writes what an import changes beside usage.
    static let author = "import"

    init(
        of file: InputFile, _ request: ImportRequest, _ service: any MeterstoneService
    ) async throws {
        let source = request.mapping?.source
        let mapping = request.mappingText
        let records = try await service.imports()
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
    mutating func begin(_ service: any MeterstoneService) async throws {
        if let refusal { throw refusal }
        guard known == nil else { return }
        try await write(service)
    }

    /// Writes down how many rows are counted, unless that is known.
    mutating func end(counted: Int, _ service: any MeterstoneService) async throws {
        note.counted = Int64(counted)
        guard known != note else { return }
        try await write(service)
    }

    private mutating func write(_ service: any MeterstoneService) async throws {
        let request = ChangeRequest(change: .noteImport(note), author: Self.author)
        _ = try await service.change(request)
        known = note
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
        _ name: String, _ before: ImportedFile, _ mapping: String
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
    fileprivate static func twin(_ name: String, _ before: ImportedFile) -> String {
        """
        '\(name)' holds what '\(before.note.name)' held, which was imported at \(before.at.rfc3339); its \
        rows are counted as others. With the same --source for both, equal rows count once
        """
    }
}
