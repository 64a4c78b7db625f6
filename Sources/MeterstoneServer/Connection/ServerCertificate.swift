import Foundation
public import MeterstoneCore
import NIOSSL
import Synchronization

/// The certificate that a server shows, and its key, from two files in PEM form.
///
/// The files may be written over at any time. ``refresh()`` takes what is in them then for connections that begin
/// from there on, and leaves those that are open alone. Files that do not belong together, or cannot be read, change
/// nothing.
public final class ServerCertificate: Sendable {
    /// Why files are no certificate and its key.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    private let certificateFile: String
    private let keyFile: String
    private let state: Mutex<State>

    /// - Parameters:
    ///   - certificateFile: the server's own certificate first, then those between it and the root.
    ///   - keyFile: the private key, without a passphrase.
    public init(certificateFile: String, keyFile: String) throws(Failure) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        let files = try Files(certificateFile, keyFile)
        state = Mutex(State(lastRead: files, shown: try files.shown()))
    }

    /// When the certificate ends.
    public var expiresAt: Instant { state.withLock { $0.shown.expiresAt } }

    /// What a connection that begins is spoken with.
    var context: NIOSSLContext { state.withLock { $0.shown.context } }

    /// Takes what is in the files, where that changed since the last look.
    ///
    /// - Returns: whether another certificate is shown from here on.
    /// - Throws: once for what is in the files, as long as they stay as they are.
    public func refresh() throws(Failure) -> Bool {
        let files = try Files(certificateFile, keyFile)
        guard state.withLock({ $0.note(files) }) else { return false }
        let shown = try files.shown()
        state.withLock { $0.shown = shown }
        return true
    }

    private struct State {
        var lastRead: Files
        var shown: Shown

        mutating func note(_ files: Files) -> Bool {
            defer { lastRead = files }
            return files != lastRead
        }
    }

    private struct Shown {
        let context: NIOSSLContext
        let expiresAt: Instant
    }

    /// What is in the two files.
    private struct Files: Equatable {
        let certificateFile: String
        let keyFile: String
        let certificate: [UInt8]
        let key: [UInt8]

        init(_ certificateFile: String, _ keyFile: String) throws(Failure) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            certificate = try Self.read(certificateFile)
            key = try Self.read(keyFile)
        }

        private static func read(_ file: String) throws(Failure) -> [UInt8] {
            do {
                return Array(try Data(contentsOf: URL(filePath: file)))
            } catch {
                let exists = FileManager.default.fileExists(atPath: file)
                throw Failure(
                    description: exists
                        ? "\(file) cannot be read by this user" : "there is no file \(file)")
            }
        }

        func shown() throws(Failure) -> Shown {
            guard let chain = try? NIOSSLCertificate.fromPEMBytes(certificate),
                let first = chain.first
            else {
                throw Failure(description: "\(certificateFile) has no certificate in PEM form")
            }
            // Without the callback a key with a passphrase would be asked for at the terminal.
            let passphrase: NIOSSLPassphraseCallback<[UInt8]> = { $0([]) }
            guard
                let key = try? NIOSSLPrivateKey(
                    bytes: key, format: .pem, passphraseCallback: passphrase)
            else {
                throw Failure(
                    description: "\(keyFile) has no private key in PEM form without a passphrase")
            }
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            guard let context = try? NIOSSLContext(configuration: configuration) else {
                throw Failure(
                    description: "the key in \(keyFile) is not that of the certificate in "
                        + certificateFile)
            }
            let seconds = Int64(first.notValidAfter)
            return Shown(
                context: context,
                expiresAt: Instant(millisecondsSince1970: seconds * 1_000))
        }
    }
}
