import Dispatch
import Foundation
package import MeterstoneCore

/// A bucket that a journal is shipped to: of Amazon S3, or of whoever speaks as it does.
///
/// An object is written as a whole or not at all, and nothing can be appended to one. So a segment is written
/// anew each time that it grows, and ends while it is small.
package struct BucketPlace: ShippingPlace {
    /// How often a request is sent before it fails. Who ships tries again after that.
    private static let attemptsMax = 4
    private static let backOffMilliseconds: Int64 = 100
    private static let timeoutMilliseconds: Int64 = 10_000
    /// A body may take longer, at 256 KiB in a second.
    private static let bytesPerMillisecond: Int64 = 256
    /// Larger files go in parts of this, or of more where that were more parts than there may be.
    private static let partBytes = 16 * 1_048_576
    private static let partsMax = 9_000

    private let location: BucketLocation
    private let access: BucketAccess
    private let transport: any BucketTransport
    private let clock: @Sendable () -> Instant
    private let sleep: @Sendable (_ milliseconds: Int64) async throws -> Void
    /// Of files that are put there.
    private let partBytes: Int

    package init(
        _ location: BucketLocation, _ access: BucketAccess, _ transport: any BucketTransport,
        clock: @escaping @Sendable () -> Instant,
        sleep: @escaping @Sendable (_ milliseconds: Int64) async throws -> Void = {
            try await Task.sleep(for: .milliseconds($0))
        },
        partBytes: Int? = nil
    ) {
        self.location = location
        self.access = access
        self.transport = transport
        self.clock = clock
        self.sleep = sleep
        self.partBytes = partBytes ?? Self.partBytes
    }

    package var name: String { location.description }

    package var segmentBytesMax: Int { 256 * 1_024 }

    // MARK: Objects

    package func names(under prefix: String, after name: String?) async throws -> [String] {
        try await list(under: prefix, after: name) { page in
            page.elements("Contents").compactMap { $0.element("Key") }
        }
    }

    package func read(_ name: String) async throws -> [UInt8]? {
        let answer = try await send("GET", name, accepting: [200, 404])
        return answer.status == 404 ? nil : answer.body
    }

    /// Epochs are made so, and two stores must never make the same one. A bucket that does not look whether an
    /// object is there already is of no use, and refused.
    package func create(_ name: String, _ bytes: [UInt8]) async throws -> Bool {
        let only = [(name: "If-None-Match", value: "*")]
        let accepted: Set = [200, 412, 501]
        let answer = try await send("PUT", name, headers: only, bytes, accepting: accepted)
        if answer.status == 200 {
            let again = try await send("PUT", name, headers: only, bytes, accepting: accepted)
            guard again.status != 412 else { return true }
        }
        guard answer.status == 412 else {
            throw ShippingError(
                .unavailable,
                "\(self.name) does not refuse to write an object that is there (If-None-Match): two "
                    + "servers could take it for theirs. Take another bucket")
        }
        // The answer to an earlier attempt may have been lost, and no two epochs have the same words.
        return try await read(name) == bytes
    }

    package func write(_ name: String, _ bytes: [UInt8], known: Int) async throws {
        _ = try await send("PUT", name, bytes, accepting: [200])
    }

    package func remove(_ name: String) async throws {
        _ = try await send("DELETE", name, accepting: [200, 204, 404])
    }

    // MARK: Whole backups

    package func wholes() async throws -> [WholeBackup] {
        try await list(under: "", after: nil) { page in
            page.elements("CommonPrefixes").compactMap { $0.element("Prefix") }
        }.compactMap { WholeBackup(name: String($0.dropLast())) }.sorted { $0.madeAt > $1.madeAt }
    }

    package func putWhole(_ name: String, from directory: String) async throws {
        let file = FileParts(directory + "/" + Self.database)
        let size = try await file.size()
        let partBytes = max(partBytes, size / Self.partsMax + 1)
        let object = name + "/" + Self.database
        guard size > partBytes else {
            let bytes = try await file.read(at: 0, count: size)
            _ = try await send("PUT", object, bytes, accepting: [200])
            return
        }
        let begun = try await send("POST", object, query: [("uploads", "")], accepting: [200])
        guard let upload = begun.text.element("UploadId") else { throw unexpected(object) }
        do {
            try await put(file, size, inPartsOf: partBytes, as: object, upload)
        } catch {
            // Parts that nobody completes cost money.
            _ = try? await send(
                "DELETE", object, query: [("uploadId", upload)], accepting: [204, 404])
            throw error
        }
    }

    private func put(
        _ file: FileParts, _ size: Int, inPartsOf partBytes: Int, as object: String,
        _ upload: String
    ) async throws {
        var parts = ""
        for (place, start) in stride(from: 0, to: size, by: partBytes).enumerated() {
            let bytes = try await file.read(at: start, count: min(partBytes, size - start))
            let answer = try await send(
                "PUT", object,
                query: [("partNumber", String(place + 1)), ("uploadId", upload)], bytes,
                accepting: [200])
            guard let tag = answer.header("ETag") else { throw unexpected(object) }
            parts += "<Part><PartNumber>\(place + 1)</PartNumber><ETag>\(tag)</ETag></Part>"
        }
        let answer = try await send(
            "POST", object, query: [("uploadId", upload)],
            Array("<CompleteMultipartUpload>\(parts)</CompleteMultipartUpload>".utf8),
            accepting: [200, 404])
        // It is completed and its answer was lost, or it never was.
        let isLost = answer.status == 404
        let length = isLost ? try await self.length(of: object) : nil
        guard isLost ? length == size : !answer.text.contains("<Error>") else {
            throw unexpected(object)
        }
    }

    private func length(of object: String) async throws -> Int? {
        let answer = try await send("HEAD", object, accepting: [200, 404])
        return answer.status == 200 ? answer.header("Content-Length").flatMap { Int($0) } : nil
    }

    package func fetchWhole(_ name: String, to file: String) async throws {
        let object = name + "/" + Self.database
        let target = try FileParts(making: file)
        var (position, size, tag) = (0, Int.max, String?.none)
        while position < size {
            let range = "bytes=\(position)-\(position + partBytes - 1)"
            // A backup that is replaced meanwhile must not be put together of two.
            let answer = try await send(
                "GET", object,
                headers: [("Range", range)] + (tag.map { [("If-Match", $0)] } ?? []),
                expecting: partBytes, accepting: [206])
            guard let total = answer.header("Content-Range")?.split(separator: "/").last,
                let known = Int(total), size == .max || known == size, !answer.body.isEmpty
            else { throw unexpected(object) }
            (size, tag) = (known, answer.header("ETag"))
            try await target.write(answer.body, at: position)
            position += answer.body.count
        }
        try await target.sync()
    }

    package func removeWhole(_ name: String) async throws {
        for object in try await names(under: name + "/", after: nil) { try await remove(object) }
    }

    private static let database = "meterstone.sqlite"

    // MARK: Requests

    /// All that a list has, page by page, as names without the location's own prefix.
    private func list(
        under prefix: String, after name: String?, _ read: (String) -> [String]
    ) async throws -> [String] {
        let own = location.key("")
        var names: [String] = []
        var token: String?
        repeat {
            var query = [
                ("list-type", "2"), ("delimiter", "/"), ("encoding-type", "url"),
                ("prefix", location.key(prefix)),
            ]
            if let token {
                query.append(("continuation-token", token))
            } else if let name {
                query.append(("start-after", location.key(name)))
            }
            let page = try await send("GET", nil, query: query, accepting: [200]).text
            names += read(page).map { String($0.decodedKey.dropFirst(own.count)) }
            let isMore = page.element("IsTruncated") == "true"
            token = isMore ? page.element("NextContinuationToken") : nil
            if isMore, token == nil { throw unexpected(prefix) }
        } while token != nil
        return names.sorted()
    }

    /// Sends a request until there is an answer that is final, a few times.
    ///
    /// - Parameters:
    ///   - name: of the object; `nil`: it is about the bucket.
    ///   - bytes: how many may come back.
    private func send(
        _ method: String, _ name: String?, query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], _ body: [UInt8] = [],
        expecting bytes: Int = 0, accepting statuses: Set<Int>
    ) async throws -> BucketResponse {
        let origin = access.origin(of: location.bucket)
        var attempt = 1
        while true {
            var request = BucketRequest(
                method, scheme: origin.scheme, host: origin.host,
                path: name.map { "\(origin.path)/\(location.key($0))" }
                    ?? (origin.path.isEmpty ? "/" : origin.path),
                query: query, headers: headers, body: body)
            request.sign(access, at: clock())
            var failure = ""
            do {
                let answer = try await transport.send(
                    request,
                    timeoutMilliseconds: Self.timeoutMilliseconds
                        + Int64(max(body.count, bytes)) / Self.bytesPerMillisecond)
                if statuses.contains(answer.status) { return answer }
                failure = answer.failure
                guard answer.mayBeRepeated else {
                    throw self.failure(method, name, failure)
                }
            } catch let error as ShippingError {
                throw error
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                failure = "\(error)"
            }
            guard attempt < Self.attemptsMax else { throw self.failure(method, name, failure) }
            // Any time up to a bound that doubles.
            try await sleep(.random(in: 0...(Self.backOffMilliseconds << Int64(attempt))))
            attempt += 1
        }
    }

    private func failure(_ method: String, _ name: String?, _ failure: String) -> ShippingError {
        let object = name.map { " \(location.key($0))" } ?? ""
        return ShippingError(.unavailable, "\(self.name): \(method)\(object): \(failure)")
    }

    private func unexpected(_ name: String) -> ShippingError {
        failure("answer", name, "the server does not speak as Amazon S3 does")
    }
}

