/// Where a journal is shipped to, as somebody said it.
package enum ShippingLocation: Hashable, Sendable, CustomStringConvertible {
    case folder(String)

    package static let expectation = "a folder"

    /// `nil` when the text is not of the form that ``expectation`` states.
    package init?(_ text: String) {
        guard !text.isEmpty, !text.contains("://") else { return nil }
        self = .folder(text)
    }

    package var description: String {
        switch self {
        case .folder(let path): path
        }
    }
}
