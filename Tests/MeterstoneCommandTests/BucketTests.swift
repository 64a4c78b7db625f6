import Foundation
import Meterstone
import MeterstoneCommand
import MeterstoneCore
import MeterstoneShipping
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// A bucket takes what a folder does, from whoever signs.
@Suite struct BucketTests {
    private static let calls = MeterKey(unchecked: "calls")

    private func place(
        _ double: BucketDouble, _ clock: ManualClock, prefix: String = "/a b&c/d+e",
        access: BucketAccess? = nil, partBytes: Int? = nil
    ) throws -> BucketPlace {
        let location = try #require(BucketLocation("s3://\(double.bucket)\(prefix)"))
        return BucketPlace(
            location, access ?? double.access, double, clock: { clock.now }, sleep: { _ in },
            partBytes: partBytes)
    }

    // MARK: Signatures

    private static let example = BucketAccess(
        region: "us-east-1", keyID: "AKIAIOSFODNN7EXAMPLE",
        secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

    /// The examples of "Signature Calculations for the Authorization Header" in Amazon's documentation.
    @Test(
        arguments: [
            (
                "GET", "/test.txt", [], [("Range", "bytes=0-9")], "",
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
            ),
            (
                "PUT", "/test$file.text", [],
                [
                    ("Date", "Fri, 24 May 2013 00:00:00 GMT"),
                    ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                ], "Welcome to Amazon S3.",
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
            ),
            (
                "GET", "/", [("lifecycle", "")], [], "",
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
            ),
            (
                "GET", "/", [("prefix", "J"), ("max-keys", "2")], [], "",
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
            ),
        ] as [(String, String, [(String, String)], [(String, String)], String, String)])
    func `requests are signed as in Amazon's examples`(
        method: String, path: String, query: [(String, String)], headers: [(String, String)],
        body: String, signature: String
    ) throws {
        var request = BucketRequest(
            method, scheme: "https", host: "examplebucket.s3.amazonaws.com", path: path,
            query: query.map { ($0.0, $0.1) }, headers: headers.map { ($0.0, $0.1) },
            body: Array(body.utf8))
        let instant = try #require(Instant(rfc3339: "2013-05-24T00:00:00Z"))
        request.sign(Self.example, at: instant)
        let authorization = try #require(request.headers.last)
        #expect(authorization.name == "Authorization")
        #expect(authorization.value.hasSuffix("Signature=\(signature)"), "\(authorization.value)")
        #expect(
            authorization.value.hasPrefix(
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            ))
    }

    @Test(
        arguments: [
            ("s3://bucket", "s3://bucket"), ("s3://my.bucket-1/", "s3://my.bucket-1"),
            ("s3://bucket/a/b/", "s3://bucket/a/b"), ("s3://b/a", nil), ("s3://Bucket", nil),
            ("s3://bucket//a", nil), ("s3://bucket/../a", nil), ("s3://", nil),
            ("s4://bucket", nil),
        ] as [(String, String?)])
    func `a bucket is named by its address`(text: String, shown: String?) {
        #expect(ShippingLocation(text)?.description == shown)
    }

