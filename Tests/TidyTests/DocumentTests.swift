import Foundation
import Testing

/// The documents keep up with the code.
@Suite struct DocumentTests {
    @Test func `relative links lead somewhere`() throws {
        let pages =
            SourceFile.all(in: "docs", ending: ".md")
            + ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].compactMap { path in
                (try? SourceFile.text(path)).map {
                    SourceFile(path: path, lines: $0.components(separatedBy: "\n"))
                }
            }
        let link = #/\]\(([^)#\s]+)(#[^)]*)?\)/#
        for page in pages {
            let folder = SourceFile.root.appendingPathComponent(page.path)
                .deletingLastPathComponent()
            for (index, line) in page.lines.enumerated() {
                for match in line.matches(of: link) {
                    let target = String(match.1)
                    guard !target.contains("://"), !target.hasPrefix("mailto:") else { continue }
                    let path = folder.appendingPathComponent(target).path
                    #expect(
                        FileManager.default.fileExists(atPath: path),
                        "\(page.path):\(index + 1): \(target) does not exist")
                }
            }
        }
    }

    @Test func `the changelog has an Unreleased section`() throws {
        #expect(try SourceFile.text("CHANGELOG.md").contains("## Unreleased"))
    }

    @Test func `every error code has a line in the reference`() throws {
        let reference = try SourceFile.text("docs/reference/errors.md")
        let files = SourceFile.all(in: "Sources", ending: ".swift").filter {
            $0.path.hasSuffix("Limits/ConsumeOutcome.swift")
                || $0.path.hasSuffix("StoreError.swift")
        }
        let code = #/case \w+ = "([a-z_]+)"/#
        for file in files {
            for line in file.lines {
                guard let match = line.firstMatch(of: code) else { continue }
                #expect(reference.contains("`\(match.1)`"), "\(match.1) is not documented")
            }
        }
    }

    @Test func `a command that sends JSON says so`() throws {
        for page in SourceFile.all(in: "docs", ending: ".md") {
            let text = page.lines.joined(separator: "\n").replacing("\\\n", with: " ")
            for line in text.split(separator: "\n")
            where line.contains("curl ") && (line.contains(" -d ") || line.contains(" --data")) {
                #expect(line.contains("Content-Type"), "\(page.path): \(line.prefix(100))")
            }
        }
    }

    @Test func `pages stay short`() throws {
        for page in SourceFile.all(in: "docs", ending: ".md") where page.lines.count > 260 {
            Issue.record("\(page.path): \(page.lines.count) lines want a cut")
        }
        #expect(try SourceFile.text("README.md").components(separatedBy: "\n").count <= 150)
    }
}
