import Logging
import MeterstoneCore
import MeterstoneServer

extension Settings {
    /// What the server speaks HTTPS with; `nil`: nothing was said of it.
    func certificate() throws -> ServerCertificate? {
        switch (self.tlsCertificate.value, self.tlsKey.value) {
        case (nil, nil): return nil
        case (let certificate?, let key?):
            do {
                return try ServerCertificate(certificateFile: certificate, keyFile: key)
            } catch {
                throw CommandFailure(.usage, "\(self.tlsCertificate.origin): \(error)")
            }
        case (_?, nil): throw Self.missing("METERSTONE_TLS_KEY", beside: self.tlsCertificate.origin)
        case (nil, _?):
            throw Self.missing("METERSTONE_TLS_CERTIFICATE", beside: self.tlsKey.origin)
        }
    }

    private static func missing(_ other: String, beside origin: SettingOrigin) -> CommandFailure {
        CommandFailure(.usage, "\(origin): set \(other), too: HTTPS needs both")
    }
}

extension RepeatedWork {
    /// Looks whether the files of the certificate were written over.
    static func refreshing(_ certificate: ServerCertificate, _ logger: Logger) -> RepeatedWork {
        RepeatedWork(
            interval: .seconds(5), complaint: "the certificate stays the one that was read before",
            logger: logger
        ) {
            guard try certificate.refresh() else { return }
            logger.notice(
                "the certificate was read anew",
                metadata: ["expires": "\(certificate.expiresAt.rfc3339)"])
        }
    }
}
