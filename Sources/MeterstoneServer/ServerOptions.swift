public import Meterstone
public import MeterstoneCore

/// How the server listens, whom it lets in, and what it offers.
public struct ServerOptions: Sendable {
    public var host = "127.0.0.1"
    /// 0 takes any free port; ``whenServing`` is told which.
    public var port = 8080
    /// What the server speaks HTTPS with; `nil`: it speaks plain HTTP.
    public var certificate: ServerCertificate?
    /// Guards everything but health and the description of the API. `nil`: everybody is an
    /// administrator, so the caller has to bind to a loopback address, and requests that pages from
    /// elsewhere make are refused.
    public var administratorKey: String?
    /// What tokens of subjects are signed with; `nil`: what the administrator's key gives, and without one
    /// something of chance, so that tokens end with this process.
    public var tokenSecret: String?
    /// What statements of closed months are signed with; `nil`: they are not.
    public var statementSecret: StatementSecret?
    /// Whose tokens are accepted beside our own; `nil`: nobody's.
    public var tokenIssuer: TokenIssuer?
    /// Pages of these places may ask: `https://app.example.com`.
    public var allowedOrigins: [String] = []
    /// Where backups are; `nil`: the server makes none.
    public var backups: (any Backups)?
    /// What sends tests of webhooks; `nil`: nothing does.
    package var webhookSender: (any WebhookSender)?
    /// How many connections may be open. One more is answered with 503 and closed at once.
    public var connectionsMax = 4_096
    /// Whether `GET /v1/analytics/…` and `POST /v1/what-if` answer.
    public var isAnalyticsEnabled = true
    /// What is kept of the prompts and responses of tracked requests.
    public var storedText = StoredText.standard
    /// Takes a line for each request; `nil`: none is written.
    public var requestLog: RequestLog?
    /// Where requests are counted, and what `/metrics` answers with. Give the engine the same.
    public var metrics = PrometheusMetrics()
    /// The clock that the engine has too: answers say how many seconds to wait.
    public var clock: @Sendable () -> Instant = SystemClock.now
    /// What a hash of a password costs.
    package var passwordCost = Passwords.Cost.standard
    /// How long a connection may say nothing while the server waits for it.
    package var idleMilliseconds = RequestLimits.idleMilliseconds
    /// How long a server that stops waits for the rest of a request.
    package var stoppingMilliseconds = RequestLimits.stoppingMilliseconds
    /// How long a server that stops waits for answers that are under way, and for clients to take them.
    package var closingMilliseconds = RequestLimits.closingMilliseconds
    /// How long a stream of what happens lasts; whoever reads it asks for the next one then.
    package var liveMilliseconds = RequestLimits.liveMilliseconds
    /// How a request that waits for credits passes so many milliseconds.
    package var pause: @Sendable (Int64) async -> Void = { milliseconds in
        try? await Task.sleep(for: .milliseconds(milliseconds))
    }
    /// Bytes of all bodies that are held at once; one more is answered with 503. Consumes of the usual
    /// size are not among them.
    public var bodiesBytesMax = RequestLimits.bodiesBytesMax
    /// Called with the port once connections are accepted.
    public var whenServing: @Sendable (_ port: Int) async -> Void = { _ in }

    public init() {}
}
