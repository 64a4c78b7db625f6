import Foundation
import MeterstoneAPI
import MeterstoneCore

extension ImportSummary {
    /// The summary for programs. The members about refusals are there when limits were enforced.
    package func json(isEnforced: Bool) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("rows")
        writer.integer(Int64(rows))
        writer.name("counted")
        writer.integer(Int64(counted))
        writer.name("duplicate")
        writer.integer(Int64(duplicate))
        writer.name("rejected")
        writer.integer(Int64(rejected))
        writer.name("allowed")
        writer.integer(Int64(allowed))
        writer.name("denied")
        writer.integer(Int64(denied))
        writer.name("seconds")
        writer.json(String(format: "%.3f", locale: Locale(identifier: "en_US_POSIX"), seconds))
        writer.name("timesShownTwice")
        writer.integer(Int64(timesShownTwice))
        writer.name("timesNeverShown")
        writer.integer(Int64(timesNeverShown))
        if isEnforced { write(denialsTo: &writer) }
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private func write(denialsTo writer: inout JSONWriter) {
        writer.name("subjectsDenied")
        writer.integer(Int64(denials.count))
        writer.name("mostDenied")
        writer.beginArray()
        for (subject, count) in mostDenied {
            writer.beginArray()
            writer.string(subject.text)
            writer.integer(Int64(count))
            writer.endArray()
        }
        writer.endArray()
    }
}
