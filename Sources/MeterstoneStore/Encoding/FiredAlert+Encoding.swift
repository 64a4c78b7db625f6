package import MeterstoneCore

// A fired alert is written down in the step of the usage that reaches it, and thousands of subjects may
// reach theirs at once. An encoder took a quarter of the processor's time then.

extension FiredAlert {
    /// What ``JSONText`` makes of it.
    func text() throws(StoreError) -> String {
        if let plainJSON { return plainJSON }
        return try JSONText(self).text
    }

    /// The same without an encoder; `nil`: only an encoder says it, since a name has characters that are
    /// escaped, or nobody is told of it.
    package var plainJSON: String? {
        guard isRearmed == nil, refill == nil else { return nil }
        var object = PlainObject()
        object.member("alert", alert.text)
        object.member("allowance", allowance)
        object.member("balance", balance)
        object.member("eventID", eventID?.text)
        object.member("fullAt", fullAt?.rfc3339)
        object.member("limit", limit?.text)
        object.member("measure", measure.rawValue)
        object.member("meter", meter?.text)
        object.member("resetsAt", resetsAt?.rfc3339)
        object.member("subject", subject.text)
        object.member("threshold", threshold)
        object.member("used", used)
        object.member("value", value)
        return object.text
    }
}

extension ChangeRecord {
    /// As it is stored, as JSON.
    package func text() throws(StoreError) -> String {
        if let plainJSON { return plainJSON }
        return try JSONText(self).text
    }

    /// Of an alert as it fires; `nil`: an encoder says it.
    private var plainJSON: String? {
        guard case .noteAlert(let fired) = change, outcome == .created, before == nil,
            address == nil, patch == nil, request == nil, told == nil, formerZones == nil,
            let alert = fired.plainJSON, after == alert
        else { return nil }
        var object = PlainObject()
        object.member("after", ofObject: alert)
        object.member("author", author)
        object.member("change", json: #"{"noteAlert":{"_0":\#(alert)}}"#)
        object.member("idempotencyKey", idempotencyKey)
        object.member("key", key)
        object.member("kind", kind)
        object.member("outcome", json: #"{"created":{}}"#)
        object.member("recordedAt", recordedAt.rfc3339)
        object.member("sequence", sequence)
        return object.text
    }
}

/// An object in JSON, of texts in which nothing has to be escaped.
private struct PlainObject {
    private var bytes = [UInt8(ascii: "{")]
    private var isPlain = true

    init() { bytes.reserveCapacity(1_024) }

    /// `nil`: a text was not plain.
    var text: String? {
        isPlain ? String(decoding: bytes + [UInt8(ascii: "}")], as: UTF8.self) : nil
    }

    private mutating func name(_ name: String) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func member(_ name: String, _ text: String?) {
        guard let text else { return }
        self.name(name)
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            if byte < 0x20 || byte > 0x7E || byte == UInt8(ascii: "\"")
                || byte == UInt8(ascii: "\\")
            {
                isPlain = false
            }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func member(_ name: String, _ number: Int64?) {
        guard let number else { return }
        self.name(name)
        bytes.append(contentsOf: String(number).utf8)
    }

    mutating func member(_ name: String, json: String) {
        self.name(name)
        bytes.append(contentsOf: json.utf8)
    }

    /// A text that is such an object itself.
    mutating func member(_ name: String, ofObject text: String) {
        self.name(name)
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
