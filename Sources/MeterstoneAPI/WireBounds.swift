import MeterstoneCore

/// How large the parts of a request may be; every bound of the wire format stands here, but for those
/// of an event's parts, which hold at every door.
package enum WireBounds {
    /// How deep arrays and objects may be nested in any JSON text.
    package static let depthMax = 64
    /// Bytes of UTF-8 in a type, subtype, source, project, scene or session.
    package static let nameBytesMax = EventBounds.nameBytesMax
    /// Bytes of UTF-8 in the name or the value of a dimension.
    package static let dimensionBytesMax = EventBounds.dimensionBytesMax
    package static let dimensionsMax = EventBounds.dimensionsMax
    package static let dimensionExpectation =
        "a text of at most \(dimensionBytesMax) bytes without control characters"

    /// Whether a dimension may have this value; an empty one is a value.
    package static func isDimensionValue(_ text: String) -> Bool {
        text.utf8.count <= dimensionBytesMax
            && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }

    package static let quantitiesMax = EventBounds.quantitiesMax
    package static let errorMessageBytesMax = EventBounds.errorMessageBytesMax
    /// Bytes of the JSON text of an event's properties, as given.
    package static let propertiesBytesMax = 16_384
    /// Bytes of one line of newline-delimited JSON. The largest valid event is well below it.
    package static let lineBytesMax = 1_048_576
    /// Bytes of UTF-8 in the author or the reason of a change or a correction.
    package static let authorBytesMax = 255
    package static let reasonBytesMax = 4_096
    /// Seconds after which a reservation expires: at most thirty days.
    package static let reservationSeconds: ClosedRange<Int64> = 1...2_592_000
}