extension BucketResponse {
    /// `403 AccessDenied: Access Denied.`.
    fileprivate var failure: String {
        let code = text.element("Code").map { " \($0)" } ?? ""
        let message = text.element("Message").map { ": \($0)" } ?? ""
        return "\(status)\(code)\(message)"
    }

    fileprivate var mayBeRepeated: Bool {
        // 409: somebody writes the same object at this moment.
        [408, 409, 429].contains(status) || (500...599).contains(status)
    }
}

/// A file that is read or written in parts, away from whoever must not wait for a disk.
private struct FileParts: Sendable {
    private static let queue = DispatchQueue(label: "meterstone.shipping.files")

    private let path: String

    init(_ path: String) {
        self.path = path
    }

    /// Makes it, empty.
    init(making path: String) throws {
        self.path = path
        try Data().write(to: URL(filePath: path))
    }

    private func apart<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Self.queue.async { continuation.resume(with: Result { try body() }) }
        }
    }

    func size() async throws -> Int {
        try await apart {
            let values = try FileManager.default.attributesOfItem(atPath: path)
            return (values[.size] as? NSNumber)?.intValue ?? 0
        }
    }

    func read(at start: Int, count: Int) async throws -> [UInt8] {
        try await apart {
            let handle = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? handle.close() }
            try handle.seek(toOffset: UInt64(start))
            let bytes = [UInt8](try handle.read(upToCount: count) ?? Data())
            guard bytes.count == count else {
                throw ShippingError(.unavailable, "'\(path)' changed while it was shipped")
            }
            return bytes
        }
    }

    func write(_ bytes: [UInt8], at start: Int) async throws {
        try await apart {
            let handle = try FileHandle(forWritingTo: URL(filePath: path))
            defer { try? handle.close() }
            try handle.seek(toOffset: UInt64(start))
            try handle.write(contentsOf: Data(bytes))
        }
    }

    func sync() async throws {
        try await apart {
            let handle = try FileHandle(forWritingTo: URL(filePath: path))
            defer { try? handle.close() }
            try handle.synchronize()
        }
    }
}
