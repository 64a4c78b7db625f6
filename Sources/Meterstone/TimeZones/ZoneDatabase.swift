public import MeterstoneCore
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The system's time zones, by their IANA names.
///
/// It reads the compiled files of the zone database itself, so that windows need nothing of
/// Foundation. A class because it keeps what it has read; a zone that changes on disk is seen by
/// the next process.
public final class ZoneDatabase: Sendable {
    /// The largest file in use has 4 kB. More than this is not a zone.
    public static let fileBytesMax = 65_536
    /// More zones than the database has under all its names. Further ones are read each time.
    public static let cachedZonesMax = 2_048

    private let directory: String
    private let cache = Mutex<[String: ZoneRules]>([:])

    public init(directory: String = "/usr/share/zoneinfo") {
        self.directory = directory
    }

    /// The rules of a zone such as `Europe/Berlin`; `nil` when there is no such zone, or its file
    /// cannot be read.
    ///
    /// `UTC`, `Etc/UTC`, `GMT` and `Z` are ``ZoneRules/utc`` and need no file. A name that was not
    /// found is looked for again the next time, so that asking for nonsense fills no memory.
    public func rules(named name: String) -> ZoneRules? {
        switch name {
        case "UTC", "Etc/UTC", "GMT", "Z": return .utc
        default: break
        }
        if let known = cache.withLock({ $0[name] }) { return known }
        guard Self.isValid(name), let bytes = Self.contents(ofFile: "\(directory)/\(name)"),
            let file = TZifFile(bytes)
        else { return nil }
        let rules = file.rules(named: name)
        return cache.withLock { cache in
            if let known = cache[name] { return known }
            if cache.count < Self.cachedZonesMax { cache[name] = rules }
            return rules
        }
    }

    /// Whether a name stays within the directory: no leading slash, no dots, no empty parts.
    static func isValid(_ name: String) -> Bool {
        guard name.utf8.count <= 64 else { return false }
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return parts.allSatisfy { part in
            !part.isEmpty
                && part.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2B, 0x2D: true
                    default: false
                    }
                }
        }
    }

    /// `nil` when the file cannot be read or has more than ``fileBytesMax`` bytes.
    private static func contents(ofFile path: String) -> [UInt8]? {
        // The C library, because reading a file is no reason to link Foundation.
        guard let file = unsafe fopen(path, "rb") else { return nil }
        defer { unsafe fclose(file) }
        let capacity = fileBytesMax + 1
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            count = unsafe fread(buffer.baseAddress, 1, capacity, file)
        }
        return unsafe bytes.count <= fileBytesMax && ferror(file) == 0 ? bytes : nil
    }
}
