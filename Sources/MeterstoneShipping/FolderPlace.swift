import Dispatch
import Foundation

/// A folder that a journal is shipped to. It may be the one that whole backups go into.
package struct FolderPlace: ShippingPlace {
    private let path: String
    /// A folder may be on a disk that is elsewhere, and hangs: that is to hold up nobody.
    private let queue = DispatchQueue(label: "meterstone.shipping", attributes: .concurrent)

    package init(_ path: String) {
        self.path = path
    }

    package var name: String { path }

    package var segmentBytesMax: Int { 16 * 1_048_576 }

    /// Whether whole backups that are made in this folder are at this place already.
    package func isSame(as directory: String) -> Bool {
        URL(filePath: path).standardizedFileURL.resolvingSymlinksInPath().path
            == URL(filePath: directory).standardizedFileURL.resolvingSymlinksInPath().path
    }

    private func apart<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }

    // MARK: Objects

    package func names(under prefix: String, after name: String?) async throws -> [String] {
        try await apart {
            let folder = path + "/" + prefix
            guard FileManager.default.fileExists(atPath: folder) else { return [] }
            return try FileManager.default.contentsOfDirectory(atPath: folder)
                .filter { !$0.hasSuffix(Self.partial) }.map { prefix + $0 }
                .filter { name == nil || $0 > name ?? "" }.sorted()
        }
    }

    private static let partial = ".partial"

    package func read(_ name: String) async throws -> [UInt8]? {
        try await apart {
            let file = path + "/" + name
            guard FileManager.default.fileExists(atPath: file) else { return nil }
            return [UInt8](try Data(contentsOf: URL(filePath: file)))
        }
    }

    package func create(_ name: String, _ bytes: [UInt8]) async throws -> Bool {
        try await apart {
            let file = path + "/" + name
            try makeFolder(of: file)
            let partial = "\(file).\(UUID().uuidString)\(Self.partial)"
            try Data(bytes).write(to: URL(filePath: partial))
            defer { try? FileManager.default.removeItem(atPath: partial) }
            try Self.sync(partial)
            // A second name for a file is only given where nothing has that name.
            guard unsafe link(partial, file) == 0 else {
                guard errno == EEXIST else { throw Self.failure() }
                return false
            }
            try Self.sync((file as NSString).deletingLastPathComponent)
            return true
        }
    }

    package func write(_ name: String, _ bytes: [UInt8], known: Int) async throws {
        try await apart {
            let file = path + "/" + name
            if known == 0 { try makeFolder(of: file) }
            let descriptor = unsafe open(file, O_WRONLY | O_CREAT, 0o640)
            guard descriptor >= 0 else { throw Self.failure() }
            defer { close(descriptor) }
            // Anything longer is what a failure left.
            guard ftruncate(descriptor, off_t(known)) == 0 else { throw Self.failure() }
            var written = known
            while written < bytes.count {
                let count = unsafe bytes.withUnsafeBytes { buffer in
                    unsafe pwrite(
                        descriptor, buffer.baseAddress?.advanced(by: written),
                        buffer.count - written, off_t(written))
                }
                guard count > 0 else { throw Self.failure() }
                written += count
            }
            guard fsync(descriptor) == 0 else { throw Self.failure() }
            if known == 0 { try Self.sync((file as NSString).deletingLastPathComponent) }
        }
    }

    package func remove(_ name: String) async throws {
        try await apart { try FileManager.default.removeItem(atPath: path + "/" + name) }
    }

    // MARK: Whole backups

    package func wholes() async throws -> [WholeBackup] {
        try await apart {
            guard FileManager.default.fileExists(atPath: path) else { return [] }
            return try FileManager.default.contentsOfDirectory(atPath: path)
                .compactMap { WholeBackup(name: $0) }
                .filter { FileManager.default.fileExists(atPath: database($0.name)) }
                .sorted { $0.madeAt > $1.madeAt }
        }
    }

    package func putWhole(_ name: String, from directory: String) async throws {
        try await apart {
            let partial = "\(path)/\(name)\(Self.partial)"
            try? FileManager.default.removeItem(atPath: partial)
            try FileManager.default.createDirectory(
                atPath: partial, withIntermediateDirectories: true)
            let file = partial + "/meterstone.sqlite"
            try FileManager.default.copyItem(
                atPath: directory + "/meterstone.sqlite", toPath: file)
            try Self.sync(file)
            try Self.sync(partial)
            try FileManager.default.moveItem(atPath: partial, toPath: "\(path)/\(name)")
            try Self.sync(path)
        }
    }

    package func fetchWhole(_ name: String, to file: String) async throws {
        try await apart {
            try FileManager.default.copyItem(atPath: database(name), toPath: file)
            // What a look at the backup left in its log belongs to it.
            if FileManager.default.fileExists(atPath: database(name) + "-wal") {
                try FileManager.default.copyItem(
                    atPath: database(name) + "-wal", toPath: file + "-wal")
            }
        }
    }

    package func removeWhole(_ name: String) async throws {
        try await apart { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }
    }

    private func database(_ name: String) -> String { "\(path)/\(name)/meterstone.sqlite" }

    // MARK: The disk

    private func makeFolder(of file: String) throws {
        let folder = (file as NSString).deletingLastPathComponent
        guard !FileManager.default.fileExists(atPath: folder) else { return }
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        try Self.sync((folder as NSString).deletingLastPathComponent)
    }

    private static func sync(_ path: String) throws {
        let descriptor = unsafe open(path, O_RDONLY)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure() }
    }

    private static func failure() -> POSIXError { POSIXError(.init(rawValue: errno) ?? .EIO) }
}
