import MeterstoneCore

/// What of a stored usage tells whether it is worth reading as a whole.
struct SkimmedUsage {
    var occurredAt: Instant
    /// Numbers of the teams that it counts for, the nearest first.
    var ancestors: [Int64] = []
    var hasDetails = false
    var isReservation = false
    /// Whether it names one of the quantities that were asked about.
    var namesQuantity = false
}

extension UsageRecord {
    /// Reads the head of a usage, and no text of it. The reader stands after the kind byte.
    ///
    /// - Parameter isAskedAbout: by number of a name.
    static func skim(
        _ reader: inout ByteReader, _ isAskedAbout: [Bool]
    ) throws(MalformedRecord) -> SkimmedUsage {
        let flags = try reader.unsigned()
        var skimmed = SkimmedUsage(
            occurredAt: try reader.instant())
        if flags & recordedLaterFlag != 0 { _ = try reader.signed() }
        try reader.skip(flags & uuidFlag != 0 ? 16 : try reader.count())
        for _ in 0..<(try reader.count()) {
            let name = try reader.unsigned()
            _ = try reader.signed()
            if name < UInt64(isAskedAbout.count) {
                if isAskedAbout[Int(name)] { skimmed.namesQuantity = true }
            } else if TokenName.name(ofNumber: name) != nil {
                // A meter that is younger than the event may be called so.
                skimmed.namesQuantity = true
            } else {
                throw MalformedRecord()
            }
        }
        skimmed.hasDetails = flags & detailsFlag != 0
        skimmed.isReservation = flags & reservationFlag != 0
        guard flags & ancestorsFlag != 0 else { return skimmed }
        for _ in 0..<(try reader.count()) {
            skimmed.ancestors.append(Int64(bitPattern: try reader.unsigned()))
        }
        return skimmed
    }
}

extension CorrectionRecord {
    /// Reads which usage a correction is about, and moves the reader to the kind byte of the usage
    /// that counts since; `isVoid` when nothing does. The reader stands after the kind byte.
    static func skim(
        _ reader: inout ByteReader, names: [MeterKey]
    ) throws(MalformedRecord) -> (target: Int64, isVoid: Bool) {
        _ = try reader.signed()
        _ = try reader.signed()
        let target = Int64(bitPattern: try reader.unsigned())
        try reader.skip(try reader.count())
        try reader.skip(try reader.count())
        guard try reader.byte() == 1 else { return (target, true) }
        try reader.skip(1)
        _ = try UsageRecord(&reader, names: names)
        return (target, false)
    }
}
