import MeterstoneCore
import MeterstoneStore

/// A digest of bytes that come in pieces, which also tells what it is of their beginnings.
///
/// Two hashes of 64 bits, chained over blocks. It tells files of one owner apart, and is no seal.
struct ContentDigest: Sendable {
    private static let blockBytes = 65_536

    private var block: [UInt8] = []
    private var hashes: (first: UInt64, second: UInt64) = (0, 1)
    private(set) var count: Int64 = 0

    mutating func append(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            let piece = rest.prefix(Self.blockBytes - block.count)
            block += piece
            count += Int64(piece.count)
            rest = rest[piece.endIndex...]
            if block.count == Self.blockBytes {
                hashes = hashed
                block.removeAll(keepingCapacity: true)
            }
        }
    }

    private var hashed: (first: UInt64, second: UInt64) {
        (
            XXH64.hash(block[...], seed: hashes.first), XXH64.hash(block[...], seed: hashes.second)
        )
    }

    /// The digest of everything so far.
    var text: String {
        let (first, second) = hashed
        return [first, second].map { hash in
            let digits = String(hash, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        .joined()
    }
}

/// What is known of a file's bytes before its rows are read.
struct FileContent: Sendable {
    /// Of the standard input so many bytes are looked at, since it can be read once only.
    private static let streamBytes = 65_536

    let bytes: Int64
    let digest: String
    /// The digests of beginnings of these lengths.
    private let beginnings: [Int64: String]

    /// Reads the whole file, or the beginning of what can be read once only.
    ///
    /// - Parameter lengths: of the beginnings that ``begins(with:)`` will be asked about.
    init(of file: InputFile, lengths: [Int64]) throws(ImportError) {
        var lengths = Set(lengths).sorted()[...]
        var digest = ContentDigest()
        var beginnings: [Int64: String] = [:]
        func add(_ bytes: ArraySlice<UInt8>) {
            var rest = bytes
            while let length = lengths.first, length <= digest.count + Int64(rest.count) {
                let piece = rest.prefix(Int(length - digest.count))
                digest.append(piece)
                rest = rest[piece.endIndex...]
                beginnings[length] = digest.text
                lengths.removeFirst()
            }
            digest.append(rest)
        }
        if let again = try file.reopened() {
            while let bytes = try again.next() { add(bytes[...]) }
        } else {
            var left = Self.streamBytes
            for bytes in try file.head(Self.streamBytes) {
                add(bytes.prefix(left))
                left -= min(left, bytes.count)
            }
        }
        bytes = digest.count
        self.digest = digest.text
        self.beginnings = beginnings
    }

    /// Whether the file is the one of the note, or a longer version of it.
    func begins(with note: ImportedFileNote) -> Bool {
        note.bytes > 0 && beginnings[note.bytes] == note.digest
    }
}
