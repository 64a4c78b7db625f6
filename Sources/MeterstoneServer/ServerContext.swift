public import Hummingbird
import NIOCore

/// What is known of a request beside the request itself.
public struct ServerContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// From where it came: of a proxy that stands between, the proxy's.
    let remoteAddress: SocketAddress?

    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        remoteAddress = source.channel.remoteAddress
    }
}
