import MeterstoneCore

extension ColumnMapping {
    /// What an access log tells when nobody says otherwise: requests and bytes by client address, and
    /// status and method to filter on.
    package static let accessLog = ColumnMapping(
        subject: RowTemplate(column: "client"),
        time: "time",
        quantities: [
            QuantityMapping(meter: MeterKey(unchecked: "requests"), amount: .constant(1)),
            QuantityMapping(meter: MeterKey(unchecked: "bytes"), amount: .column("bytes")),
        ],
        dimensions: [
            DimensionMapping(name: "status", column: "status"),
            DimensionMapping(name: "method", column: "method"),
        ]
    )
}
