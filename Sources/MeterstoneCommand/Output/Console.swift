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
        put(Array((text.printableLines + "\n").utf8))
    }

    static func write(json bytes: [UInt8]) {
        put(escaped(json: bytes) + [UInt8(ascii: "\n")])
    }

    /// Writes what a program is to read: as it is, unless it goes to a terminal.
    static func write(_ bytes: [UInt8]) {
        guard isatty(FileHandle.standardOutput.fileDescriptor) == 1 else { return put(bytes) }
        let text = String(decoding: bytes, as: UTF8.self).replacing("\r\n", with: "\n")
        put(Array(text.printableLines.utf8))
    }

    /// Ends the program when the output takes no more, a full disk for one: nobody must take half an
    /// answer for a whole one.
    private static func put(_ bytes: [UInt8]) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(bytes))
        } catch {
            note("meterstone: the answer cannot be written to the standard output")
            exit(ProgramExit.inputOutput.rawValue)
        }
    }

    static func note(_ text: String) {
        complain(text.printableLines + "\n")
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
        complain("\r\u{1B}[2K\(line.printable)")
    }

    /// Where nobody can be told, the exit code still tells.
    private static func complain(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
