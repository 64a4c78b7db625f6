import Crypto
import Foundation
import MeterstoneAPI

/// A file of an archive while it is written: packed as it comes, and with another name until it is whole.
final class ArchiveFile {
    private static let partial = ".partial"
    private static let bytesAtOnce = 262_144

    private let path: String
    private let handle: FileHandle
    private let gzip = GzipEncoder()
    private var hasher = Crypto.SHA256()
    private var waiting: [UInt8] = []
    private(set) var bytes = 0

    init(path: String) throws(ArchiveError) {
        self.path = path
        do {
            let partial = path + Self.partial
            try Data().write(to: URL(filePath: partial))
            handle = try FileHandle(forWritingTo: URL(filePath: partial))
        } catch {
            throw ArchiveError(path, error)
        }
    }

    deinit { try? handle.close() }

    func append(_ text: [UInt8]) throws(ArchiveError) {
        waiting += text
        if waiting.count >= Self.bytesAtOnce { try write(isLast: false) }
    }

    private func write(isLast: Bool) throws(ArchiveError) {
        let packed = gzip.packed(waiting, isLast: isLast)
        waiting.removeAll(keepingCapacity: true)
        bytes += packed.count
        hasher.update(data: packed)
        do { try handle.write(contentsOf: Data(packed)) } catch { throw ArchiveError(path, error) }
    }

    /// Makes it durable, and gives it its name.
    ///
    /// - Returns: what it hashes to, in hexadecimal digits.
    func finish() throws(ArchiveError) -> String {
        try write(isLast: true)
        do {
            try handle.synchronize()
            try handle.close()
            try ArchiveFolder.rename(path + Self.partial, to: path)
        } catch {
            throw ArchiveError(path, error)
        }
        return hasher.finalize().hexadecimal
    }

    func discard() { try? FileManager.default.removeItem(atPath: path + Self.partial) }

    /// Visits the lines of a file that was written.
    ///
    /// - Returns: what it hashes to.
    static func read(
        _ path: String, _ visit: ([UInt8]) throws -> Void
    ) throws -> (sha256: String, bytes: Int) {
        let handle = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? handle.close() }
        let gzip = GzipDecoder()
        var hasher = Crypto.SHA256()
        var (rest, bytes): ([UInt8], Int) = ([], 0)
        while let packed = try handle.read(upToCount: bytesAtOnce), !packed.isEmpty {
            hasher.update(data: packed)
            bytes += packed.count
            gzip.feed([UInt8](packed))
            while let piece = try gzip.next() {
                rest += piece
                var start = 0
                while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                    try visit(Array(rest[start..<end]))
                    start = end + 1
                }
                rest.removeSubrange(..<start)
            }
        }
        guard gzip.isComplete, rest.isEmpty else {
            throw ArchiveError(.damaged, "\(path): it ends too early")
        }
        return (hasher.finalize().hexadecimal, bytes)
    }
}

extension Crypto.SHA256.Digest {
    fileprivate var hexadecimal: String {
        var text = ""
        for byte in self {
            let digits = String(byte, radix: 16)
            text += digits.count == 1 ? "0" + digits : digits
        }
        return text
    }
}
