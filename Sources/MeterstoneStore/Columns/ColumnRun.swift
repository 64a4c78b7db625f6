import MeterstoneCore

/// Events of one shape and one UTC day, whose columns are read when somebody asks for them.
package struct ColumnRun {
    package let shape: ColumnShape
    /// The same for runs of one scan that have the same shape; −1: none.
    package let shapeNumber: Int
    package let day: Int64
    let count: Int
    let subjectColumn: Column
    let weightColumn: Column
    let valueColumns: [Column]
    let timeColumn: Column
    let body: [UInt8]
    let timeBody: [UInt8]
    /// Which of the events; `nil`: all.
    private var places: [Int]?

    init(
        shape: ColumnShape, shapeNumber: Int, day: Int64, count: Int, subjectColumn: Column,
        weightColumn: Column,
        valueColumns: [Column], timeColumn: Column, body: [UInt8], timeBody: [UInt8]
    ) {
        self.shape = shape
        self.shapeNumber = shapeNumber
        self.day = day
        self.count = count
        self.subjectColumn = subjectColumn
        self.weightColumn = weightColumn
        self.valueColumns = valueColumns
        self.timeColumn = timeColumn
        self.body = body
        self.timeBody = timeBody
    }

    /// The numbers of the subjects, one for each event.
    package var subjects: [Int64] { subjectColumn.values(body, count: count, at: places) }

    /// `nil`: every event counts once. Otherwise 1, or −1 for what is taken back.
    package var weights: [Int64]? {
        guard weightColumn.width > 0 || weightColumn.base != 1 else { return nil }
        return weightColumn.values(body, count: count, at: places)
    }

    /// Milliseconds since 1970, if the source was asked for times.
    package var times: [Int64] {
        let start = Instant.startOf(day: day).millisecondsSince1970
        return timeColumn.values(timeBody, count: count, at: places, above: start)
    }

    /// The number that all events have at this place; `nil`: it has to be looked up for each.
    package func constant(_ place: Int) -> Int64? {
        valueColumns[place].width == 0 ? valueColumns[place].base : nil
    }

    package func values(_ place: Int) -> [Int64] {
        valueColumns[place].values(body, count: count, at: places)
    }

    /// How many events, those that are taken back included.
    package var eventCount: Int { places?.count ?? count }

    package var isEmpty: Bool { eventCount == 0 }

    /// The events that occurred within a span.
    func within(_ span: WindowSpan) -> ColumnRun {
        let (from, until) = (span.from.millisecondsSince1970, span.until.millisecondsSince1970)
        let times = self.times
        return picking(times.indices.filter { times[$0] >= from && times[$0] < until })
    }

    /// Those of the events that are asked for, by their subjects and times.
    package func filter(_ isIncluded: (_ subject: Int64, _ time: Int64) -> Bool) -> ColumnRun {
        let (subjects, times) = (self.subjects, self.times)
        return picking(subjects.indices.filter { isIncluded(subjects[$0], times[$0]) })
    }

    /// The events that count, or those that are taken back; `nil`: there are none.
    func only(_ side: Side) -> ColumnRun? {
        guard side != .both else { return self }
        guard let weights else { return side == .counted ? self : nil }
        let part = picking(weights.indices.filter { (weights[$0] < 0) == (side == .takenBack) })
        return part.isEmpty ? nil : part
    }

    /// Which events of a run are visited.
    enum Side { case both, takenBack, counted }

    private func picking(_ indices: [Int]) -> ColumnRun {
        var result = self
        result.places = places.map { places in indices.map { places[$0] } } ?? indices
        return result
    }
}
