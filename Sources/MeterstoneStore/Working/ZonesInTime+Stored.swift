package import MeterstoneCore

extension ZonesInTime {
    /// As a profile has them.
    ///
    /// - Parameter former: as JSON; `nil`: none.
    package init(storedName name: String?, former: String?) throws(StoreError) {
        guard let former else {
            self.init(name)
            return
        }
        self.init(name, former: try JSONText(text: former).decoded(as: [FormerZone].self))
    }
}
