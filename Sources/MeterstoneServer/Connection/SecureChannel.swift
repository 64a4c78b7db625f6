import HummingbirdCore
import Logging
import NIOCore
import NIOSSL

/// Speaks TLS below what a connection speaks otherwise, with the certificate that is shown when it begins.
struct SecureChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    let certificate: ServerCertificate

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
                NIOSSLServerHandler(context: certificate.context))
        }
        .flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: Base.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}

extension ServerChildChannel {
    /// The same over TLS, if there is a certificate.
    func secured(by certificate: ServerCertificate?) -> any ServerChildChannel {
        guard let certificate else { return self }
        return SecureChannel(base: self, certificate: certificate)
    }
}
