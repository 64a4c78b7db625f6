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
        }
    }
}
