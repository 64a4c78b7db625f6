/// What subjects did, and documents of it.
extension OpenAPISchemas {
    static let subjectStatistics: [(name: String, schema: String)] = [
        ("QuantitiesByName", #"{"type":"object","additionalProperties":{"type":"integer"}}"#),
        ("UsageBody", usageBody),
    ]

    private static let usageBody = #"""
        {"anyOf":[
         {"type":"object","required":["quantities"],"additionalProperties":false,"properties":{
          "id":{"$ref":"OptionalName"},"occurredAt":{"$ref":"OptionalInstant"},
          "quantities":{"type":"object","minProperties":1,"maxProperties":64,
           "propertyNames":{"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
           "additionalProperties":{"$ref":"Quantity"}}}},
         {"type":"object","minProperties":1,"propertyNames":{"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
          "properties":{"id":{"$ref":"OptionalName"},"occurredAt":{"$ref":"OptionalInstant"},
          "quantities":{"type":"null"}},"additionalProperties":{"$ref":"OptionalQuantity"}}]}
        """#
}
