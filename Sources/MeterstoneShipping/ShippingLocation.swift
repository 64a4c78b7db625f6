/// Where a journal is shipped to, as somebody said it.
package enum ShippingLocation: Hashable, Sendable, CustomStringConvertible {
    case folder(String)
    case bucket(BucketLocation)

    package static let expectation = "a folder, or a bucket as s3://BUCKET/PREFIX"

    /// `nil` when the text is not of the form that ``expectation`` states.
    package init?(_ text: String) {
        if let bucket = BucketLocation(text) {
            self = .bucket(bucket)
        } else {
            guard !text.isEmpty, !text.contains("://") else { return nil }
            self = .folder(text)
        }
    }

    package var description: String {
        switch self {
        case .folder(let path): path
        case .bucket(let bucket): bucket.description
        }
    }
}
