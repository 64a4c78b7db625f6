import HTTPTypes
import Hummingbird
import NIOCore

/// The page to which the `type` of every problem leads: `/docs/errors#invalid_field`.
///
/// It is the reference page of the errors, with an anchor at each code.
struct ErrorPage: Sendable {
    private let html = Self.html(of: String(decoding: PackageResources.errors_md, as: UTF8.self))

    func add(to routes: inout Routes) {
        routes.on(.get, "/docs/errors") { _, _ in
            Response(
                status: .ok,
                headers: [
                    .contentType: "text/html; charset=utf-8",
                    .contentSecurityPolicy:
                        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
                ],
                body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
        }
    }

    /// As much of Markdown as the page has: headings, tables, a block of code and paragraphs.
    private static func html(of markdown: String) -> String {
        var html = """
            <!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Error codes</title>
            <style>body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}
            td{vertical-align:top;padding:.2em .6em}tr:target{background:#fe9}</style>

            """
        var isCode = false
        var isTable = false
        for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isCode.toggle()
                html += isCode ? "<pre>" : "</pre>\n"
                continue
            }
            if line.hasPrefix("|") != isTable, !isCode {
                isTable.toggle()
                html += isTable ? "<table>\n" : "</table>\n"
            }
            if isCode {
                html += escaped(line) + "\n"
            } else if isTable {
                html += row(line)
            } else if line.hasPrefix("#") {
                let level = line.prefix { $0 == "#" }.count
                html += "<h\(level)>\(text(line.dropFirst(level + 1)))</h\(level)>\n"
            } else {
                html += line.isEmpty ? "<p>\n" : text(line) + "\n"
            }
        }
        return html
    }

    /// `` | `invalid_field` | 422 | … | ``, with its code as the anchor.
    private static func row(_ line: Substring) -> String {
        let cells = line.dropFirst().split(separator: "|", omittingEmptySubsequences: false)
            .dropLast()
        if cells.allSatisfy({ $0.contains("---") }) { return "" }
        let code = cells.first?.split(separator: "`").dropFirst().first
        let anchor = code.map { " id=\"\(escaped($0))\"" } ?? ""
        return "<tr\(anchor)>" + cells.map { "<td>\(text($0))</td>" }.joined() + "</tr>\n"
    }

    /// With words in backticks as code, and links as their words.
    private static func text(_ line: Substring) -> String {
        let words = escaped(line.replacing(/\[([^\]]*)\]\([^)]*\)/) { $0.1 }[...])
        return words.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .map { $0.isMultiple(of: 2) ? String($1) : "<code>\($1)</code>" }.joined()
    }

    private static func escaped(_ text: Substring) -> String {
        String(text).replacing("&", with: "&amp;").replacing("<", with: "&lt;")
            .replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }
}
