/// Reads a line of a web server's access log in the common or the combined format.
///
/// `client ident user [time] "request" status bytes "referrer" "agent"`; the common format ends after
/// the bytes. A quoted part may hold quotes behind a backslash. What servers write as `-` is empty, and
/// 0 for bytes.
package enum AccessLogLine {
    /// What a line's fields are called in `--subject`, `--quantity` and `--dimension`.
    package static let columns = [
        "client", "ident", "user", "time", "request", "method", "path", "protocol", "status",
        "bytes", "referrer", "agent",
    ]

    /// Fills `record` with the ``columns``; `nil` when it succeeds, and otherwise what was expected.
    static func read(_ line: ArraySlice<UInt8>, into record: inout Record) -> String? {
        var rest = line
        record.removeAll()
        guard let client = word(&rest), let ident = word(&rest), let user = word(&rest) else {
            return "expected a client address, an identity and a user"
        }
        guard let time = bracketed(&rest), let instant = AccessLogTime.rfc3339(time) else {
            return "expected a time such as [17/May/2015:10:05:03 +0000]"
        }
        guard let request = quoted(&rest) else { return "expected a request in quotes" }
        guard let status = word(&rest), status.count == 3, status.allSatisfy(isDigit) else {
            return "expected a status of three digits"
        }
        guard let bytes = word(&rest), bytes.elementsEqual([dash]) || bytes.allSatisfy(isDigit)
        else { return "expected a number of bytes" }
        for field in [client, ident, user] { record.appendField(orEmpty(field)) }
        record.appendField(instant[...])
        append(request: request, to: &record)
        record.appendField(status)
        record.appendField(bytes.elementsEqual([dash]) ? [UInt8(ascii: "0")] : bytes)
        record.appendField(orEmpty(quoted(&rest) ?? []))
        record.appendField(orEmpty(quoted(&rest) ?? []))
        return nil
    }

    private static let space = UInt8(ascii: " ")
    private static let dash = UInt8(ascii: "-")

    private static func isDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte)
    }

    private static func orEmpty(_ field: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        field.elementsEqual([dash]) ? [] : field
    }

    private static func skipSpaces(_ rest: inout ArraySlice<UInt8>) {
        while rest.first == space { rest.removeFirst() }
    }

    private static func word(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        skipSpaces(&rest)
        let word = rest.prefix { $0 != space }
        rest = rest[word.endIndex...]
        return word.isEmpty ? nil : word
    }

    private static func bracketed(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        skipSpaces(&rest)
        guard rest.first == UInt8(ascii: "["), let end = rest.firstIndex(of: UInt8(ascii: "]"))
        else { return nil }
        let content = rest[(rest.startIndex + 1)..<end]
        rest = rest[(end + 1)...]
        return content
    }

    private static func quoted(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        skipSpaces(&rest)
        guard rest.first == UInt8(ascii: "\"") else { return nil }
        let start = rest.startIndex + 1
        var index = start
        while index < rest.endIndex, rest[index] != UInt8(ascii: "\"") {
            index += rest[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard index < rest.endIndex else { return nil }
        let content = rest[start..<index]
        rest = rest[(index + 1)...]
        return content
    }

    /// The request as a whole, then its method, path and protocol where it has these three.
    private static func append(request: ArraySlice<UInt8>, to record: inout Record) {
        record.appendField(orEmpty(request))
        let parts = request.split(separator: space)
        for index in 0..<3 { record.appendField(parts.count == 3 ? parts[index] : []) }
    }
}

/// The time of an access log, which names months and puts the year after them.
enum AccessLogTime {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ].map { Array($0.utf8) }

    /// `17/May/2015:10:05:03 +0000` as `2015-05-17T10:05:03+00:00`, or `nil` when it has another
    /// shape; whether there is such a day is for the reader of RFC 3339 to say.
    static func rfc3339(_ time: ArraySlice<UInt8>) -> [UInt8]? {
        let bytes = Array(time)
        guard bytes.count == 26, bytes[2] == UInt8(ascii: "/"), bytes[6] == UInt8(ascii: "/"),
            bytes[11] == UInt8(ascii: ":"), bytes[20] == UInt8(ascii: " "),
            let month = months.firstIndex(of: Array(bytes[3..<6]))
        else { return nil }
        var text = Array(bytes[7..<11])
        text += Array("-\(month < 9 ? "0" : "")\(month + 1)-".utf8)
        text += bytes[0..<2]
        text.append(UInt8(ascii: "T"))
        text += bytes[12..<20]
        text += bytes[21..<24]
        text.append(UInt8(ascii: ":"))
        text += bytes[24..<26]
        return text
    }
}
