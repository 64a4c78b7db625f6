extension [UInt8] {
    /// The text without the mark that some programs put before UTF-8.
    ///
    /// It is no part of JSON and of no other format of ours, and means nothing. Every door takes it off
    /// before it reads; offsets in messages count from behind it.
    package var withoutByteOrderMark: [UInt8] {
        starts(with: [0xEF, 0xBB, 0xBF]) ? Array(dropFirst(3)) : self
    }
}
