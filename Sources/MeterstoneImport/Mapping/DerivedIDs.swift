package import MeterstoneCore
import MeterstoneStore

/// Makes event ids for rows that have none, the same ones each time the same file is read.
///
/// The id is a hash of what the file's ids begin from, of the row's fields and of how many equal rows
/// came before it, in the shape of a UUID of version 8. So importing a file again is harmless, and so is
/// importing a longer version of it; two equal rows of one file are two events, and so are equal rows
/// of two files. It costs some 40 bytes of memory per row.
package struct DerivedIDs: Sendable {
    private var occurrences: [UInt64: UInt32] = [:]

    private let seeds: (first: UInt64, second: UInt64)

    /// - Parameter scope: what the file's ids begin from; files with the same one share ids.
    package init(scope: String = "") {
        seeds =
            scope.isEmpty ? (0, 1) : (XXH64.hash(scope, seed: 0), XXH64.hash(scope, seed: 1))
    }

    package mutating func next(for content: ArraySlice<UInt8>) -> EventID {
        let first = XXH64.hash(content, seed: seeds.first)
        let second = XXH64.hash(content, seed: seeds.second)
        let earlier = occurrences[first, default: 0]
        occurrences[first] = earlier + 1
        let mixed = second &+ UInt64(earlier) &* 0x9E37_79B9_7F4A_7C15
        return .uuid(first & ~0xF000 | 0x8000, mixed & ~(0b11 << 62) | 0b10 << 62)
    }
}
