import MeterstoneImport
import Testing

/// What reading a text gave: the fields of each row, or the problem in its place.
private enum Row: Equatable {
    case fields([String], line: Int)
    case problem(String)
}

private func rows(_ pieces: [[UInt8]]) throws(ImportError) -> [Row] {
    var parser = CSVParser()
    var rows: [Row] = []
    for piece in pieces {
        parser.push(piece)
        rows += try drain(&parser)
    }
    parser.finish()
    return rows + (try drain(&parser))
}

private func drain(_ parser: inout CSVParser) throws(ImportError) -> [Row] {
    var rows: [Row] = []
    var record = Record()
    while true {
        do throws(CSVFailure) {
            guard try parser.next(into: &record) else { return rows }
            let fields = (0..<record.count).map { String(decoding: record[$0], as: UTF8.self) }
            rows.append(.fields(fields, line: record.line))
        } catch {
            switch error {
            case .row(let problem): rows.append(.problem(problem.description))
            case .file(let error): throw error
            }
        }
    }
}

@Suite struct CSVParserTests {
    @Test(
        arguments: [
            ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
            ("a,b\r\n1,2\r\n", [["a", "b"], ["1", "2"]]),
            ("a,b\n1,2", [["a", "b"], ["1", "2"]]),
            ("a,b\r\n1,2\r", [["a", "b"], ["1", "2"]]),
            ("\u{FEFF}a\n1\n", [["a"], ["1"]]),
            ("\u{FEFF}\"a\"\n", [["a"]]),
            ("", []),
            ("\n\r\n\n", []),
            ("a\n\n\r\nb\n", [["a"], ["b"]]),
            (",\n,,\n", [["", ""], ["", "", ""]]),
            ("a,\n", [["a", ""]]),
            ("a,", [["a", ""]]),
            ("\"\"\n", [[""]]),
            ("\"\"", [[""]]),
            ("\"a,b\",c\n", [["a,b", "c"]]),
            ("\"a\nb\r\nc\",d\n", [["a\nb\r\nc", "d"]]),
            ("\"say \"\"yes\"\"\"\n", [["say \"yes\""]]),
            ("\"\"\"\"\n", [["\""]]),
            ("\"a\"\r\nb\n", [["a"], ["b"]]),
            ("a\rb,c\n", [["a\rb", "c"]]),
            (" a , b \n", [[" a ", " b "]]),
            ("Zoë,日本\n", [["Zoë", "日本"]]),
        ] as [(String, [[String]])])
    func `a text has these rows, however it is cut into pieces`(
        text: String, expected: [[String]]
    ) throws {
        let bytes = Array(text.utf8)
        let whole = try rows([bytes])
        #expect(whole.map { $0.fields } == expected)
        #expect(try rows(bytes.map { [$0] }) == whole)
        for cut in bytes.indices {
            #expect(try rows([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole)
        }
    }

    @Test(
        arguments: [
            ("a\nb\"c\nd\n", ["line 2: a quote inside a field without quotes"]),
            ("a\n\"b\"c\nd\n", ["line 2: text after a closing quote"]),
            ("a\n\"b\" ,c\nd\n", ["line 2: text after a closing quote"]),
            ("a\n\"b\n", ["line 2: a quote is not closed"]),
            (
                "\"x\ny\",z\"\nb\"\nc\n",
                [
                    "line 1: a quote inside a field without quotes",
                    "line 3: a quote inside a field without quotes",
                ]
            ),
        ] as [(String, [String])])
    func `a broken row is told with its line, and the next row is read`(
        text: String, expected: [String]
    ) throws {
        for pieces in [[Array(text.utf8)], text.utf8.map { [$0] }] {
            let problems = try rows(pieces).compactMap { $0.problem }
            #expect(problems == expected)
        }
    }

