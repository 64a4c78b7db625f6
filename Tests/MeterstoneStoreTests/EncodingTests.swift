import MeterstoneCore
import MeterstoneStore
import Testing

@Suite struct EncodingTests {
    static let names = ["a", "b", "c"].map { MeterKey(unchecked: $0) }

    static func number(_ name: MeterKey) -> Int { names.firstIndex(of: name) ?? 0 }

    @Test func `a fired alert is written as an encoder writes it`() throws {
        let plain = FiredAlert(
            alert: AlertKey(unchecked: "nearly"), subject: SubjectID(unchecked: "acme/ann"),
            measure: .pacePercent, threshold: 80, limit: LimitKey(unchecked: "daily"),
            meter: MeterKey(unchecked: "prompts"), value: "gpt-5", allowance: 10, used: 8,
            resetsAt: Instant(millisecondsSince1970: 1_773_187_200_000),
            fullAt: Instant(millisecondsSince1970: 1_773_187_199_999), balance: -3,
            eventID: EventID("0195f3a0-0000-7000-8000-000000000001"))
        let short = FiredAlert(
            alert: AlertKey(unchecked: "low"), subject: SubjectID(unchecked: "bob"),
            measure: .credits, threshold: 0)
        var alerts = [plain, short]
        for text in [#"an"n"#, #"a\b"#, "søren", "a\u{7f}", "a/b", "😀"] {
            var alert = plain
            alert.subject = SubjectID(unchecked: text)
            alerts.append(alert)
            alert = plain
            alert.value = text
            alerts.append(alert)
        }
        var rearmed = plain
        rearmed.isRearmed = true
        alerts.append(rearmed)
        for alert in alerts {
            let after = try JSONText(alert).text
            if let said = alert.plainJSON { #expect(said == after) }
            let request = ChangeRequest(
                change: .noteAlert(alert), author: "meterstone", idempotencyKey: "meterstone:1")
            var record = ChangeRecord(
                sequence: 7, recordedAt: Instant(millisecondsSince1970: 1_773_144_000_001),
                request: request, outcome: .created, before: nil, after: after)
            #expect(try record.text() == JSONText(record).text)
            record.after = "{}"
            #expect(try record.text() == JSONText(record).text)
            record.after = after
            record.outcome = .unchanged
            record.told = "other"
            #expect(try record.text() == JSONText(record).text)
        }
        #expect(plain.plainJSON != nil && short.plainJSON != nil && rearmed.plainJSON == nil)
    }

    /// Published with the specification; the last three are from the reference implementation.
    @Test(arguments: [
        ("", 0xEF46_DB37_51D8_E999 as UInt64), ("a", 0xD24E_C4F1_A98C_6E5B),
        ("abc", 0x44BC_2CF5_AD77_0999),
    ])
    func `XXH64 gives the published hashes`(text: String, expected: UInt64) {
        #expect(XXH64.hash(text) == expected)
        #expect(XXH64.hash(Array(text.utf8)[...]) == expected)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `usage records read back as they were written`(seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        for _ in 0..<500 {
            let record = UsageRecord.random(using: &random)
            var writer = ByteWriter()
            record.write(to: &writer, nameNumber: Self.number)
            var reader = ByteReader(writer.bytes, from: 1)
            #expect(try UsageRecord(&reader, names: Self.names) == record, "SEED=\(seed)")
            #expect(reader.isAtEnd, "SEED=\(seed)")
        }
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `corrections read back as they were written`(seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        for _ in 0..<300 {
            let before = UsageRecord.random(using: &random)
            var after: UsageRecord? = UsageRecord.random(using: &random)
            if Bool.random(using: &random) { after = nil }
            let record = CorrectionRecord(
                target: Int64.random(in: 1...Int64.max, using: &random),
                recordedAt: Instant(millisecondsSince1970: 5), author: "author",
                reason: "réason", before: before, after: after)
            var writer = ByteWriter()
            record.write(to: &writer, nameNumber: Self.number)
            var reader = ByteReader(writer.bytes, from: 1)
            #expect(try CorrectionRecord(&reader, names: Self.names) == record, "SEED=\(seed)")
            #expect(reader.isAtEnd, "SEED=\(seed)")
        }
    }

    @Test func `a batch reads back with every fact in its place`() throws {
        var random = SplitMix64(state: 7)
        var builder = JournalBatchBuilder(firstSequence: 41)
        var records: [UsageRecord] = []
        for number in 0..<100 {
            let record = UsageRecord.random(using: &random)
            records.append(record)
            let position = builder.append(subject: Int64(number)) { writer in
                record.write(to: &writer, nameNumber: Self.number)
            }
            #expect(position.sequence == Int64(41 + number))
        }
        let sealed = builder.sealed()
        let read = try JournalBatch(reading: sealed.bytes)
        #expect(read.firstSequence == 41 && read.lastSequence == 140 && read.count == 100)
        var index = 0
        try read.forEach { fact in
            #expect(fact.sequence == Int64(41 + index) && fact.subject == Int64(index))
            var reader = fact.reader
            let record = try UsageRecord(&reader, names: Self.names)
            #expect(record == records[index])
            let found = try UsageRecord.idAndSource(fact)
            #expect(found.id == record.id && found.source == record.details?.source)
            #expect(fact.usageHead?.occurredAt == record.occurredAt)
            #expect(fact.usageHead?.ancestors == record.ancestors)
            index += 1
        }
        #expect(index == 100)
    }

    @Test func `a batch with any byte changed or cut off is refused`() throws {
        var builder = JournalBatchBuilder(firstSequence: 1)
        builder.append(subject: 1) { $0.append([UInt8](repeating: 1, count: 40)) }
        let bytes = builder.sealed().bytes
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 0x10
            #expect(throws: MalformedRecord.self) { try JournalBatch(reading: other) }
            #expect(throws: MalformedRecord.self) {
                try JournalBatch(reading: Array(bytes[..<index]))
            }
        }
    }

    /// A trap here ends the test process, which is the point.
    @Test(arguments: [UInt64(11), 12, 13])
    func `no bytes make a reader trap`(seed: UInt64) {
        var random = SplitMix64(state: seed)
        for round in 0..<3_000 {
            var bytes: [UInt8]
            if round % 2 == 0 {
                bytes = (0..<Int.random(in: 0...80, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
            } else {
                var writer = ByteWriter()
                UsageRecord.random(using: &random).write(to: &writer, nameNumber: Self.number)
                bytes = writer.bytes
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    bytes[Int.random(in: bytes.indices, using: &random)] =
                        UInt8.random(in: 0...255, using: &random)
                }
            }
            readEverything(bytes)
            // A checksum that is right must not make what it covers trusted.
            var builder = JournalBatchBuilder(firstSequence: Int64(round))
            builder.append(subject: 1) { $0.append(bytes.isEmpty ? [1] : bytes) }
            readBatch(builder.sealed().bytes)
            var header: [UInt8] = [0x4D, 0x53, 0x4A, 1] + bytes
            var sum = ByteWriter()
            sum.fixed(XXH64.hash(header[...]))
            header += sum.bytes
            readBatch(header)
        }
    }

    private func readEverything(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        _ = try? UsageRecord(&reader, names: Self.names)
        reader = ByteReader(bytes)
        _ = try? CorrectionRecord(&reader, names: Self.names)
        _ = try? JournalBatch(reading: bytes)
    }

    private func readBatch(_ bytes: [UInt8]) {
        guard let batch = try? JournalBatch(reading: bytes) else { return }
        _ = batch.lastSequence
        batch.forEach { fact in
            _ = fact.rows
            _ = try? UsageRecord.idAndSource(fact)
            _ = try? ChangeRecord(reading: fact)
            var history = History(subject: 1, names: Self.names)
            try? history.add(fact, days: Int64.min...Int64.max)
            _ = history.events
        }
    }
}

