import Hummingbird

/// What Hummingbird does with a request of the same shape and nothing behind it: decode, answer.
struct Question: Decodable {
    var subject: String
    var meter: String
    var quantity: Int
}

struct Answer: ResponseEncodable {
    var allowed: Bool
    var subject: String
    var used: Int
    var remaining: Int
}

let port = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 8081 : 8081
let router = Router()
router.post("consume") { request, context in
    let question = try await request.decode(as: Question.self, context: context)
    return Answer(allowed: true, subject: question.subject, used: question.quantity, remaining: 9)
}
let application = Application(
    router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)))
try await application.runService()
