import MeterstoneAPI
import MeterstoneCore

/// Parameters that several operations take.
extension OpenAPIParameter {
    private static let keySchema = #"{"$ref":"Key"}"#
    private static let nameSchema = #"{"$ref":"Name"}"#
    static let headerSchema = #"""
        {"type":"string","minLength":1,"maxLength":255,
         "pattern":"^[^\u0000-\u0020\u007f]([^\u0000-\u001f\u007f]*[^\u0000-\u0020\u007f])?$"}
        """#
    private static let instantSchema = #"{"type":"string","format":"date-time"}"#

    static let subject = OpenAPIParameter(
        place: .path, name: "subject", description: "The subject's id.", schema: nameSchema)
    static let subjectPrefix = OpenAPIParameter(
        place: .query, name: "prefix",
        description: "Only subjects whose id begins with it, capital letters told apart.",
        schema: nameSchema)
    static let alias = OpenAPIParameter(
        place: .path, name: "alias", description: "The other key.", schema: nameSchema)
    static let event = OpenAPIParameter(
        place: .path, name: "event", description: "The event's id.", schema: nameSchema)
    static let key = OpenAPIParameter(
        place: .path, name: "key", description: "The key.", schema: keySchema)
    static let modelKey = OpenAPIParameter(
        place: .path, name: "key", description: "The model's name.", schema: nameSchema)
    static let reservation = OpenAPIParameter(
        place: .path, name: "reservation", description: "The reservation's id.",
        schema: nameSchema)
    static let grant = OpenAPIParameter(
        place: .path, name: "grant", description: "The grant's id.", schema: nameSchema)
    static let source = OpenAPIParameter(
        place: .query, name: "source", description: "The source of the id, if it has one.",
        schema: nameSchema)
    static let reason = OpenAPIParameter(
        place: .query, name: "reason", description: "Why, unless the body says so.",
        schema: #"{"type":"string","minLength":1,"maxLength":4096,"pattern":"^[^\u0000]+$"}"#)
    static let scheduledStart = OpenAPIParameter(
        place: .query, name: "startsAt", description: "The start of the one to cancel.",
        schema: #"{"type":"string","format":"date-time"}"#)
    static let limit = OpenAPIParameter(
        place: .path, name: "limit", description: "The limit's key.", schema: keySchema)
    static let addition = OpenAPIParameter(
        place: .path, name: "addition", description: "The addition's key.", schema: keySchema)

    static let meter = OpenAPIParameter(
        place: .query, name: "meter", description: "The meter's key.", isRequired: true,
        schema: keySchema)
    static let window = OpenAPIParameter(
        place: .query, name: "window", description: "The span of one point.", isRequired: true,
        schema: #"{"$ref":"UsageWindow"}"#)
    static let periodWindow = OpenAPIParameter(
        place: .query, name: "window", description: "The length of one. Default: month.",
        schema:
            #"{"type":"string","pattern":"^(minute|hour|day|week|month|quarter|year|billingMonth)$"}"#
    )
    static let periodCount = OpenAPIParameter(
        place: .query, name: "count", description: "How many. Default: 12.",
        schema: #"{"type":"integer","minimum":1,"maximum":366}"#)
    static let changeKind = OpenAPIParameter(
        place: .query, name: "kind", description: "Only changes of things of this kind.",
        schema: WireSchema.oneOf(ChangeEntry.kinds).json)
    static let changeKey = OpenAPIParameter(
        place: .query, name: "key",
        description: "Only changes of the thing of this key; with kind.",
        schema: #"{"type":"string","minLength":1,"maxLength":1024}"#)
    static let requestSession = filter("sessionId", "Only requests of this session.")
    static let requestModel = filter("model", "Only requests to this model.")
    static let requestCategory = filter("category", "Only requests of this category.")
    static let requestStatus = OpenAPIParameter(
        place: .query, name: "status", description: "Only requests that stand so.",
        schema: #"{"enum":["pending","completed","failed","cancelled"]}"#)
    static let from = OpenAPIParameter(
        place: .query, name: "from", description: "Where the span starts.", schema: instantSchema)
    static let until = OpenAPIParameter(
        place: .query, name: "until", description: "Where the span ends; later than from.",
        schema: instantSchema)

    static let eventSubject = filter("subject", "Only events of this subject itself.")
    static let eventType = filter("type", "Only events of this type.")
    static let eventSession = filter("session", "Only events of this session.")
    static let eventStatus = OpenAPIParameter(
        place: .query, name: "status", description: "Only events that ended so.",
        schema: #"{"enum":["success","failed","cancelled"]}"#)

    private static func filter(_ name: String, _ description: String) -> OpenAPIParameter {
        OpenAPIParameter(
            place: .query, name: name, description: description, schema: nameSchema)
    }

    static let count = OpenAPIParameter(
        place: .query, name: "count", description: "How many items to answer with.",
        schema: number(in: 1...RequestLimits.pageItemsMax))
    static let cursor = OpenAPIParameter(
        place: .query, name: "cursor", description: "The nextCursor of the page before.",
        schema: #"{"type":"string"}"#)

    static let dryRun = OpenAPIParameter(
        place: .query, name: "dryRun",
        description: "true: says what would become of it, and records nothing.",
        schema: #"{"type":"boolean"}"#)

    static let idempotencyKey = OpenAPIParameter(
        place: .header, name: "Idempotency-Key",
        description: "The same request with the same key is carried out once.",
        schema: headerSchema)
    static let blueprintName = OpenAPIParameter(
        place: .query, name: "name", description: "What is noted in the audit log.",
        schema: nameSchema)
    static let merge = OpenAPIParameter(
        place: .query, name: "merge",
        description: "true: writes what the blueprint changed since it was applied last.",
        schema: #"{"type":"boolean"}"#)
    static let author = OpenAPIParameter(
        place: .header, name: "X-Author", description: "Who is named in the audit log.",
        schema: headerSchema)

    static let ifMatch = OpenAPIParameter(
        place: .header, name: "If-Match",
        description: "Only if it is still as it was when ETag said this; *: only if it is there.",
        schema: tagSchema)
    static let ifNoneMatch = OpenAPIParameter(
        place: .header, name: "If-None-Match",
        description: "Only if it is none of these any more; *: only if it is not there.",
        schema: tagSchema)
    private static let tagSchema = #"""
        {"type":"string","pattern":"^(\\*|(W/)?\"[^\",]*\"( *, *(W/)?\"[^\",]*\")*)?$","examples":["*"]}
        """#

    static func number(in range: ClosedRange<Int>) -> String {
        #"{"type":"integer","minimum":\#(range.lowerBound),"maximum":\#(range.upperBound)}"#
    }
}
