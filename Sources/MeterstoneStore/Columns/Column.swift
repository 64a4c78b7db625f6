import MeterstoneCore

/// Where a column stands in a buffer.
struct Column {
    let base: Int64
    let width: Int
    let start: Int

    /// Finds a column, and moves behind it.
    init(_ reader: inout ByteReader, _ count: Int) throws(MalformedRecord) {
        guard count > 0 else {
            (base, width, start) = (0, 0, reader.position)
            return
        }
        base = try reader.signed()
        width = Int(try reader.byte())
        start = reader.position
        guard width <= 8, count <= (reader.end - start) / max(1, width) || width == 0 else {
            throw MalformedRecord()
        }
        try reader.skip(count * width)
    }

    /// Whether every value is between two.
    func isWithin(_ range: ClosedRange<Int64>) -> Bool {
        guard width < 8, range.contains(base) else { return false }
        let above = Int64(1) << Int64(8 * width) - 1
        let (most, overflow) = base.addingReportingOverflow(above)
        return !overflow && most <= range.upperBound
    }

    /// The values, or those at some places.
    ///
    /// - Parameter offset: is added to each.
    func values(
        _ bytes: [UInt8], count: Int, at places: [Int]? = nil, above offset: Int64 = 0
    ) -> [Int64] {
        let base = base &+ offset
        guard width > 0 else { return Array(repeating: base, count: places?.count ?? count) }
        return unsafe bytes.withUnsafeBytes { buffer in
            if let places { return unsafe picked(buffer, base, at: places) }
            return unsafe [Int64](unsafeUninitializedCapacity: count) { result, initialized in
                initialized = count
                // The last ones are put together from bytes, so that nothing behind the buffer is read.
                let whole = wholeWords(buffer.count, count)
                unsafe read(buffer, base, whole, into: result)
                for index in whole..<count {
                    let word = unsafe load(buffer, start + index * width)
                    unsafe result[index] = base &+ Int64(bitPattern: word)
                }
            }
        }
    }

    /// How many values can be read as words that may be wider than they are.
    private func wholeWords(_ size: Int, _ count: Int) -> Int {
        let word = width <= 2 ? width : width <= 4 ? 4 : 8
        let readable = size - start - word
        return readable < 0 ? 0 : min(count, readable / width + 1)
    }

    /// A loop for each width: without branches inside, so that several values are read at once.
    private func read(
        _ buffer: UnsafeRawBufferPointer, _ base: Int64, _ count: Int,
        into result: UnsafeMutableBufferPointer<Int64>
    ) {
        guard count > 0, let origin = unsafe buffer.baseAddress?.advanced(by: start),
            let target = result.baseAddress
        else { return }
        switch width {
        case 1: unsafe copy(origin, UInt8.self, stride: 1, .max, base, count, target)
        case 2: unsafe copy(origin, UInt16.self, stride: 2, .max, base, count, target)
        case 3: unsafe copy(origin, UInt32.self, stride: 3, 0xFF_FFFF, base, count, target)
        case 4: unsafe copy(origin, UInt32.self, stride: 4, .max, base, count, target)
        case let width:
            let mask = UInt64.max >> UInt64(64 - 8 * width)
            unsafe copy(origin, UInt64.self, stride: width, mask, base, count, target)
        }
    }

    @inline(__always)
    private func copy<Word: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ origin: UnsafeRawPointer, _: Word.Type, stride: Int, _ mask: Word, _ base: Int64,
        _ count: Int, _ target: UnsafeMutablePointer<Int64>
    ) {
        for index in 0..<count {
            let word = unsafe origin.loadUnaligned(fromByteOffset: index &* stride, as: Word.self)
            unsafe target[index] =
                base &+ Int64(truncatingIfNeeded: Word(littleEndian: word) & mask)
        }
    }

    private func picked(
        _ buffer: UnsafeRawBufferPointer, _ base: Int64, at places: [Int]
    ) -> [Int64] {
        places.map { base &+ Int64(bitPattern: unsafe load(buffer, start + $0 * width)) }
    }

    @inline(__always)
    private func load(_ buffer: UnsafeRawBufferPointer, _ place: Int) -> UInt64 {
        if place + 8 <= buffer.count {
            let word = unsafe buffer.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            return UInt64(littleEndian: word) & (.max >> UInt64(64 - 8 * width))
        }
        var word: UInt64 = 0
        for index in 0..<width { word |= UInt64(unsafe buffer[place + index]) << UInt64(8 * index) }
        return word
    }
}

/// Writing.
extension Column {
    /// - Parameter offset: is taken off each.
    static func write(
        _ values: [Int64], above offset: Int64 = 0, to writer: inout ByteWriter
    ) {
        let (low, high) = (values.min() ?? 0, values.max() ?? 0)
        let range = UInt64(bitPattern: high) &- UInt64(bitPattern: low)
        let width = (71 - range.leadingZeroBitCount) / 8
        writer.signed(low &- offset)
        writer.byte(UInt8(width))
        guard width > 0 else { return }
        // Each value is written as eight bytes, of which the next one overwrites what is too much.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: values.count * width + 8) {
            buffer, count in
            let buffer = UnsafeMutableRawBufferPointer(buffer)
            var place = 0
            for value in values {
                let above = UInt64(bitPattern: value) &- UInt64(bitPattern: low)
                unsafe buffer.storeBytes(
                    of: above.littleEndian, toByteOffset: place, as: UInt64.self)
                place &+= width
            }
            count = place
        }
        writer.append(bytes)
    }
}
