import MeterstoneCore

extension EventDetails {
    /// What is left of what was told, once an archive has it: everything that a meter, a limit or a report can look
    /// at, those of tomorrow included, and what sums of tracked requests are made of.
    ///
    /// What it leaves of something archived is the same again.
    var archived: EventDetails {
        EventDetails(
            source: source, type: type, subtype: subtype, status: status,
            durationMilliseconds: durationMilliseconds, errorMessage: nil, cost: cost,
            project: project, scene: nil, session: session, dimensions: dimensions,
            properties: properties.flatMap { Self.numbers(in: $0) }, levels: levels,
            countsWhenAborted: countsWhenAborted)
    }
}

extension UsageRecord {
    /// What is left of the record, once an archive has it.
    var archived: UsageRecord {
        var record = self
        record.isArchived = true
        record.isWithoutTexts = true
        record.details = details.map(\.archived).flatMap { $0 == .none ? nil : $0 }
        return record
    }
}

extension CorrectionRecord {
    /// What is left of the correction, once an archive has the event as it stands after it.
    var archived: CorrectionRecord {
        var correction = self
        correction.before = before.archived
        correction.after = after?.archived
        return correction
    }

    var isArchived: Bool { before.isArchived && after?.isArchived ?? true }
}