    @Test func `lines are counted through quoted line ends and empty lines`() throws {
        let read = try rows([Array("a\n\n\"b\nb\"\n\"c\n\n\"x\nd\n".utf8)])
        #expect(
            read == [
                .fields(["a"], line: 1), .fields(["b\nb"], line: 3),
                .problem("line 5: text after a closing quote"),
                .problem("line 7: a quote is not closed"), .fields(["d"], line: 8),
            ])
    }

    /// What follows an unclosed quote may hold no quote, or one that closes it by mistake.
    @Test(
        arguments: [
            ("a,b\nann,\"1\nbob,2\ncid,3\n", "line 2: a quote is not closed", ["bob", "cid"]),
            (
                "a,b\nann,\"1\nbob,\"2\"\ncid,3\n", "line 2: text after a closing quote",
                ["bob", "cid"]
            ),
            ("a,b\nann,1\n\"bob,2", "line 3: a quote is not closed", ["ann"]),
        ] as [(String, String, [String])])
    func `an unterminated quote costs one row`(
        text: String, problem: String, names: [String]
    ) throws {
        for pieces in [[Array(text.utf8)], text.utf8.map { [$0] }] {
            let read = try rows(pieces)
            #expect(read.compactMap { $0.problem } == [problem])
            #expect(read.dropFirst().compactMap { $0.fields?.first } == names)
        }
    }

    @Test func `a quote that is not closed within a megabyte costs one row`() throws {
        let line = Array("ann,1\n".utf8)
        let count = CSVParser.rowBytesMax / line.count + 10
        let text = Array("a,b\nbob,\"1\n".utf8) + (0..<count).flatMap { _ in line }
        let read = try rows([text])
        #expect(read.count == count + 2)
        #expect(
            read[1].problem
                == "line 2: a quote is not closed within \(CSVParser.rowBytesMax) bytes")
        #expect(read.last == .fields(["ann", "1"], line: count + 2))
    }

    @Test func `a row without end is an error with its line`() {
        let piece = Array(repeating: UInt8(ascii: "x"), count: CSVParser.rowBytesMax / 2)
        let pieces = [Array("a\n\"".utf8), piece, piece, piece]
        let error = #expect(throws: ImportError.self) { _ = try rows(pieces) }
        #expect(error?.code == .badData)
        #expect(error?.message.hasPrefix("line 2: ") == true)
    }

    /// Any rows of fields, written with and without needless quotes, are read as they were.
    @Test(arguments: 0..<300)
    func `what is written is read`(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let alphabet = Array("ab,\"\n\r é".unicodeScalars)
        var expected: [[String]] = []
        var text = ""
        for _ in 0..<random.next(upTo: 20) {
            let width = 1 + random.next(upTo: 5)
            let fields = (0..<width).map { _ in
                String(
                    String.UnicodeScalarView(
                        (0..<random.next(upTo: 6)).map { _ in
                            alphabet[random.next(upTo: alphabet.count)]
                        }))
            }
            expected.append(fields)
            text += fields.map { written($0, isLone: width == 1, &random) }.joined(separator: ",")
            text += random.next(upTo: 2) == 0 ? "\n" : "\r\n"
        }
        let bytes = Array(text.utf8)
        let cut = random.next(upTo: bytes.count + 1)
        let read = try rows([Array(bytes[..<cut]), Array(bytes[cut...])])
        #expect(read.map { $0.fields } == expected)
    }

    private func written(_ field: String, isLone: Bool, _ random: inout SplitMix) -> String {
        let mustQuote =
            field.unicodeScalars.contains { ",\"\n\r".unicodeScalars.contains($0) }
            || (isLone && field.isEmpty) || random.next(upTo: 4) == 0
        guard mustQuote else { return field }
        var quoted = "\""
        for scalar in field.unicodeScalars {
            quoted.unicodeScalars.append(scalar)
            if scalar == "\"" { quoted.unicodeScalars.append(scalar) }
        }
        return quoted + "\""
    }

    /// Bytes at random, most of them meaningful to the parser.
    @Test(arguments: 0..<300)
    func `whatever comes, every byte is read and the pieces do not matter`(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let alphabet = Array("\"\"\",,\n\n\r a\u{FEFF}".utf8) + [0x00, 0xFF, 0x1F]
        let bytes = (0..<random.next(upTo: 200)).map { _ in
            alphabet[random.next(upTo: alphabet.count)]
        }
        let whole = try rows([bytes])
        #expect(try rows(bytes.map { [$0] }) == whole)
        let cut = random.next(upTo: bytes.count + 1)
        #expect(try rows([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole)
    }
}

extension Row {
    fileprivate var fields: [String]? {
        if case .fields(let fields, _) = self { fields } else { nil }
    }

    fileprivate var problem: String? {
        if case .problem(let problem) = self { problem } else { nil }
    }
}
