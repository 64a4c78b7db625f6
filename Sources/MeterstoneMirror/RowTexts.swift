import MeterstoneAPI
package import MeterstoneCore

/// Texts of values that many rows have in common, each written once as long as it comes again and again:
/// events that come now have one instant in three columns, and count one of something.
struct RowTexts {
    private let dialect: MirrorDialect
    private var instant: (key: Instant, value: MirrorValue)?
    private var quantities: (key: Quantities, value: MirrorValue)?

    init(_ dialect: MirrorDialect) {
        self.dialect = dialect
    }

    mutating func value(_ instant: Instant) -> MirrorValue {
        if let last = self.instant, last.key == instant { return last.value }
        let value = dialect.value(instant)
        self.instant = (instant, value)
        return value
    }

    mutating func value(_ quantities: Quantities) -> MirrorValue {
        if let last = self.quantities, last.key == quantities { return last.value }
        let value = Self.object(quantities.pairs) { pair, writer in
            writer.name(text: pair.name.text)
            writer.integer(pair.quantity.units)
        }
        self.quantities = (quantities, value)
        return value
    }

    /// `NULL` where there is nothing to tell.
    static func object<Part>(
        _ parts: [Part], _ write: (Part, inout JSONWriter) -> Void
    ) -> MirrorValue {
        guard !parts.isEmpty else { return .null }
        var writer = JSONWriter()
        writer.beginObject()
        for part in parts { write(part, &writer) }
        writer.endObject()
        return .text(String(decoding: writer.bytes, as: UTF8.self))
    }
}

extension MirrorDialect {
    /// SQLite's own functions of dates write no `T` and no `Z`, and texts have to compare.
    package func value(_ instant: Instant) -> MirrorValue {
        let text = instant.rfc3339
        guard self == .sqlite else { return .text(text) }
        var bytes = Array(text.utf8.dropLast())
        bytes[10] = UInt8(ascii: " ")
        return .text(String(decoding: bytes, as: UTF8.self))
    }
}
