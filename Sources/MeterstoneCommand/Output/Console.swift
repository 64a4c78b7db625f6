import Foundation

/// The standard streams: answers go to the output, everything else to the error stream.
enum Console {
    /// Whether somebody watches the error stream, so that a line may be drawn again.
    static var isErrorTerminal: Bool { isatty(FileHandle.standardError.fileDescriptor) == 1 }

    static func write(_ text: String) {
        write(Array((text + "\n").utf8))
    }

    static func write(json bytes: [UInt8]) {
        write(bytes + [UInt8(ascii: "\n")])
    }

    /// Ends the program when the output takes no more, a full disk for one: nobody must take half an
    /// answer for a whole one.
    static func write(_ bytes: [UInt8]) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(bytes))
        } catch {
            note("meterstone: the answer cannot be written to the standard output")
            exit(ProgramExit.inputOutput.rawValue)
        }
    }

    static func note(_ text: String) {
        complain(text + "\n")
    }

    /// Draws a line in place of the one that was drawn before.
    static func redraw(_ line: String) {
        complain("\r\u{1B}[2K\(line)")
    }

    /// Where nobody can be told, the exit code still tells.
    private static func complain(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
