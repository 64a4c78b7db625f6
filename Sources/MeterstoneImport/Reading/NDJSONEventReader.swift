import MeterstoneAPI
import MeterstoneCore

/// Reads lines that are events already, as `POST /v1/events` takes them, CloudEvents included.
package struct NDJSONEventReader: EventReader {
    private var lines = LineSplitter()
    private var derivedIDs: DerivedIDs

    /// - Parameter scope: what ids that are made for rows begin from.
    package init(scope: String = "") {
        derivedIDs = DerivedIDs(scope: scope)
    }

    package mutating func push(_ bytes: [UInt8]) {
        lines.push(bytes)
    }

    package mutating func finish() {
        lines.finish()
    }

    package mutating func next() throws(ImportError) -> EventRow? {
        while let line = try lines.next() {
            if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) { continue }
            return EventRow(line: lines.line, content: event(line))
        }
        return nil
    }

    private mutating func event(_ line: ArraySlice<UInt8>) -> Result<UsageEvent, RowProblem> {
        do throws(Rejection) {
            var event = try UsageEvent(json: Array(line))
            if event.id == nil { event.id = derivedIDs.next(for: line) }
            return .success(event)
        } catch {
            return .failure(RowProblem(line: lines.line, reason: error.text))
        }
    }
}

extension Rejection {
    /// The rejection as one line for people: field, sentence and the code to look up.
    var text: String {
        field.isEmpty ? "\(message) (\(code.rawValue))" : "\(field): \(message) (\(code.rawValue))"
    }
}
