import Foundation
import MeterstoneImport
import Testing

@Suite struct InputFileTests {
    /// "hello\n" and "world\n" gzipped one after the other, as `cat a.gz b.gz` makes it.
    private static let members: [UInt8] =
        [
            0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xCB, 0x48, 0xCD, 0xC9,
            0xC9, 0xE7, 0x02, 0x00, 0x20, 0x30, 0x3A, 0x36, 0x06, 0x00, 0x00, 0x00,
        ] + [
            0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x2B, 0xCF, 0x2F, 0xCA,
            0x49, 0xE1, 0x02, 0x00, 0xA8, 0x61, 0x38, 0xDD, 0x06, 0x00, 0x00, 0x00,
        ]

    private func withFile<Answer>(
        _ bytes: [UInt8], _ body: (String) throws -> Answer
    ) throws -> Answer {
        let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data(bytes).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url.path)
    }

    private func content(_ bytes: [UInt8]) throws -> [UInt8] {
        try withFile(bytes) { path in
            let file = try InputFile(path: path)
            var content: [UInt8] = []
            while let chunk = try file.next() { content += chunk }
            #expect(file.bytesRead == file.bytesTotal)
            return content
        }
    }

    @Test func `plain bytes stay as they are`() throws {
        for bytes in [[], [0x1F], Array("a,b\n".utf8), Array(repeating: 7, count: 600_000)] {
            #expect(try content(bytes) == bytes)
        }
    }

    @Test func `gzip is recognised and unpacked, also in several members`() throws {
        #expect(try content(Self.members) == Array("hello\nworld\n".utf8))
    }

    @Test func `a gzip file that ends early is an error`() throws {
        for count in 2..<26 {
            let error = #expect(throws: ImportError.self) {
                _ = try content(Array(Self.members.prefix(count)))
            }
            #expect(error?.code == .badData)
        }
    }

    @Test func `a damaged gzip file is an error`() throws {
        var bytes = Self.members
        bytes[12] ^= 0xFF
        let error = #expect(throws: ImportError.self) { _ = try content(bytes) }
        #expect(error?.code == .badData)
    }

    @Test func `a file that is not there is an error`() {
        let error = #expect(throws: ImportError.self) { _ = try InputFile(path: "/nowhere/at-all") }
        #expect(error?.code == .unreadable)
    }
}
