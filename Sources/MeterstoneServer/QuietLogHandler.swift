import Logging

/// Passes messages on to another handler, and keeps no metadata but the id of a request.
///
/// Hummingbird gives each request a logger with an id of its own. Most handlers then write the
/// whole metadata out as text at once, which we, who log nothing per request, would pay for each
/// consume.
struct QuietLogHandler: LogHandler {
    private var handler: any LogHandler
    private var requestID: Logger.MetadataValue?

    private static let requestIDKey = "hb.request.id"

    init(_ handler: any LogHandler) {
        self.handler = handler
    }

    var logLevel: Logger.Level {
        get { handler.logLevel }
        set { handler.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { requestID.map { [Self.requestIDKey: $0] } ?? [:] }
        set { requestID = newValue[Self.requestIDKey] }
    }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { key == Self.requestIDKey ? requestID : nil }
        set { if key == Self.requestIDKey { requestID = newValue } }
    }

    func log(event: LogEvent) {
        handler.log(event: event)
    }
}

extension Logger {
    /// The same logger, cheap to copy for each request.
    var quiet: Logger {
        Logger(label: label) { _ in QuietLogHandler(handler) }
    }
}