extension UsageRecord {
    /// Any record that can be written, with every optional part there or not.
    static func random(using random: inout SplitMix64) -> UsageRecord {
        func maybe<Value>(_ value: Value) -> Value? { Bool.random(using: &random) ? value : nil }
        let occurredAt = Instant(
            millisecondsSince1970: Int64.random(in: -1_000...4_000_000_000_000, using: &random))
        let units = Quantity(Int64.random(in: 0...Int64.max, using: &random))
        let number = UInt64.random(in: 0...UInt64.max, using: &random)
        let quantities: [Quantities] = [
            .none, .one(EncodingTests.names[1], units),
            .many([
                NamedQuantity(name: EncodingTests.names[0], quantity: units),
                NamedQuantity(name: EncodingTests.names[2], quantity: 0),
            ]),
        ]
        let details = EventDetails(
            source: maybe("source"), type: maybe("type"), subtype: maybe("ünter"),
            status: EventStatus.allCases.randomElement(using: &random) ?? .success,
            durationMilliseconds: maybe(Int64.random(in: 0...Int64.max, using: &random)),
            errorMessage: maybe("message"), project: maybe("project"), scene: maybe("scene"),
            session: maybe("session"),
            dimensions: maybe([Dimension(name: "model", value: "gpt")]) ?? [],
            properties: maybe("{\"a\":1}"),
            levels: maybe(["project/x", "ünter"].map { SubjectID(unchecked: $0) }) ?? []
        ).with(countsWhenAborted: Bool.random(using: &random))
        let answers = LimitMode.allCases.enumerated().map { index, mode in
            LimitAnswer(
                limit: index * 1_000, level: index * 4, mode: mode, isExceeded: index % 2 == 0,
                allowance: Int64(index) - 1, used: units.units,
                resetsAt: index % 3 == 0 ? occurredAt : nil, isBeyondValues: index > 1)
        }
        var record = UsageRecord(
            id: Bool.random(using: &random) ? .uuid(number, ~number) : .text("id \(number)"),
            occurredAt: occurredAt,
            recordedAt: maybe(
                occurredAt.advanced(
                    byMilliseconds: Int64.random(in: -9...9_999_999, using: &random)))
                ?? occurredAt,
            quantities: quantities.randomElement(using: &random) ?? .none,
            details: maybe(details), ancestors: maybe([3, 500_000]) ?? [],
            answers: maybe(answers) ?? [])
        record.namedLevelCount = Int.random(in: 0...record.ancestors.count, using: &random)
        return record
    }
}
