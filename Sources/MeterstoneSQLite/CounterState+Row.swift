import MeterstoneCore
import MeterstoneStore

extension Instant {
    /// `window_from` of counters that have no start: one byte, and no window starts there, since
    /// windows start on whole seconds.
    private static let always: Int64 = -1

    init(columnValue: Int64) {
        self =
            columnValue == Self.always
            ? WindowSpan.lifetime.from : Instant(millisecondsSince1970: columnValue)
    }

    var columnValue: Int64 {
        self == WindowSpan.lifetime.from ? Self.always : millisecondsSince1970
    }
}

extension CounterState {
    private enum Memories {
        static let latest: UInt8 = 1
        static let distinct: UInt8 = 2
    }

    /// Reads `value` and, in the column after it, `memory`.
    init(row: Statement, column: Int32) throws(StoreError) {
        let value = row.int(column)
        guard !row.isNull(column + 1) else {
            self.init(value: value, memory: .none)
            return
        }
        do throws(MalformedRecord) {
            self.init(value: value, memory: try Self.memory(row.bytes(column + 1)))
        } catch {
            throw StoreError(code: .corrupt, message: "the memory of a counter is unreadable")
        }
    }

    private static func memory(_ bytes: [UInt8]) throws(MalformedRecord) -> Memory {
        var reader = ByteReader(bytes)
        switch try reader.byte() {
        case Memories.latest:
            let at = Instant(millisecondsSince1970: try reader.signed())
            return .latest(at: at, sequence: try reader.signed())
        case Memories.distinct:
            var values: [String: Int64] = [:]
            for _ in 0..<(try reader.count()) {
                let text = try reader.text()
                values[text] = try reader.signed()
            }
            return .distinct(values)
        default: throw MalformedRecord()
        }
    }

    /// The column `memory`; `nil` when the number says all. Rolling counters have no row.
    var memoryBytes: [UInt8]? {
        var writer = ByteWriter()
        switch memory {
        case .none, .rolling: return nil
        case .latest(let at, let sequence):
            writer.byte(Memories.latest)
            writer.signed(at.millisecondsSince1970)
            writer.signed(sequence)
        case .distinct(let values):
            writer.byte(Memories.distinct)
            writer.unsigned(UInt64(values.count))
            for (text, count) in values.sorted(by: { $0.key < $1.key }) {
                writer.text(text)
                writer.signed(count)
            }
        }
        return writer.bytes
    }
}
