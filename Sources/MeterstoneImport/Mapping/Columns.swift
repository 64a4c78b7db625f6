import MeterstoneCore

/// The names of a file's columns.
package struct Columns: Sendable {
    package let names: [String]

    package init(_ names: [String]) {
        self.names = names
    }

    /// The position of a column that `flag` names. A name that is not there, or there twice, is an
    /// error: guessing would import the wrong numbers without a word.
    func index(of name: String, for flag: String) throws(ImportError) -> Int {
        let indices = names.indices.filter { names[$0] == name }
        guard let first = indices.first else {
            let known = names.map(\.printable).joined(separator: ", ")
            throw ImportError(.usage, "\(flag): no column is called '\(name)'; there are \(known)")
        }
        guard indices.count == 1 else {
            throw ImportError(.usage, "\(flag): \(indices.count) columns are called '\(name)'")
        }
        return first
    }
}
