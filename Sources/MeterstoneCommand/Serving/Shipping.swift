import Meterstone
import MeterstoneCore
import MeterstoneShipping

extension Settings {
    /// The folder that whole backups go into: with shipping into a folder, that one, unless another is said.
    package var backupFolder: String? {
        if let said = self.backups.value { return said }
        if case .folder(let path) = self.shipTo.value { return path }
        return nil
    }

    func place(_ location: ShippingLocation) throws -> any ShippingPlace {
        switch location {
        case .folder(let path): FolderPlace(path)
        case .bucket(let bucket):
            BucketPlace(
                bucket, try bucketAccess(bucket), BucketClient(), clock: SystemClock.now)
        }
    }

    private func bucketAccess(_ bucket: BucketLocation) throws -> BucketAccess {
        BucketAccess(
            endpoint: self.shipEndpoint.value, region: self.shipRegion.value,
            keyID: try needed(\.shipKeyId, for: bucket),
            secretKey: try needed(\.shipSecretKey, for: bucket),
            sessionToken: self.shipSessionToken.value)
    }

    private func needed(
        _ path: KeyPath<SettingTable, SettingKey<String?>>, for bucket: BucketLocation
    ) throws -> String {
        if let value = self[dynamicMember: path].value { return value }
        let names = SettingTable.shared[keyPath: path].facts.variables
        throw CommandFailure(
            .usage, "\(bucket): expected \(names.joined(separator: " or ")) in the environment")
    }
}
