import MeterstoneAPI
import MeterstoneCore
import Testing

@Suite struct JSONReaderTests {
    static let valid = [
        "{}", "[]", "0", "-0", "-1", "1.5", "1e3", "1E+3", "1.5e-3", "true", "false", "null",
        "\"\"",
        " \t\r\n{ \"a\" : [ 1 , 2 ] } ", #""\"\\\/\b\f\n\r\t\u0041""#, #""\ud83d\ude00""#, "\"ü😀\"",
        #"{"a":{"b":{"c":[[],{},""]}}}"#, "[1,[2,[3]],{\"x\":null}]",
        "123456789012345678901234567890",
    ]

    @Test(arguments: valid)
    func `a valid text is accepted`(text: String) throws {
        var reader = JSONReader(Array(text.utf8))
        try reader.validate()
    }

    static let broken = [
        "", " ", "{", "}", "[", "]", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
        "{a:1}", "{'a':1}", "{\"a\":1 \"b\":2}", "{1:2}", "01", "-", "+1", ".5", "1.", "1e", "1e+",
        "--1",
        "0x10", "NaN", "Infinity", "tru", "True", "nul", "\"", "\"a", "\"\\", "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12G4\"", "\"\t\"", "\"\n\"", "\"\u{0}\"", #""\ud800""#, #""\udc00""#,
        #""\ud800\ud800""#,
        #""\ud800x""#, "[1}", "{\"a\":1]", "1 2", "{} {}", "// comment\n1", "[1]/**/", "\u{FEFF}1",
    ]

    @Test(arguments: broken)
    func `a broken text is malformed`(text: String) {
        var reader = JSONReader(Array(text.utf8))
        #expect(rejection { try reader.validate() }?.code == .malformed)
    }

    static let brokenUTF8: [[UInt8]] = [
        [0x80], [0xC3], [0xC3, 0x28], [0xC0, 0xAF], [0xC1, 0xBF], [0xE0, 0x80, 0xAF],
        [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0xAF], [0xF4, 0x90, 0x80, 0x80],
        [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
    ]

    @Test(arguments: brokenUTF8)
    func `bytes that are not UTF-8 are malformed`(bytes: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        var reader = JSONReader([quote] + bytes + [quote])
        #expect(rejection { try reader.validate() }?.code == .malformed)
        var name = JSONReader(Array("{\"".utf8) + bytes + Array("\":1}".utf8))
        #expect(rejection { try name.validate() }?.code == .malformed)
    }

    @Test(arguments: [("[", "]"), ("{\"a\":", "}")])
    func `nesting is bounded`(opening: String, closing: String) throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array(
                (String(repeating: opening, count: depth) + "1"
                    + String(repeating: closing, count: depth)).utf8)
        }
        var deep = JSONReader(nested(WireBounds.depthMax))
        try deep.validate()
        for depth in [WireBounds.depthMax + 1, 100_000] {
            var deeper = JSONReader(nested(depth))
            #expect(rejection { try deeper.validate() }?.code == .malformed)
        }
        var endless = JSONReader(Array(String(repeating: opening, count: 1_000_000).utf8))
        #expect(rejection { try endless.validate() }?.code == .malformed)
    }

    @Test func `the message has the offset of the byte`() {
        var reader = JSONReader(Array("{\"a\":[1,x]}".utf8))
        let rejection = rejection { try reader.validate() }
        #expect(rejection?.message == "byte 8: expected a value")
    }

    static let numbers: [(String, Int64?)] = [
        ("0", 0), ("-0", 0), ("7", 7), ("-7", -7), ("9223372036854775807", .max),
        ("-9223372036854775808", .min), ("9223372036854775808", nil), ("-9223372036854775809", nil),
        ("18446744073709551616", nil), ("1.0", nil), ("1e3", nil), ("1E0", nil),
        ("99999999999999999999999999", nil),
    ]

    @Test(arguments: numbers)
    func `whole numbers of 64 bits are exact and others are none`(
        text: String, expected: Int64?
    ) throws {
        var reader = JSONReader(Array(text.utf8))
        #expect(try reader.scanWholeNumber() == expected)
        try reader.finish()
    }

    static let strings = [
        (#""plain""#, "plain"), (#""a\"b\\c\/d""#, "a\"b\\c/d"),
        (#""\b\f\n\r\t""#, "\u{8}\u{C}\n\r\t"),
        (#""\u00e9é""#, "éé"), (#""x\ud83d\ude00y""#, "x😀y"), (#""\u0000""#, "\0"), ("\"\"", ""),
    ]

    @Test(arguments: strings)
    func `escapes are what they stand for`(json: String, text: String) throws {
        var reader = JSONReader(Array(json.utf8))
        let string = try reader.scanString()
        #expect(reader.text(of: string) == text)
    }
}
