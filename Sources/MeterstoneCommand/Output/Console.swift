import Foundation
import MeterstoneCore

/// The standard streams: answers go to the output, everything else to the error stream.
///
/// What is written may hold texts of files and callers, so that control characters other than the ends
/// of lines are made visible: a terminal would carry them out.
enum Console {
    /// Whether somebody watches the error stream, so that a line may be drawn again.
    static var isErrorTerminal: Bool { isatty(FileHandle.standardError.fileDescriptor) == 1 }

    static func write(_ text: String) {
        FileHandle.standardOutput.write(Data((text.printableLines + "\n").utf8))
    }

    static func write(json bytes: [UInt8]) {
        FileHandle.standardOutput.write(Data(escaped(json: bytes) + [UInt8(ascii: "\n")]))
    }

    /// Writes what a program is to read: as it is, unless it goes to a terminal.
    static func write(_ bytes: [UInt8]) {
        guard isatty(FileHandle.standardOutput.fileDescriptor) == 1 else {
            return FileHandle.standardOutput.write(Data(bytes))
        }
        let text = String(decoding: bytes, as: UTF8.self).replacing("\r\n", with: "\n")
        FileHandle.standardOutput.write(Data(text.printableLines.utf8))
    }

    static func note(_ text: String) {
        FileHandle.standardError.write(Data((text.printableLines + "\n").utf8))
    }

    /// JSON has C0 escaped already; DEL and C1 may stand in its texts, and are escaped here.
    private static func escaped(json bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(where: { $0 == 0x7F || $0 == 0xC2 }) else { return bytes }
        var result: [UInt8] = []
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            if 0x7F...0x9F ~= scalar.value {
                result += "\\u00\(String(scalar.value, radix: 16))".utf8
            } else {
                result += UTF8.encode(scalar).map { Array($0) } ?? []
            }
        }
        return result
    }

    /// Draws a line in place of the one that was drawn before.
    static func redraw(_ line: String) {
        FileHandle.standardError.write(Data("\r\u{1B}[2K\(line.printable)".utf8))
    }
}
