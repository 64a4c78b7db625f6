import Foundation

/// A folder of a test's own, which goes with this value.
public final class TemporaryFolder: Sendable {
    public let path: String

    public init() {
        path = NSTemporaryDirectory() + "meterstone-" + UUID().uuidString
    }

    deinit {
        // Nothing depends on the folder being gone.
        try? FileManager.default.removeItem(atPath: path)
    }
}

extension TemporaryFolder {
    /// Copies a store's database and its log as they are, while somebody has them open: what a process leaves that
    /// is killed now.
    package func copyDatabase(to other: TemporaryFolder) throws {
        try FileManager.default.createDirectory(
            atPath: other.path, withIntermediateDirectories: true)
        for name in ["meterstone.sqlite", "meterstone.sqlite-wal"]
        where FileManager.default.fileExists(atPath: "\(path)/\(name)") {
            try FileManager.default.copyItem(
                atPath: "\(path)/\(name)", toPath: "\(other.path)/\(name)")
        }
    }
}
