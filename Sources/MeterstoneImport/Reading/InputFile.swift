import Foundation
import MeterstoneAPI

/// The bytes of a file or of the standard input, unpacked when they are gzipped.
///
/// A class because it owns an open file. Whether the bytes are gzipped is read off their first two,
/// not off the name, so that it works for the standard input too.
package final class InputFile {
    /// Large enough that system calls cost nothing, small enough to stay in the processor's cache.
    package static let chunkBytesMax = 262_144

    private let handle: FileHandle
    private let isOwned: Bool
    private var decoder: GzipDecoder?
    private var isFirst = true
    /// What was read ahead, to be handed out first.
    private var ahead: [[UInt8]] = []
    /// The path of a file that may be read a second time; `nil` for the standard input and for pipes.
    private let pathAgain: String?
    /// The file's name without its folders and without `.gz`; `-` for what has none.
    package let name: String
    /// Bytes read from the file itself, packed as they are.
    package private(set) var bytesRead = 0
    /// `nil` where it cannot be known: a pipe.
    package let bytesTotal: Int?

    /// Opens a path; `-` is the standard input.
    package init(path: String) throws(ImportError) {
        guard path != "-" else {
            handle = .standardInput
            isOwned = false
            bytesTotal = nil
            pathAgain = nil
            name = "-"
            return
        }
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw ImportError(.unreadable, "cannot read '\(path)'")
        }
        self.handle = handle
        isOwned = true
        // A link has attributes of its own.
        let target = URL(filePath: path).resolvingSymlinksInPath().path
        let attributes = try? FileManager.default.attributesOfItem(atPath: target)
        let isRegular = attributes?[.type] as? FileAttributeType == .typeRegular
        bytesTotal = isRegular ? (attributes?[.size] as? NSNumber)?.intValue : nil
        pathAgain = isRegular ? path : nil
        let last = URL(filePath: path).lastPathComponent
        name = !isRegular ? "-" : last.hasSuffix(".gz") ? String(last.dropLast(3)) : last
    }

    deinit {
        if isOwned { try? handle.close() }
    }

    /// The same file from its beginning; `nil` where bytes can be read once only.
    func reopened() throws(ImportError) -> InputFile? {
        guard let pathAgain else { return nil }
        return try InputFile(path: pathAgain)
    }

    /// The first bytes, at least so many unless there are fewer. ``next()`` hands them out all the
    /// same.
    func head(_ count: Int) throws(ImportError) -> [[UInt8]] {
        while ahead.reduce(0, { $0 + $1.count }) < count, let bytes = try nextUnread() {
            ahead.append(bytes)
        }
        return ahead
    }

    /// The next bytes, or `nil` at the end.
    package func next() throws(ImportError) -> [UInt8]? {
        ahead.isEmpty ? try nextUnread() : ahead.removeFirst()
    }

    private func nextUnread() throws(ImportError) -> [UInt8]? {
        while true {
            if let decoder, let piece = try Self.next(of: decoder) { return piece }
            guard let chunk = try read() else {
                if let decoder, !decoder.isComplete {
                    throw ImportError(.badData, "the gzip file ends too early")
                }
                return nil
            }
            guard let decoder else { return chunk }
            decoder.feed(chunk)
        }
    }

    private static func next(of decoder: GzipDecoder) throws(ImportError) -> [UInt8]? {
        do throws(GzipDecoder.Damage) {
            return try decoder.next()
        } catch {
            throw ImportError(.badData, "the gzip file is damaged (zlib's code \(error.code))")
        }
    }

    private func read() throws(ImportError) -> [UInt8]? {
        do {
            var chunk = [UInt8](try handle.read(upToCount: Self.chunkBytesMax) ?? Data())
            // A pipe may hand out a single byte, and two are needed to recognise gzip.
            if isFirst, chunk.count == 1 { chunk += try handle.read(upToCount: 1) ?? Data() }
            bytesRead += chunk.count
            if isFirst, GzipDecoder.recognises(chunk) { decoder = GzipDecoder() }
            isFirst = false
            return chunk.isEmpty ? nil : chunk
        } catch {
            throw ImportError(
                .inputOutput, "reading failed: the file is no longer there, or its disk fails")
        }
    }
}
