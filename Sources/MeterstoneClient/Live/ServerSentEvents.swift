/// Takes a stream of Server-Sent Events apart (the HTML standard, 9.2.6).
struct ServerSentEvents {
    struct Event: Hashable {
        var name = ""
        var data: [UInt8] = []
    }

    /// The stream ended before it began, and may be asked for again.
    struct BrokenOff: Error {}

    /// Of the last event that had one; it is kept for those that have none.
    private(set) var lastID: String?
    private var line: [UInt8] = []
    private var isAfterReturn = false
    private var name = ""
    private var data: [UInt8]?

    /// Another stream begins: half an event of the one before is none.
    mutating func begin() {
        let id = lastID
        self = ServerSentEvents()
        lastID = id
    }

    /// What is complete with these bytes. An event ends with an empty line.
    mutating func push(_ bytes: [UInt8]) -> [Event] {
        var events: [Event] = []
        for byte in bytes {
            // CR, LF and both together end a line.
            let isSecondEnd = isAfterReturn && byte == UInt8(ascii: "\n")
            isAfterReturn = byte == UInt8(ascii: "\r")
            if isSecondEnd { continue }
            guard byte == UInt8(ascii: "\n") || isAfterReturn else {
                line.append(byte)
                continue
            }
            if let event = endLine() { events.append(event) }
            line.removeAll(keepingCapacity: true)
        }
        return events
    }

    private mutating func endLine() -> Event? {
        guard !line.isEmpty else {
            defer { (name, data) = ("", nil) }
            return data.map { Event(name: name, data: $0) }
        }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[colon...].dropFirst()
        if value.first == UInt8(ascii: " ") { value.removeFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "event": name = String(decoding: value, as: UTF8.self)
        case "data": data = data.map { $0 + [UInt8(ascii: "\n")] + value } ?? Array(value)
        case "id" where !value.contains(0): lastID = String(decoding: value, as: UTF8.self)
        default: break
        }
        return nil
    }
}
