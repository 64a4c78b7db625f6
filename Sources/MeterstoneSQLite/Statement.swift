package import GRDB
import GRDBSQLite
package import MeterstoneStore

/// A prepared statement on GRDB's connection handle, for the paths where every microsecond counts.
///
/// Confined to the connection that it was prepared on, and finalized with its last reference, which
/// must be before the connection closes.
@safe package final class Statement {
    private var handle: OpaquePointer?
    private let connection: OpaquePointer

    package init(_ database: Database, _ sql: String) throws(StoreError) {
        guard let connection = unsafe database.sqliteConnection else {
            throw StoreError(code: .closed, message: "the database is closed")
        }
        var handle: OpaquePointer?
        let code = unsafe sqlite3_prepare_v3(
            connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard code == SQLITE_OK, unsafe handle != nil else {
            throw unsafe StoreError(sqlite: code, connection)
        }
        unsafe self.handle = handle
        unsafe self.connection = connection
    }

    deinit {
        finalize()
    }

    /// Lets go of the statement, so that its connection can close.
    package func finalize() {
        unsafe sqlite3_finalize(handle)
        unsafe handle = nil
    }

    package func bind(_ index: Int32, _ value: Int64) {
        _ = unsafe sqlite3_bind_int64(handle, index, value)
    }

    func bind(_ index: Int32, _ bytes: [UInt8]) {
        _ = unsafe bytes.withUnsafeBytes {
            // A null pointer would bind NULL, and an empty blob is not that.
            guard let start = $0.baseAddress, $0.count > 0 else {
                return unsafe sqlite3_bind_zeroblob(handle, index, 0)
            }
            return unsafe sqlite3_bind_blob64(
                handle, index, start, UInt64($0.count), Self.transient)
        }
    }

    package func bind(_ index: Int32, _ text: String?) {
        guard let text else {
            _ = unsafe sqlite3_bind_null(handle, index)
            return
        }
        _ = unsafe sqlite3_bind_text(
            handle, index, text, Int32(text.utf8.count), Self.transient)
    }

    package func bindNull(_ index: Int32) {
        _ = unsafe sqlite3_bind_null(handle, index)
    }

    /// Runs to the next row; `false` when there is none.
    package func step() throws(StoreError) -> Bool {
        let code = unsafe sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        if code == SQLITE_DONE { return false }
        let error = unsafe StoreError(sqlite: sqlite3_extended_errcode(connection), connection)
        unsafe sqlite3_reset(handle)
        throw error
    }

    /// Makes the statement ready for its next use.
    package func reset() {
        unsafe sqlite3_reset(handle)
    }

    /// Runs a statement that gives no rows.
    package func run() throws(StoreError) {
        while try step() {}
        reset()
    }

    /// Binds a part of `bytes` without copying it, and runs.
    func run(binding index: Int32, _ bytes: [UInt8], _ range: Range<Int>) throws(StoreError) {
        let result: Result<Void, StoreError> = unsafe bytes.withUnsafeBytes { buffer in
            let part = unsafe UnsafeRawBufferPointer(rebasing: buffer[range])
            _ = unsafe sqlite3_bind_blob64(
                handle, index, part.baseAddress, UInt64(part.count), nil)
            do throws(StoreError) { return .success(try run()) } catch { return .failure(error) }
        }
        try result.get()
    }

    package func int(_ column: Int32) -> Int64 {
        unsafe sqlite3_column_int64(handle, column)
    }

    package func isNull(_ column: Int32) -> Bool {
        unsafe sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    package func text(_ column: Int32) -> String {
        guard let text = unsafe sqlite3_column_text(handle, column) else { return "" }
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        return unsafe String(
            decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
    }

    func bytes(_ column: Int32) -> [UInt8] {
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        guard count > 0, let start = unsafe sqlite3_column_blob(handle, column) else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Tells SQLite to copy what is bound.
    private static var transient: sqlite3_destructor_type {
        unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    }
}

extension StoreError {
    /// Translates SQLite's result codes.
    ///
    /// A failed sync is the one failure after which nobody knows what is on disk: the kernel may have
    /// dropped the pages, and a second sync may report success for what was lost.
    init(sqlite code: Int32, _ connection: OpaquePointer?) {
        let text = unsafe String(
            cString: connection.map { unsafe sqlite3_errmsg($0) } ?? sqlite3_errstr(code))
        self.init(code: Code(sqlite: code), message: "\(text) (SQLite \(code))")
    }

    package init(_ error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let error as DatabaseError:
            self.init(
                code: Code(sqlite: error.extendedResultCode.rawValue),
                message: error.message ?? "SQLite \(error.extendedResultCode.rawValue)")
        default:
            self.init(
                code: .inputOutput, message: "the store cannot be read or written",
                detail: "\(error)")
        }
    }
}

extension StoreError.Code {
    fileprivate init(sqlite code: Int32) {
        let fsync = SQLITE_IOERR | (4 << 8)
        let directoryFsync = SQLITE_IOERR | (5 << 8)
        switch code {
        case fsync, directoryFsync:
            self = .outcomeUnknown
        default:
            switch code & 0xFF {
            case SQLITE_FULL: self = .diskFull
            case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_READONLY: self = .inputOutput
            case SQLITE_CORRUPT, SQLITE_NOTADB: self = .corrupt
            case SQLITE_BUSY, SQLITE_LOCKED: self = .locked
            default: self = .misuse
            }
        }
    }
}
