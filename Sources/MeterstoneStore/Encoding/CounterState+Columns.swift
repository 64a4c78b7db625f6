package import MeterstoneCore

extension Instant {
    /// `window_from` of counters that have no start; no window starts there, since windows start on
    /// whole seconds.
    private static let always: Int64 = -1

    package init(columnValue: Int64) {
        self =
            columnValue == Self.always
            ? WindowSpan.lifetime.from : Instant(millisecondsSince1970: columnValue)
    }

    package var columnValue: Int64 {
        self == WindowSpan.lifetime.from ? Self.always : millisecondsSince1970
    }
}

/// How counters stand in the columns `value` and `memory`.
extension CounterState {
    private enum Memories {
        static let latest: UInt8 = 1
        static let distinct: UInt8 = 2
        static let reservations: UInt8 = 3
        static let wallet: UInt8 = 4
        static let activity: UInt8 = 5
        static let readings: UInt8 = 6
        static let values: UInt8 = 7
        static let gauge: UInt8 = 8
    }

    /// - Parameter memory: the column `memory`; `nil` when it is null.
    package init(value: Int64, memoryBytes memory: [UInt8]?) throws(StoreError) {
        do throws(MalformedRecord) {
            self.init(value: value, memory: try memory.map(Self.memory) ?? .none)
        } catch {
            throw StoreError(code: .corrupt, message: "the memory of a counter is unreadable")
        }
    }

    /// A state that differs from every one that can be computed.
    package static func unreadable(value: Int64) -> CounterState {
        CounterState(value: value, memory: .latest(at: .earliest, sequence: -1))
    }

    private static func memory(_ bytes: [UInt8]) throws(MalformedRecord) -> Memory {
        var reader = ByteReader(bytes)
        switch try reader.byte() {
        case Memories.latest:
            return .latest(at: try reader.instant(), sequence: try reader.signed())
        case Memories.readings:
            let track = try ReadingTrack(&reader)
            return .readings(latest: track.latest, ahead: track.ahead)
        case Memories.distinct:
            var values: [String: Int64] = [:]
            for _ in 0..<(try reader.count()) {
                let text = try reader.text()
                let count = try reader.signed()
                guard (0...Int64(1) << 48).contains(count) else { throw MalformedRecord() }
                values[text] = count
            }
            return .distinct(values)
        case Memories.values: return .values(try ValueCounters(&reader))
        case Memories.gauge: return .gauge(try GaugeReadings(&reader))
        case Memories.reservations:
            var open: [OpenReservation] = []
            for _ in 0..<(try reader.count()) { open.append(try OpenReservation(&reader)) }
            return .reservations(open)
        case Memories.activity: return .activity(try Activity(&reader))
        case Memories.wallet: return .wallet(try SealedWallet(&reader))
        default: throw MalformedRecord()
        }
    }

    /// The column `memory`; `nil` when the number says all. Rolling counters have no row.
    package var memoryBytes: [UInt8]? {
        var writer = ByteWriter()
        switch memory {
        case .none, .rolling, .rollingValues: return nil
        case .latest(let at, let sequence):
            writer.byte(Memories.latest)
            writer.signed(at.millisecondsSince1970)
            writer.signed(sequence)
        case .readings(let latest, let ahead):
            writer.byte(Memories.readings)
            ReadingTrack(latest: latest, ahead: ahead).write(to: &writer)
        case .gauge(let readings):
            writer.byte(Memories.gauge)
            readings.write(to: &writer)
        case .distinct(let values):
            writer.byte(Memories.distinct)
            writer.unsigned(UInt64(values.count))
            for (text, count) in values.sorted(by: { $0.key < $1.key }) {
                writer.text(text)
                writer.signed(count)
            }
        case .values(let values):
            writer.byte(Memories.values)
            values.write(to: &writer)
        case .reservations(let open):
            writer.byte(Memories.reservations)
            writer.unsigned(UInt64(open.count))
            for entry in open { entry.write(to: &writer) }
        case .activity(let activity):
            writer.byte(Memories.activity)
            activity.write(to: &writer)
        case .wallet(let sealed):
            writer.byte(Memories.wallet)
            sealed.write(to: &writer)
        }
        return writer.bytes
    }
}

extension CounterState.Reading {
    fileprivate init(_ reader: inout ByteReader) throws(MalformedRecord) {
        self.init(
            at: try reader.instant(), sequence: try reader.signed(), units: try reader.signed())
    }

    fileprivate func write(to writer: inout ByteWriter) {
        writer.signed(at.millisecondsSince1970)
        writer.signed(sequence)
        writer.signed(units)
    }
}

extension ReadingTrack {
    fileprivate init(_ reader: inout ByteReader) throws(MalformedRecord) {
        let latest = try reader.byte() == 0 ? nil : CounterState.Reading(&reader)
        var ahead: [CounterState.Reading] = []
        for _ in 0..<(try reader.count()) { ahead.append(try CounterState.Reading(&reader)) }
        self.init(latest: latest, ahead: ahead)
    }

    fileprivate func write(to writer: inout ByteWriter) {
        writer.byte(latest == nil ? 0 : 1)
        latest?.write(to: &writer)
        writer.unsigned(UInt64(ahead.count))
        for reading in ahead { reading.write(to: &writer) }
    }
}

extension GaugeReadings {
    fileprivate init(_ reader: inout ByteReader) throws(MalformedRecord) {
        var tracks: [Key: ReadingTrack] = [:]
        for _ in 0..<(try reader.count()) {
            let member = try reader.signed()
            let item = try reader.byte() == 0 ? nil : reader.text()
            tracks[Key(member: member, item: item)] = try ReadingTrack(&reader)
        }
        self.init(tracks)
    }

