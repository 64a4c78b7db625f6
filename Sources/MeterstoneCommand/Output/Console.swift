import Foundation

/// The standard streams: answers go to the output, everything else to the error stream.
enum Console {
    /// Whether somebody watches the error stream, so that a line may be drawn again.
    static var isErrorTerminal: Bool { isatty(FileHandle.standardError.fileDescriptor) == 1 }

    static func write(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    static func write(json bytes: [UInt8]) {
        write(bytes + [UInt8(ascii: "\n")])
    }

    static func write(_ bytes: [UInt8]) {
        FileHandle.standardOutput.write(Data(bytes))
    }

    static func note(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }

    /// Draws a line in place of the one that was drawn before.
    static func redraw(_ line: String) {
        FileHandle.standardError.write(Data("\r\u{1B}[2K\(line)".utf8))
    }
}