    @Test func `whoever signs wrongly is refused, and told why`() async throws {
        let clock = ManualClock()
        let double = BucketDouble("bucket", clock: { clock.now })
        var access = double.access
        access.secretKey = "another"
        let wrong = try place(double, clock, access: access)
        let error = await #expect(throws: ShippingError.self) {
            try await wrong.write("a", [1], known: 0)
        }
        let code = "SignatureDoesNotMatch"
        #expect(
            error?.message
                == "s3://bucket/a b&c/d+e: PUT a b&c/d+e/a: 403 \(code): it says \"\(code)\"")
        // Nobody asks again what was refused.
        #expect(double.requests.count == 1 && double.objects.isEmpty)
        let other = try place(BucketDouble("other", clock: { clock.now }), clock)
        #expect(other.name == "s3://other/a b&c/d+e")
    }

    // MARK: Objects

    @Test func `objects are written, listed over pages, read and removed`() async throws {
        let clock = ManualClock()
        let double = BucketDouble("bucket", clock: { clock.now })
        let place = try place(double, clock)
        for number in 1...7 {
            try await place.write("journal/00000\(number)", [UInt8(number)], known: 0)
        }
        try await place.write("journal/000003", [3, 33], known: 1)
        try await place.write("journal/x/1", [0], known: 0)
        double.put("journal/elsewhere", [0])
        let all = (1...7).map { "journal/00000\($0)" }
        #expect(try await place.names(under: "journal/", after: nil) == all)
        #expect(try await place.names(under: "journal/", after: all[4]) == Array(all[5...]))
        #expect(try await place.names(under: "epochs/", after: nil) == [])
        #expect(try await place.read("journal/000003") == [3, 33])
        #expect(try await place.read("journal/8") == nil)
        try await place.remove("journal/000003")
        try await place.remove("journal/000003")
        #expect(try await place.read("journal/000003") == nil)
        #expect(double.objects["a b&c/d+e/journal/000004"] == [4])
        let whole = try self.place(double, clock, prefix: "")
        try await whole.write("b", [1], known: 0)
        #expect(double.objects["b"] == [1])
    }

    @Test func `one of two makes an object, also when its answer is lost`() async throws {
        let clock = ManualClock()
        let double = BucketDouble("bucket", clock: { clock.now })
        let place = try place(double, clock)
        #expect(try await place.create("epochs/1", [1]))
        #expect(try await !place.create("epochs/1", [2]))
        #expect(try await place.read("epochs/1") == [1])
        double.fail([.lostAnswer])
        #expect(try await place.create("epochs/2", [2]))
        double.overwritesAlways()
        let error = await #expect(throws: ShippingError.self) {
            try await place.create("epochs/3", [3])
        }
        #expect(error?.message.contains("If-None-Match") == true)
    }

    @Test func `what fails is tried four times`() async throws {
        let clock = ManualClock()
        let double = BucketDouble("bucket", clock: { clock.now })
        let place = try place(double, clock)
        double.fail([.silence, .status(503), .status(500)])
        try await place.write("a", [1], known: 0)
        #expect(double.requests.count == 4)
        double.fail([.status(503), .status(503), .status(503), .status(503)])
        let error = await #expect(throws: ShippingError.self) {
            try await place.write("a", [1], known: 0)
        }
        #expect(error?.message.contains("503 Told") == true && double.requests.count == 8)
    }

    // MARK: Stores

    @Test(arguments: [1_000_000, 5_000])
    func `a store that is shipped to a bucket comes back, with parts of its backup or in one piece`(
        partBytes: Int
    ) async throws {
        let folder = TemporaryFolder()
        let clock = ManualClock()
        var options = StoreOptions()
        options.shippedFactsKeptMax = 1_000
        let engine = MeterstoneEngine(
            store: try SQLiteStore(directory: folder.path + "/store", options: options),
            clock: { clock.now })
        _ = try await engine.change(
            ChangeRequest(change: .putMeter(Meter(key: Self.calls)), author: "test"))
        let double = BucketDouble("bucket", clock: { clock.now })
        let place = try place(double, clock, partBytes: partBytes)
        let shipper = Shipper(engine, to: place, clock: { clock.now })
        let event = UsageEvent(
            subject: SubjectID(unchecked: "ann"), quantities: .one(Self.calls, 1))
        for round in 0..<4 {
            if round == 2 {
                clock.advance(bySeconds: 3_600)
                let name = clock.now.rfc3339.replacing(":", with: "-")
                try await engine.backup(to: "\(folder.path)/backups/\(name)")
                double.fail([.status(503)])
                let wholes = WholeBackups(at: place, kept: 1)
                #expect(try await wholes.put(name, from: "\(folder.path)/backups/\(name)"))
                #expect(try await place.wholes().map(\.name) == [name] && double.uploads == 0)
                clock.advance(bySeconds: 60)
            }
            for _ in 0..<50 { _ = try await engine.record([event]) }
            double.fail([.lostAnswer, .silence])
            while try await !shipper.step().isAtEnd {}
        }
        #expect(double.requests.contains { $0.hasPrefix("POST") } == (partBytes == 5_000))
        await engine.shutdown()
        let directory = folder.path + "/restored"
        let outcome = try await Restoration(from: place) {
            try SQLiteStore(directory: $0, options: StoreOptions())
        }.run(into: directory, at: nil)
        #expect(outcome.whole != nil && outcome.reached.batches == 100)
        let store = try SQLiteStore(directory: directory, options: options)
        let report = try store.verify()
        #expect(report.isClean && report.events == 200)
        // The copy is no second writer there.
        let copy = Shipper(store, to: place, clock: { clock.now })
        let error = await #expect(throws: ShippingError.self) { try await copy.step() }
        #expect(error?.message.contains("this store was made of a backup") == true)
        try store.close()
    }

    @Test func `a backup that changes while it is fetched is none, and parts of a failure go`()
        async throws
    {
        let folder = TemporaryFolder()
        let clock = ManualClock()
        let double = BucketDouble("bucket", clock: { clock.now })
        let place = try place(double, clock, prefix: "", partBytes: 100)
        let name = "2026-03-10T12-00-00.000Z"
        let source = "\(folder.path)/\(name)"
        try FileManager.default.createDirectory(
            atPath: source, withIntermediateDirectories: true)
        let bytes = (0..<1_050).map { UInt8($0 % 251) }
        try Data(bytes).write(to: URL(filePath: source + "/meterstone.sqlite"))
        try await place.putWhole(name, from: source)
        #expect(double.objects[name + "/meterstone.sqlite"] == bytes)
        try await place.fetchWhole(name, to: folder.path + "/a")
        #expect(try Data(contentsOf: URL(filePath: folder.path + "/a")) == Data(bytes))
        // It begins, has eleven parts, and the answer to its completion is lost.
        let key = "\(name)/meterstone.sqlite"
        double.put(key, nil)
        double.fail(Array(repeating: .nothing, count: 12) + [.lostAnswer])
        try await place.putWhole(name, from: source)
        #expect(double.objects[key] == bytes && double.uploads == 0)
        double.fail([.nothing, .nothing, .status(403)])
        await #expect(throws: ShippingError.self) { try await place.putWhole(name, from: source) }
        #expect(double.uploads == 0)
        double.fail([.nothing, .nothing, .replaced(key, Array(bytes.reversed()))])
        await #expect(throws: ShippingError.self) {
            try await place.fetchWhole(name, to: folder.path + "/c")
        }
        try await place.removeWhole(name)
        #expect(double.objects.isEmpty)
        await #expect(throws: ShippingError.self) {
            try await place.fetchWhole(name, to: folder.path + "/b")
        }
    }

    // MARK: Settings

    @Test func `keys and the server come from variables, also from those of other programs`() throws
    {
        let settings = try Settings(
            ["--ship-to": "s3://bucket/a"],
            environment: [
                "AWS_ACCESS_KEY_ID": "id", "METERSTONE_SHIP_SECRET_KEY": "own",
                "AWS_SECRET_ACCESS_KEY": "other", "AWS_REGION": "eu-central-1",
                "AWS_ENDPOINT_URL": "https://s3.example.com:443/",
            ])
        #expect(settings.shipTo.value?.description == "s3://bucket/a")
        #expect(settings.shipKeyId == Setting("id", .variable("AWS_ACCESS_KEY_ID")))
        #expect(
            settings.shipSecretKey.value == "own" && settings.shipRegion.value == "eu-central-1")
        #expect(settings.shipEndpoint.value?.description == "https://s3.example.com")
        #expect(!settings.lines.contains { $0.value.contains("own") })
        for text in ["s3.example.com", "ftp://a", "https://", "https://a/b", "https://u@a"] {
            let error = #expect(throws: CommandFailure.self) {
                _ = try Settings([:], environment: ["AWS_ENDPOINT_URL": text])
            }
            #expect(error?.message.hasPrefix("AWS_ENDPOINT_URL: ") == true, "\(text)")
        }
    }
}