    fileprivate func write(to writer: inout ByteWriter) {
        writer.unsigned(UInt64(tracks.count))
        for (key, track) in tracks.sorted(by: { $0.key < $1.key }) {
            writer.signed(key.member)
            writer.byte(key.item == nil ? 0 : 1)
            if let item = key.item { writer.text(item) }
            track.write(to: &writer)
        }
    }
}

extension ValueCounters {
    fileprivate init(_ reader: inout ByteReader) throws(MalformedRecord) {
        func contributions(from least: Int64) throws(MalformedRecord) -> Int64 {
            let count = try reader.signed()
            guard (least...Int64(1) << 48).contains(count) else { throw MalformedRecord() }
            return count
        }
        var own: [Entry] = []
        for _ in 0..<(try reader.count()) {
            let value = try reader.text()
            if let last = own.last, last.value >= value { throw MalformedRecord() }
            own.append(
                Entry(
                    value: value, units: try reader.signed(),
                    contributions: try contributions(from: 1)))
        }
        self.init(
            own: own, othersUnits: try reader.signed(),
            othersContributions: try contributions(from: 0))
    }

    fileprivate func write(to writer: inout ByteWriter) {
        writer.unsigned(UInt64(own.count))
        for entry in own {
            writer.text(entry.value)
            writer.signed(entry.units)
            writer.signed(entry.contributions)
        }
        writer.signed(othersUnits)
        writer.signed(othersContributions)
    }
}

/// How a subject stands in the columns `profile` and `children`.
extension StoredSubject {
    /// - Parameters:
    ///   - profileText: JSON; `nil` while every field has its default.
    ///   - childrenText: "3,0,1,0"; `nil` while there are none.
    package init(
        number: Int64, firstSequence: Int64, id: SubjectID, profileText: String?,
        childrenText: String?, nextExpiry: Int64?, createdAt: Int64?, updatedAt: Int64?
    ) throws(StoreError) {
        var kept = KeptProfile(profile: Subject(id: id))
        if let profileText {
            kept = try JSONText(text: profileText).decoded(as: KeptProfile.self)
        }
        var children = SIMD4<Int32>.zero
        let counts = childrenText?.split(separator: ",").map { Int32($0) ?? -1 } ?? []
        guard counts.allSatisfy({ (0..<Int32.max / 2).contains($0) }) else {
            throw StoreError(
                code: .corrupt, message: "how many subjects are below '\(id)' is unreadable")
        }
        guard number > 0 else {
            throw StoreError(code: .corrupt, message: "'\(id)' has the number \(number)")
        }
        for (index, count) in counts.prefix(children.scalarCount).enumerated() {
            children[index] = count
        }
        self.init(
            number: number, firstSequence: firstSequence, profile: kept.profile, children: children,
            nextExpiry: nextExpiry.map { Instant(millisecondsSince1970: $0) }, since: kept.since,
            past: kept.past,
            times: Times(
                createdAt: createdAt.map { Instant(millisecondsSince1970: $0) },
                updatedAt: updatedAt.map { Instant(millisecondsSince1970: $0) }),
            alias: kept.alias, aliases: kept.aliases, merged: kept.merged)
    }

    package func profileText() throws(StoreError) -> String? {
        if since == nil, past.isEmpty, alias == nil, aliases.isEmpty,
            profile == Subject(id: profile.id)
        {
            return nil
        }
        let kept = KeptProfile(
            profile: profile, since: since, past: past, alias: alias, aliases: aliases,
            merged: merged)
        return try JSONText(kept).text
    }

    package var childrenText: String? {
        guard children != .zero else { return nil }
        return children.indices.map { String(children[$0]) }.joined(separator: ",")
    }
}

/// A profile as it is kept, with what nobody writes into it.
private struct KeptProfile: Codable {
    var profile: Subject
    var since: Instant?
    var past = SubjectPast()
    var alias: AliasKind?
    var aliases: [SubjectID] = []
    var merged: [Int64] = []

    private enum CodingKeys: String, CodingKey {
        case since, past, alias, aliases, merged
    }

    init(
        profile: Subject, since: Instant? = nil, past: SubjectPast = SubjectPast(),
        alias: AliasKind? = nil, aliases: [SubjectID] = [], merged: [Int64] = []
    ) {
        self.merged = merged
        self.profile = profile
        self.since = since
        self.past = past
        self.alias = alias
        self.aliases = aliases
    }

    init(from decoder: any Decoder) throws {
        profile = try Subject(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        since = try container.decodeIfPresent(Instant.self, forKey: .since)
        past = try container.decodeIfPresent(SubjectPast.self, forKey: .past) ?? past
        alias = try container.decodeIfPresent(AliasKind.self, forKey: .alias)
        aliases = try container.decodeIfPresent([SubjectID].self, forKey: .aliases) ?? []
        merged = try container.decodeIfPresent([Int64].self, forKey: .merged) ?? []
    }

    func encode(to encoder: any Encoder) throws {
        try profile.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(since, forKey: .since)
        if !past.isEmpty { try container.encode(past, forKey: .past) }
        try container.encodeIfPresent(alias, forKey: .alias)
        if !aliases.isEmpty { try container.encode(aliases, forKey: .aliases) }
        if !merged.isEmpty { try container.encode(merged, forKey: .merged) }
    }
}
