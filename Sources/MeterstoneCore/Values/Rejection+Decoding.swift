extension Rejection {
    /// Why a value could not be decoded, in a sentence of ours, with the path of the field.
    ///
    /// What Swift says of it names types that no caller knows, and changes with its version.
    package init(_ error: DecodingError) {
        switch error {
        case .keyNotFound(let key, let context):
            self.init(
                code: .missingField, field: Self.path(context.codingPath + [key]),
                message: "expected a value")
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            self.init(
                code: .invalidField, field: Self.path(context.codingPath),
                message: "expected \(Self.expectation(of: type))")
        case .dataCorrupted(let context):
            // Ours all say what they expected; Swift's own are of numbers that do not fit.
            let text = context.debugDescription
            let isOurs = text.hasPrefix("expected ") || text.contains(": expected ")
            self.init(
                code: .invalidField, field: Self.path(context.codingPath),
                message: isOurs ? text : "expected another value")
        @unknown default:
            self.init(code: .invalidField, field: "", message: "expected another value")
        }
    }

    private static func expectation(of type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a text"
        case is Bool.Type: "true or false"
        case is any FixedWidthInteger.Type: "a whole number of 64 bits"
        case is any BinaryFloatingPoint.Type: "a number"
        case is [String: Any].Type, is any DecodableObject.Type: "an object"
        case is [Any].Type, is any DecodableArray.Type: "an array"
        default: "another kind of value"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        var path = ""
        for key in keys {
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += path.isEmpty ? key.stringValue : "." + key.stringValue
            }
        }
        return path
    }
}

/// What decoders name as the type that they expected: arrays and dictionaries of whatever is inside.
private protocol DecodableArray {}
extension Array: DecodableArray {}
private protocol DecodableObject {}
extension Dictionary: DecodableObject {}
