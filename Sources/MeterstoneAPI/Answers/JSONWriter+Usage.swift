package import MeterstoneCore

extension JSONWriter {
    package mutating func usage(_ series: UsageSeries, of subject: SubjectID) {
        beginObject()
        name("subject")
        string(subject.text)
        name("meter")
        string(series.meter.text)
        name("window")
        string(series.window.text)
        name("timeZone")
        string(series.timeZone)
        name("points")
        beginArray()
        for point in series.points {
            beginObject()
            name("from")
            instant(point.from)
            name("until")
            instant(point.until)
            name("quantity")
            integer(point.quantity.units)
            endObject()
        }
        endArray()
        endObject()
    }

    /// Writes the member `nextCursor`: where the next page starts, or `null` on the last.
    package mutating func nextCursor(_ cursor: Cursor?) {
        name("nextCursor")
        if let cursor { string(cursor.text) } else { null() }
    }
}
