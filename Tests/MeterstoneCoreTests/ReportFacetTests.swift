import MeterstoneCore
import Testing

@Suite struct ReportFacetTests {
    @Test(
        arguments: [
            ("type", .type), ("subtype", .subtype), ("status", .status), ("source", .source),
            ("plan", .plan), ("model", .dimension("model")),
            ("category", .dimension("category")), ("dimension:type", .dimension("type")),
            ("dimension:a:b", .dimension("a:b")),
        ] as [(String, ReportFacet)])
    func `a text names a facet`(text: String, facet: ReportFacet) {
        #expect(ReportFacet(text) == facet)
    }

    @Test(arguments: ["", "Type", "color", "dimension", "dimension:", "dimension:\n"])
    func `other texts name none`(text: String) {
        #expect(ReportFacet(text) == nil)
    }
}
