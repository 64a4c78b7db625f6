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
