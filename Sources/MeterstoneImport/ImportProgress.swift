/// How far an import is.
package struct ImportProgress: Sendable {
    package let rows: Int
    /// Of the file as it lies on disk, packed or not.
    package let bytesRead: Int
    /// `nil` where it cannot be known: a pipe.
    package let bytesTotal: Int?

    package init(rows: Int, bytesRead: Int, bytesTotal: Int?) {
        self.rows = rows
        self.bytesRead = bytesRead
        self.bytesTotal = bytesTotal
    }
}
