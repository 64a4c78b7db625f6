import MeterstoneCore
import Testing

@Suite struct AddressRangeTests {
    @Test(arguments: [
        ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false),
        ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.0", false),
        ("10.1.2.3/8", "10.9.9.9", true), ("0.0.0.0/0", "8.8.8.8", true),
        ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "8.8.8.8", true),
        ("2001:db8::/32", "2001:db8:1::7", true), ("2001:db8::/32", "2001:db9::", false),
        ("::1", "0:0:0:0:0:0:0:1", true), ("::ffff:192.0.2.7", "192.0.2.7", true),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", true), ("1::8", "1:0:0:0:0:0:0:8", true),
        ("::ffff:10.0.0.0/104", "10.7.7.7", true),
    ])
    func `a range holds the addresses that begin like it`(
        range: String, address: String, isWithin: Bool
    ) throws {
        let range = try #require(AddressRange(range))
        let address = try #require(AddressRange(address))
        #expect(range.contains(address) == isWithin)
    }

    @Test(arguments: [
        "", "10.0.0", "10.0.0.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.0/33", "10.0.0.0/-1",
        "10.0.0.0/08", "10.0.0.0/8/8", "::/129", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
        "12345::", "g::", "+1::", "localhost", ":", ":::", "1:2:3:4:5:6:7:8::",
    ])
    func `what is no address is none`(text: String) {
        #expect(AddressRange(text) == nil)
    }
}
