import Foundation
import Synchronization

/// A file of the repository, as text.
struct SourceFile {
    let path: String
    let lines: [String]

    /// The folder under `Sources` that it stands in.
    var target: String {
        let parts = path.split(separator: "/")
        return parts.count > 1 && parts[0] == "Sources" ? String(parts[1]) : ""
    }

    /// Lines without comments, and without what stands in literals.
    var code: [(number: Int, text: String)] { reading.code }

    /// Lines without comments.
    var codeAndLiterals: [(number: Int, text: String)] { reading.codeAndLiterals }

    private struct Reading {
        let code: [(number: Int, text: String)]
        let codeAndLiterals: [(number: Int, text: String)]

        init(_ lines: [String]) {
            let text = SwiftText(lines.joined(separator: "\n"))
            code = Self.numbered(text.code)
            codeAndLiterals = Self.numbered(text.codeAndLiterals)
        }

        private static func numbered(_ text: String) -> [(number: Int, text: String)] {
            text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map {
                ($0 + 1, String($1))
            }
        }
    }

    /// Each file is read once, whatever is asked about it.
    private static let readings = Mutex<[String: Reading]>([:])

    private var reading: Reading {
        Self.readings.withLock { readings in
            if let known = readings[path] { return known }
            let reading = Reading(lines)
            readings[path] = reading
            return reading
        }
    }

    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func all(in folder: String, ending: String) -> [SourceFile] {
        let base = root.appendingPathComponent(folder).resolvingSymlinksInPath()
        let paths = FileManager.default.enumerator(atPath: base.path)?.allObjects as? [String]
        return (paths ?? []).filter { $0.hasSuffix(ending) && !$0.contains(".build") }.sorted()
            .compactMap { path in
                let url = base.appendingPathComponent(path)
                guard let text = try? String(contentsOf: url, encoding: .utf8) else { return nil }
                return SourceFile(
                    path: "\(folder)/\(path)",
                    lines: text.split(separator: "\n", omittingEmptySubsequences: false)
                        .map(String.init))
            }
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }
}
