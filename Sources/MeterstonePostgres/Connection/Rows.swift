import CLibPQ

/// What one statement returned, in binary format.
@safe package final class Rows {
    private let result: OpaquePointer
    package let count: Int

    /// Takes the result over.
    init(_ result: OpaquePointer) {
        unsafe self.result = result
        count = Int(unsafe PQntuples(result))
    }

    deinit {
        unsafe PQclear(result)
    }

    package func isNull(_ row: Int, _ column: Int32) -> Bool {
        unsafe PQgetisnull(result, Int32(row), column) == 1
    }

    /// `bigint`, `integer` or `boolean`.
    func int(_ row: Int, _ column: Int32) -> Int64 {
        let bytes = unsafe value(row, column)
        // The first bit is the sign, and the bytes are the most significant first.
        let sign: Int64 = unsafe bytes.first.map { $0 & 0x80 == 0 ? 0 : -1 } ?? 0
        return unsafe bytes.reduce(sign) { $0 << 8 | Int64($1) }
    }

    package func text(_ row: Int, _ column: Int32) -> String {
        unsafe String(decoding: value(row, column), as: UTF8.self)
    }

    package func optionalText(_ row: Int, _ column: Int32) -> String? {
        isNull(row, column) ? nil : text(row, column)
    }

    func bytes(_ row: Int, _ column: Int32) -> [UInt8] {
        unsafe Array(value(row, column))
    }

    package var columnNames: [String] {
        let columns = unsafe PQnfields(result)
        return (0..<columns).map { column in
            let name = unsafe PQfname(result, column)
            return unsafe name.map { unsafe String(cString: $0) } ?? ""
        }
    }

    /// What the texts of a column are.
    package enum Kind: Sendable {
        case integer, real, boolean, other
    }

    package func kind(_ column: Int32) -> Kind {
        switch unsafe PQftype(result, column) {
        case 20, 21, 23: .integer
        // What `numeric` says may be whole.
        case 700, 701, 1700: .real
        case 16: .boolean
        default: .other
        }
    }

    /// Valid while this object lives.
    private func value(_ row: Int, _ column: Int32) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(
            start: PQgetvalue(result, Int32(row), column),
            count: Int(PQgetlength(result, Int32(row), column)))
    }
}
