import Foundation
import MeterstoneAPI
import MeterstoneCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The files of a ``RecordQueue``: a file of lines for each batch, by rising numbers.
///
/// Confined to the queue, which is an actor.
final class QueueFolder {
    private let path: String
    private let lock: Int32
    private var number: Int64 = 0
    /// The file that is written now.
    private var current: (name: String, handle: FileHandle)?

    /// Makes the folder if it is not there, and takes it for this process.
    init(_ path: String) throws(ClientError) {
        self.path = path
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw ClientError(.closed, "'\(path)' cannot be made: \(error.localizedDescription)")
        }
        lock = unsafe open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw ClientError(.closed, "'\(path)' cannot be written, or belongs to another queue")
        }
    }

    deinit {
        guard lock >= 0 else { return }
        // A child that is started just now may have the descriptor for a while.
        flock(lock, LOCK_UN)
        _ = FileHandle(fileDescriptor: lock, closeOnDealloc: true)
    }

    /// What an earlier process left, oldest first. A line that it did not finish is none.
    func batches() throws(ClientError) -> [QueuedBatch] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw ClientError(.closed, "'\(path)' cannot be read: \(error.localizedDescription)")
        }
        var batches: [QueuedBatch] = []
        for name in names.filter({ $0.hasSuffix(".ndjson") }).sorted() {
            guard let own = Int64(name.dropLast(7)) else { continue }
            number = max(number, own)
            let batch = try batch(name)
            if batch.events.isEmpty { remove(name) } else { batches.append(batch) }
        }
        return batches
    }

    private func batch(_ name: String) throws(ClientError) -> QueuedBatch {
        guard let bytes = FileManager.default.contents(atPath: "\(path)/\(name)") else {
            throw ClientError(.closed, "'\(path)/\(name)' cannot be read")
        }
        var batch = QueuedBatch(bytes: bytes.count, file: name)
        // Behind the last line feed there is nothing, or a line that was not finished.
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (place, line) in lines.dropLast().enumerated() {
            do throws(Rejection) {
                batch.events.append(try UsageEvent(json: Array(line)))
            } catch {
                throw ClientError(
                    .closed, "'\(path)/\(name)': line \(place + 1) is no event (\(error.message))")
            }
        }
        return batch
    }

    /// Writes a line into the file of the batch that is gathered, and returns its name.
    func append(_ line: [UInt8]) throws(ClientError) -> String {
        do {
            let file = try current ?? begin()
            current = file
            try file.handle.write(contentsOf: Data(line))
            return file.name
        } catch {
            throw ClientError(.closed, "'\(path)' cannot be written: \(error.localizedDescription)")
        }
    }

    private func begin() throws -> (name: String, handle: FileHandle) {
        number += 1
        let digits = String(number)
        let name = String(repeating: "0", count: max(0, 19 - digits.count)) + digits + ".ndjson"
        let file = "\(path)/\(name)"
        guard FileManager.default.createFile(atPath: file, contents: nil) else {
            throw CocoaError(.fileWriteUnknown)
        }
        return (name, try FileHandle(forWritingTo: URL(filePath: file)))
    }

    /// The next line begins another file.
    func end() {
        try? current?.handle.close()
        current = nil
    }

    func remove(_ name: String?) {
        guard let name else { return }
        try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
    }
}
