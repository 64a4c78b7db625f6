import MeterstoneAPI

/// Tracked requests and the dashboard of a user.
extension OpenAPISchemas {
    static let requests: [(name: String, schema: String)] = [
        (
            "ChatNumber",
            #"{"type":["integer","null"],"minimum":0,"maximum":1000000000000}"#
        ),
        (
            "ChatText",
            #"""
            {"type":["string","null"],"minLength":1,"maxLength":255,"pattern":"^[^\u0000]*$"}
            """#
        ),
        (
            "ChatRequestStart",
            #"""
            {"type":"object","required":["prompt","sessionId"],"additionalProperties":false,
             "properties":{"prompt":{"$ref":"Text"},"sessionId":{"$ref":"Name"},
             "model":{"$ref":"OptionalName"},"requestType":{"$ref":"OptionalName"},
             "category":{"$ref":"OptionalName"},"complexity":{"$ref":"OptionalName"},
             "userId":{"$ref":"OptionalName"},"requestId":{"$ref":"OptionalName"},
             "estimatedTokens":{"$ref":"ChatNumber"},
             "expiresInSeconds":{"type":["integer","null"],"minimum":1,"maximum":2592000},
             "onExpiry":{"enum":["release","charge","chargeReported",null]},
             "onAbort":{"enum":["nothing","told","reserved",null]},
             "abortMinimumTokens":{"$ref":"ChatNumber"},
             "levels":{"type":["array","null"],"maxItems":8,"uniqueItems":true,
              "items":{"$ref":"Name"}},"ipAddress":{"$ref":"ChatText"},
             "userAgent":{"type":["string","null"],"maxLength":1024,"pattern":"^[^\u0000]*$"}}}
            """#
        ),
        Shapes.schema(Shapes.chatStarted),
        (
            "ChatRequestEnd",
            #"""
            {"type":"object","required":["requestId"],"additionalProperties":false,
             "properties":{"requestId":{"$ref":"Name"},
             "status":{"enum":["completed","failed","cancelled",null]},
             "userId":{"$ref":"OptionalName"},"response":{"$ref":"OptionalText"},
             "tokensUsed":{"$ref":"ChatNumber"},"tokensInput":{"$ref":"ChatNumber"},
             "tokensOutput":{"$ref":"ChatNumber"},"cachedTokens":{"$ref":"ChatNumber"},
             "reasoningTokens":{"$ref":"ChatNumber"},
             "cacheWriteTokens":{"$ref":"ChatNumber"},"cacheWriteLongTokens":{"$ref":"ChatNumber"},
             "audioInputTokens":{"$ref":"ChatNumber"},"audioOutputTokens":{"$ref":"ChatNumber"},
             "images":{"$ref":"ChatNumber"},"tokensTold":{"enum":["inside","beside",null]},
             "processing":{"enum":["standard","batch",null]},
             "cost":{"$ref":"ChatNumber","description":"In cents."},
             "duration":{"$ref":"ChatNumber","description":"In milliseconds."},
             "error":{"$ref":"OptionalText"},"errorMessage":{"$ref":"OptionalText"},
             "userRating":{"type":["integer","null"],"minimum":1,"maximum":5}}}
            """#
        ),
        ("TrackedRequest", trackedRequest),
        (
            "TrackedRequests",
            #"{"type":"array","items":{"$ref":"TrackedRequest"}}"#
        ),
        (
            "RequestList",
            #"""
            {"type":"object","required":["requests","nextCursor"],"additionalProperties":false,
             "properties":{"requests":{"$ref":"TrackedRequests"},
             "nextCursor":{"type":["string","null"]}}}
            """#
        ),
        (
            "UnpricedRequests",
            #"""
            {"type":"object","required":["unpriced","requests"],"additionalProperties":false,
             "properties":{"unpriced":{"type":"integer","minimum":0},
             "requests":{"$ref":"TrackedRequests"}}}
            """#
        ),
        (
            "UserDashboardBody",
            #"""
            {"type":"object","additionalProperties":false,
             "properties":{"userId":{"$ref":"OptionalName"}}}
            """#
        ),
        Shapes.schema(Shapes.dashboard),
    ]

    private static let trackedRequest = #"""
        {"type":"object","required":["requestId","userId","status","startedAt"],
         "additionalProperties":false,"properties":{"requestId":{"$ref":"Name"},
         "userId":{"$ref":"Name"},"status":{"enum":["pending","completed","failed","cancelled"]},
         "sessionId":{"$ref":"Name"},"prompt":{"$ref":"Text"},"response":{"$ref":"Text"},
         "model":{"$ref":"Name"},"requestType":{"$ref":"Text"},"category":{"$ref":"Text"},
         "complexity":{"$ref":"Text"},"estimatedTokens":{"$ref":"Quantity"},
         "tokensUsed":{"$ref":"Quantity"},"tokensInput":{"$ref":"Quantity"},
         "tokensOutput":{"$ref":"Quantity"},"cachedTokens":{"$ref":"Quantity"},
         "reasoningTokens":{"$ref":"Quantity"},
         "otherTokens":{"type":"object","additionalProperties":false,"properties":{
          "cacheWrite":{"$ref":"Quantity"},"cacheWriteLong":{"$ref":"Quantity"},
          "audioInput":{"$ref":"Quantity"},"audioOutput":{"$ref":"Quantity"},
          "images":{"$ref":"Quantity"},"batch":{"type":"boolean"}}},
         "cost":{"type":"integer","description":"In cents, rounded."},
         "costMillionths":{"type":"integer"},"costSource":{"enum":["given","priced","estimated"]},
         "duration":{"$ref":"Quantity"},"error":{"$ref":"Text"},
         "userRating":{"type":"integer","minimum":1,"maximum":5},"ipAddress":{"$ref":"Text"},
         "userAgent":{"$ref":"Text"},"startedAt":{"$ref":"Instant"},
         "completedAt":{"$ref":"Instant"}}}
        """#
}
