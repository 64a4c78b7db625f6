package import MeterstoneCore

extension WhatIfQuestion {
    /// What one object of a list may say, by the list's name.
    private static let elements = [
        "limits": Limit.fields,
        "limits.scheduled": ScheduledAllowances.fields,
        "allowances": ["limit", "plan", "allowance"],
        "plans": ["subject", "plan"],
    ]

    /// Reads the body of a request.
    package init(json: [UInt8]) throws(Rejection) {
        let body = try AdministrativeBody(json, fields: Self.fields, elements: Self.elements)
        self = try body.decode(WhatIfQuestion.self)
    }
}
