import Foundation
import Testing

/// The pages about the five documents' applications name tests that exist.
@Suite struct ApplicationPageTests {
    /// How many items each document has.
    private static let items: [(pages: [String], count: Int)] = [
        (["shop-audience"], 35), (["language-tutor"], 60), (["chat-builder"], 151),
        (["token-allowance"], 89), (["video-studio", "video-studio-code"], 231),
    ]

    /// The rows of a page: of items, and of tests.
    private struct Page {
        var items: [[String]] = []
        var tests: [[String]] = []

        init(_ name: String) throws {
            var isAboutTests = false
            for line in try SourceFile.text("docs/applications/\(name).md")
                .components(separatedBy: "\n")
            {
                if line == "## Tests" { isAboutTests = true }
                guard line.hasPrefix("| "), !line.hasPrefix("| ---") else { continue }
                let cells = line.replacing("\\|", with: "\u{0}").split(separator: "|").map {
                    $0.replacing("\u{0}", with: "|").trimmingCharacters(in: .whitespaces)
                }
                guard cells.count == 3, !cells[0].hasPrefix("**"),
                    cells[0] != "the document says", !cells[0].isEmpty
                else { continue }
                if isAboutTests { tests.append(cells) } else { items.append(cells) }
            }
        }
    }

    @Test func `every item of every document has a row`() throws {
        for document in Self.items {
            let rows = try document.pages.reduce(0) { try $0 + Page($1).items.count }
            #expect(rows == document.count, "\(document.pages)")
        }
    }

    @Test func `every row names a test, or says what is missing`() throws {
        for name in Self.items.flatMap(\.pages) {
            let page = try Page(name)
            let known = Set(page.tests.map { $0[0] })
            var used: Set<String> = []
            for row in page.items {
                let codes = row[2].split(separator: " ").map(String.init)
                if codes == ["—"] {
                    #expect(row[1].contains("not yet: "), "\(name): \(row[0])")
                } else {
                    #expect(!codes.isEmpty && known.isSuperset(of: codes), "\(name): \(row[0])")
                    used.formUnion(codes)
                }
            }
            #expect(used == known, "\(name): \(known.subtracting(used))")
        }
    }

    @Test func `every test that is named exists`() throws {
        let suite = #/struct (\w+)/#
        let name = #/func `([^`]+)`/#
        var known: Set<String> = []
        for file in SourceFile.all(in: "Tests", ending: ".swift") {
            var current = ""
            for line in file.lines {
                if line.contains("@Suite") || line.hasPrefix("struct "),
                    let match = line.firstMatch(of: suite)
                {
                    current = String(match.1)
                }
                if let match = line.firstMatch(of: name) { known.insert("\(current)/\(match.1)") }
            }
        }
        #expect(known.count > 1_000)
        // Those of the JavaScript package.
        let scriptTest = #/^test\('([^']+)'/#
        for file in SourceFile.all(in: "Web/test", ending: ".js") {
            for line in file.lines {
                if let match = line.firstMatch(of: scriptTest) { known.insert("Web/\(match.1)") }
            }
        }
        for page in Self.items.flatMap(\.pages) {
            for row in try Page(page).tests {
                let test = row[1...].map { $0.trimmingCharacters(in: ["`"]) }
                    .joined(separator: "/")
                #expect(known.contains(test), "\(page) names \(test)")
            }
        }
    }
}
