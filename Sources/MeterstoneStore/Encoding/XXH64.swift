/// The 64-bit xxHash: the checksum of journal batches and the key of event ids.
///
/// After the specification of xxHash, version 0.1.1, section "XXH64 Algorithm Description".
package enum XXH64 {
    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

    package static func hash(_ text: String, seed: UInt64 = 0) -> UInt64 {
        var text = text
        return text.withUTF8 { unsafe hash($0, seed: seed) }
    }

    package static func hash(_ bytes: ArraySlice<UInt8>, seed: UInt64 = 0) -> UInt64 {
        unsafe bytes.withUnsafeBufferPointer { unsafe hash($0, seed: seed) }
    }

    package static func hash(_ bytes: UnsafeBufferPointer<UInt8>, seed: UInt64) -> UInt64 {
        var position = 0
        let count = bytes.count
        func word(_ at: Int) -> UInt64 {
            unsafe UInt64(
                littleEndian: UnsafeRawPointer(bytes.baseAddress.unsafelyUnwrapped)
                    .loadUnaligned(fromByteOffset: at, as: UInt64.self))
        }
        var accumulator: UInt64
        if count >= 32 {
            var one = seed &+ prime1 &+ prime2
            var two = seed &+ prime2
            var three = seed
            var four = seed &- prime1
            while count - position >= 32 {
                one = round(one, word(position))
                two = round(two, word(position + 8))
                three = round(three, word(position + 16))
                four = round(four, word(position + 24))
                position += 32
            }
            accumulator =
                rotate(one, 1) &+ rotate(two, 7) &+ rotate(three, 12) &+ rotate(four, 18)
            for lane in [one, two, three, four] {
                accumulator = (accumulator ^ round(0, lane)) &* prime1 &+ prime4
            }
        } else {
            accumulator = seed &+ prime5
        }
        accumulator &+= UInt64(count)
        while count - position >= 8 {
            accumulator ^= round(0, word(position))
            accumulator = rotate(accumulator, 27) &* prime1 &+ prime4
            position += 8
        }
        if count - position >= 4 {
            let half = unsafe UInt32(
                littleEndian: UnsafeRawPointer(bytes.baseAddress.unsafelyUnwrapped)
                    .loadUnaligned(fromByteOffset: position, as: UInt32.self))
            accumulator ^= UInt64(half) &* prime1
            accumulator = rotate(accumulator, 23) &* prime2 &+ prime3
            position += 4
        }
        while position < count {
            accumulator ^= unsafe UInt64(bytes[position]) &* prime5
            accumulator = rotate(accumulator, 11) &* prime1
            position += 1
        }
        return avalanche(accumulator)
    }

    private static func avalanche(_ value: UInt64) -> UInt64 {
        var result = value
        result = (result ^ result >> 33) &* prime2
        result = (result ^ result >> 29) &* prime3
        return result ^ result >> 32
    }

    private static func round(_ lane: UInt64, _ input: UInt64) -> UInt64 {
        rotate(lane &+ input &* prime2, 31) &* prime1
    }

    private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 {
        value << bits | value >> (64 - bits)
    }
}
