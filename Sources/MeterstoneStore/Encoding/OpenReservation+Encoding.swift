import MeterstoneCore

extension OpenReservation {
    func write(to writer: inout ByteWriter) {
        writer.signed(expiresAt.millisecondsSince1970)
        writer.signed(sequence)
        writer.signed(owner)
        let flags: UInt8 = (isExtended ? 1 : 0) | (source == nil ? 0 : 2) | (id.isUUID ? 4 : 0)
        writer.byte(flags)
        id.write(to: &writer)
        if let source { writer.text(source) }
    }

    init(_ reader: inout ByteReader) throws(MalformedRecord) {
        let expiresAt = try reader.instant()
        let sequence = try reader.signed()
        let owner = try reader.signed()
        let flags = try reader.byte()
        let id = try EventID(&reader, isUUID: flags & 4 != 0)
        self.init(
            expiresAt: expiresAt, sequence: sequence, id: id,
            source: flags & 2 == 0 ? nil : try reader.text(), owner: owner,
            isExtended: flags & 1 == 1)
    }
}
