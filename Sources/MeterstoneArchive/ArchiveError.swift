import Foundation
import MeterstoneStore

/// Why an archive is not written, or cannot be used.
package struct ArchiveError: Error, CustomStringConvertible, Sendable {
    package enum Kind: Sendable {
        /// The folder is another store's.
        case foreign
        /// A part is missing, cannot be read, or is not what its manifest says.
        case damaged
        /// Reading or writing failed.
        case inputOutput
        /// The disk is full.
        case diskFull
    }

    package let kind: Kind
    package let message: String
    /// What the store said, where it is the store that cannot be read.
    private(set) var cause: StoreError?

    init(_ cause: StoreError) {
        self.init(.inputOutput, cause.message)
        self.cause = cause
    }

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// What the system says.
    init(_ name: String, _ error: any Error) {
        let posix = error as? POSIXError
        let cocoa = (error as? CocoaError)?.underlying as? POSIXError
        let code = (posix ?? cocoa)?.code
        let isFull =
            code == .ENOSPC || code == .EDQUOT
            || (error as? CocoaError)?.code == .fileWriteOutOfSpace
        self.init(isFull ? .diskFull : .inputOutput, "\(name): \(error.localizedDescription)")
    }

    package var description: String { message }
}
