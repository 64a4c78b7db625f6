import MeterstoneAPI
import MeterstoneStore

extension [VerifyDifference] {
    /// With these headings for what was expected and what was found, which are numbers mostly.
    func table(expected: String, found: String) -> String {
        var table = TextTable(["what", "\(expected)>", "\(found)>"])
        for difference in self {
            table.add([difference.what, difference.expected, difference.found])
        }
        return table.text
    }

    func write(to writer: inout JSONWriter, expected: String, found: String) {
        writer.beginArray()
        for difference in self {
            writer.beginObject()
            writer.name("what")
            writer.string(difference.what)
            writer.name(text: expected)
            writer.string(difference.expected)
            writer.name(text: found)
            writer.string(difference.found)
            writer.endObject()
        }
        writer.endArray()
    }
}
