import CLibPQ

/// What one statement returned, in binary format.
@safe final class Rows {
    private let result: OpaquePointer
    let count: Int

    /// Takes the result over.
    init(_ result: OpaquePointer) {
        unsafe self.result = result
        count = Int(unsafe PQntuples(result))
    }

    deinit {
        unsafe PQclear(result)
    }

    func isNull(_ row: Int, _ column: Int32) -> Bool {
        unsafe PQgetisnull(result, Int32(row), column) == 1
    }

    /// `bigint`, `integer` or `boolean`.
    func int(_ row: Int, _ column: Int32) -> Int64 {
        let bytes = unsafe value(row, column)
        // The first bit is the sign, and the bytes are the most significant first.
        let sign: Int64 = unsafe bytes.first.map { $0 & 0x80 == 0 ? 0 : -1 } ?? 0
        return unsafe bytes.reduce(sign) { $0 << 8 | Int64($1) }
    }

    func text(_ row: Int, _ column: Int32) -> String {
        unsafe String(decoding: value(row, column), as: UTF8.self)
    }

    func optionalText(_ row: Int, _ column: Int32) -> String? {
        isNull(row, column) ? nil : text(row, column)
    }

    func bytes(_ row: Int, _ column: Int32) -> [UInt8] {
        unsafe Array(value(row, column))
    }

    /// Valid while this object lives.
    private func value(_ row: Int, _ column: Int32) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(
            start: PQgetvalue(result, Int32(row), column),
            count: Int(PQgetlength(result, Int32(row), column)))
    }
}
