import Testing

/// House rules look at code, and not at what code talks about.
@Suite struct SwiftTextTests {
    static let texts: [(text: String, code: String)] = [
        ("let a = 1 // sleep(", "let a = 1 "), ("/* a /* b */ sleep( */c", "c"),
        (#"a("sleep(")"#, #"a("")"#), (##"a(#"say "hi" \(b)"#)"##, #"a("")"#),
        (#""a \(sleep("b", (1)))" + c"#, #""(sleep("", (1)))" + c"#),
        (#""\"sleep(" + a"#, #""" + a"#), (#""\\" + sleep("#, #""" + sleep("#),
        ("\"\"\"\nsleep( \"x\"\n\"\"\" + a", "\"\n\n\" + a"),
        (##"a.matches(of: #/"\(//#)"##, #"a.matches(of: "")"#),
        ("a // \"\nb", "a \nb"),
    ]

    @Test(arguments: texts)
    func `code has no comments, and nothing of literals but what is interpolated`(
        text: String, code: String
    ) {
        #expect(SwiftText(text).code == code)
    }

    @Test func `lines keep their numbers`() {
        for file in SourceFile.all(in: "Sources", ending: ".swift") {
            #expect(file.code.count == file.lines.count, "\(file.path)")
            #expect(file.codeAndLiterals.count == file.lines.count, "\(file.path)")
        }
    }
}
