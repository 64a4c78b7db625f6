import MeterstoneCore

/// Why an import cannot start or go on. A row that cannot be used is a ``RowProblem`` instead.
package struct ImportError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// The request itself is wrong: a column that is not there, a template that does not parse.
        case usage
        /// The file is not what it is said to be.
        case badData
        /// There is no such file, or it may not be read.
        case unreadable
        /// Reading failed.
        case inputOutput
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// A row that was not imported, and why.
package struct RowProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line on which the row starts, counted from 1.
    package let line: Int
    package let reason: String

    package init(line: Int, reason: String) {
        self.line = line
        self.reason = reason
    }

    /// One line, with what control characters the file has made visible.
    package var description: String { "line \(line): \(reason.printable)" }
}
