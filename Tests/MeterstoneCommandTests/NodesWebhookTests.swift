import MeterstoneTesting
import Testing

extension NodesTests {
    @Test func `of two nodes one sends what fires, and the other goes on when it is gone`() throws {
        let nodes = try Nodes(
            2, on: .shared(), ["METERSTONE_WEBHOOK_PRIVATE_ADDRESSES": "true"])
        defer { nodes.stop() }
        let receiver = try WebhookReceiver()
        defer { receiver.stop() }
        try nodes.define(allowance: 1)
        try nodes.ask(
            0, "PUT", "/v1/webhooks/ops", #"{"url":"http://127.0.0.1:\#(receiver.port)/usage"}"#)
        try nodes.ask(0, "PUT", "/v1/alerts/full", #"{"usedPercent":[100]}"#)
        // Whoever uses one has used up the limit, at either node.
        let connections = (0..<2).map(nodes.connection)
        for number in 0..<40 {
            let answer = try connections[number % 2].consume("user-\(number)", "e\(number)")
            #expect(answer.status == 200)
        }
        #expect(receiver.waitFor(40), "\(nodes.log(0)) \(nodes.log(1))")
        #expect(receiver.ids.count == 40, "each came once: \(receiver.ids)")
        nodes.crash(0)
        for number in 40..<60 {
            #expect(try connections[1].consume("user-\(number)", "e\(number)").status == 200)
        }
        #expect(receiver.waitFor(60), "\(nodes.log(1))")
        try nodes.expectClean()
    }
}
