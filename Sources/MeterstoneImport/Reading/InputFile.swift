import Foundation

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
            return
        }
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw ImportError(.unreadable, "cannot read '\(path)'")
        }
        self.handle = handle
        isOwned = true
        let size = try? FileManager.default.attributesOfItem(atPath: path)[.size]
        bytesTotal = (size as? NSNumber)?.intValue
    }

    deinit {
        if isOwned { try? handle.close() }
    }

    /// The next bytes, or `nil` at the end.
    package func next() throws(ImportError) -> [UInt8]? {
        while true {
            guard let chunk = try read() else {
                if let decoder, !decoder.isComplete {
                    throw ImportError(.badData, "the gzip file ends too early")
                }
                return nil
            }
            guard let decoder else { return chunk }
            let unpacked = try decoder.unpack(chunk)
            if !unpacked.isEmpty { return unpacked }
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
