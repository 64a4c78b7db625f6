import Foundation
import Testing

/// Rules of the house that the compiler does not know.
@Suite struct HouseRuleTests {
    private let sources = SourceFile.all(in: "Sources", ending: ".swift")

    /// Words, where they are not wanted, and what is used instead.
    private static let banned: [(word: String, targets: [String]?, instead: String)] = [
        ("Date()", ["MeterstoneCore", "MeterstoneStore", "Meterstone"], "an Instant handed in"),
        ("Double", ["MeterstoneCore", "MeterstoneStore"], "Quantity, or another whole number"),
        (" async ", ["MeterstoneCore", "MeterstoneStore"], "a synchronous rule"),
        ("print(", nil, "Logger; only the command prints"),
        ("Task {", nil, "a task group or a Service"),
        ("Task.detached", nil, "a task group or a Service"),
        ("try!", nil, "a typed error"),
        ("fatalError(", nil, "a typed error, or a precondition that names the bug"),
        ("FIXME", nil, "a fix"),
    ]

    @Test(arguments: banned.indices)
    func `banned words do not occur`(index: Int) {
        let (word, targets, instead) = Self.banned[index]
        for file in sources where targets?.contains(file.target) ?? true {
            if word == "print(", file.target == "MeterstoneCommand" { continue }
            // JSON that is somebody else's: it is kept, and nothing is computed with it.
            if word == "Double", file.path.hasSuffix("Values/JSONValue.swift") { continue }
            for (number, line) in file.code where line.containsWord(word) {
                Issue.record("\(file.path):\(number): use \(instead), not \(word)")
            }
        }
    }

    @Test func `no test sleeps`() {
        for file in SourceFile.all(in: "Tests", ending: ".swift")
        where !file.path.contains("TidyTests") {
            for (number, line) in file.code where line.contains("sleep(") {
                Issue.record("\(file.path):\(number): wait for an event")
            }
        }
    }

    @Test func `no source file is longer than 600 lines`() {
        for file in sources where file.lines.count > 600 {
            Issue.record("\(file.path): \(file.lines.count) lines want a cut by concern")
        }
    }

    @Test func `unchecked sendability says why on the lines above`() {
        for file in sources {
            for (index, line) in file.lines.enumerated()
            where line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") {
                let above = file.lines[max(0, index - 1)].trimmingCharacters(in: .whitespaces)
                #expect(above.hasPrefix("//"), "\(file.path):\(index + 1): say why")
            }
        }
    }

    @Test func `SQL stands in the stores`() {
        let verbs = ["SELECT ", "INSERT INTO", "DELETE FROM", "UPDATE SET"]
        let stores = ["MeterstoneSQLite", "MeterstonePostgres", "MeterstoneMirror"]
        for file in sources where !stores.contains(file.target) {
            for (number, line) in file.codeAndLiterals
            where verbs.contains(where: { line.contains($0) }) {
                Issue.record("\(file.path):\(number): SQL outside a store")
            }
        }
    }

    @Test func `the repository speaks only of the product`() {
        let words = ["../shared", "/home/", "/root/"]
        for folder in ["Sources", "Tests", "docs", "Fixtures", "Scripts", "Benchmarks"] {
            for ending in [".swift", ".md", ".yaml", ".sh"] {
                for file in SourceFile.all(in: folder, ending: ending)
                where !file.path.contains("TidyTests") {
                    for (index, line) in file.lines.enumerated()
                    where words.contains(where: { line.contains($0) }) {
                        Issue.record("\(file.path):\(index + 1): names a place on some machine")
                    }
                }
            }
        }
    }
}

extension String {
    /// Whether the text occurs, and not as the end of a longer name.
    fileprivate func containsWord(_ word: String) -> Bool {
        var rest = self[...]
        while let range = rest.range(of: word) {
            guard let before = rest[..<range.lowerBound].last, before.isLetter || before == "_"
            else { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }
}
