import MeterstoneCore
import MeterstoneStore

/// Subjects whose rows stand as they were read last, as far as this process wrote them. Nearly all that a page
/// names were there in an earlier one, and did not change.
struct WrittenSubjects {
    /// What rows of a subject are made of, in 64 bits that differ from process to process.
    private var fingerprints: [Int64: Int] = [:]
    /// About 32 bytes each. Who is forgotten is written once more.
    private static let countMax = 1_000_000

    /// Those that are new, or as they were not before; from now on they count as written.
    mutating func changed(_ subjects: [Int64: StoredSubject]) -> [StoredSubject] {
        if fingerprints.count > Self.countMax { fingerprints.removeAll() }
        return subjects.values.filter { subject in
            let new = Self.fingerprint(of: subject)
            return fingerprints.updateValue(new, forKey: subject.number) != new
        }
    }

    private static func fingerprint(of subject: StoredSubject) -> Int {
        var hasher = Hasher()
        hasher.combine(subject.profile)
        hasher.combine(subject.times.createdAt)
        hasher.combine(subject.times.updatedAt)
        return hasher.finalize()
    }
}
