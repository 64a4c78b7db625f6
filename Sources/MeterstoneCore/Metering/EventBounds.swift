/// How large the parts of an event may be, by whatever door it comes: HTTP, an import, the command
/// line or the library.
package enum EventBounds {
    /// Bytes of UTF-8 in a type, subtype, source, project, scene or session.
    package static let nameBytesMax = 255
    /// Bytes of UTF-8 in the name or the value of a dimension.
    package static let dimensionBytesMax = 255
    package static let dimensionsMax = 64
    package static let quantitiesMax = 64
    package static let errorMessageBytesMax = 4_096
    /// Subjects that an event names beside its own.
    package static let levelsMax = 8
}

extension Quantities {
    package var boundsRejection: Rejection? {
        guard case .many(let pairs) = self, pairs.count > EventBounds.quantitiesMax else {
            return nil
        }
        return .outOfBounds("quantities", "at most \(EventBounds.quantitiesMax) quantities")
    }
}

extension EventDetails {
    /// The first part that is out of bounds, as readers of the wire name it; `nil`: none is.
    package var boundsRejection: Rejection? {
        let names = [
            ("source", source), ("type", type), ("subtype", subtype), ("project", project),
            ("scene", scene), ("session", session),
        ]
        for (field, text) in names {
            if let text, !SubjectID.isValid(text) {
                return .outOfBounds(field, SubjectID.expectation)
            }
        }
        if let durationMilliseconds, durationMilliseconds < 0 {
            return .outOfBounds("durationMs", "a whole number from 0 to \(Int64.max)")
        }
        if let cost, cost < .zero {
            return .outOfBounds("costMillionths", "a whole number from 0 to \(Int64.max)")
        }
        let errorBytesMax = EventBounds.errorMessageBytesMax
        if let errorMessage,
            errorMessage.utf8.count > errorBytesMax || errorMessage.utf8.contains(0)
        {
            return .outOfBounds(
                "errorMessage", "a text of 0 to \(errorBytesMax) bytes without U+0000")
        }
        if let properties, properties.utf8.contains(0) {
            return .outOfBounds("properties", "a text without U+0000")
        }
        guard levels.count <= EventBounds.levelsMax else {
            return .outOfBounds("levels", "at most \(EventBounds.levelsMax) levels")
        }
        if levels.contains(where: { !SubjectID.isValid($0.text) }) {
            return .outOfBounds("levels", SubjectID.expectation)
        }
        return dimensionsRejection
    }

    private var dimensionsRejection: Rejection? {
        guard dimensions.count <= EventBounds.dimensionsMax else {
            return .outOfBounds(
                "dimensions", "at most \(EventBounds.dimensionsMax) dimensions")
        }
        for dimension in dimensions {
            guard SubjectID.isValid(dimension.name) else {
                return .outOfBounds("dimensions", "names of \(SubjectID.expectation)")
            }
            guard dimension.value.isEmpty || SubjectID.isValid(dimension.value) else {
                return .outOfBounds(
                    "dimensions.\(dimension.name)",
                    "a text of at most \(EventBounds.dimensionBytesMax) bytes without control "
                        + "characters")
            }
        }
        return nil
    }
}

extension Rejection {
    fileprivate static func outOfBounds(_ field: String, _ expectation: String) -> Rejection {
        Rejection(code: .invalidField, field: field, message: "expected \(expectation)")
    }
}
