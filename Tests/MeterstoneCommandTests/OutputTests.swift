import MeterstoneCommand
import MeterstoneImport
import MeterstoneStore
import Testing

@Suite struct TextTableTests {
    @Test func `columns are as wide as their widest cell, numbers to the right`() {
        var table = TextTable(["subject", "used>", "note"])
        table.add(["ann", "5", ""])
        table.add(["barbara-anne", "12345", "late"])
        #expect(
            table.text == """
                subject        used  note
                ------------  -----  ----
                ann               5
                barbara-anne  12345  late
                """)
    }

    @Test func `a table without rows has its titles`() {
        #expect(TextTable(["a", "b>"]).text == "a  b\n-  -")
        #expect(TextTable(["a"]).isEmpty)
    }

    @Test func `characters count, not bytes`() {
        var table = TextTable(["name", "x"])
        table.add(["Zoë 日本", "1"])
        #expect(table.text == "name    x\n------  -\nZoë 日本  1")
    }
}

@Suite struct ProgressBarTests {
    private func line(_ rows: Int, _ bytesRead: Int, _ bytesTotal: Int?) -> String {
        let start = ContinuousClock.now
        let progress = ImportProgress(rows: rows, bytesRead: bytesRead, bytesTotal: bytesTotal)
        return ProgressBar(name: "a.csv", start: start).line(progress, at: start + .seconds(2))
    }

    @Test(arguments: [
        (0, 0, "a.csv [--------------------------------]   0%  0 rows  0/s"),
        (200, 25, "a.csv [########------------------------]  25%  200 rows  100/s"),
        (900, 100, "a.csv [################################] 100%  900 rows  450/s"),
        (900, 999, "a.csv [################################] 100%  900 rows  450/s"),
    ])
    func `the bar shows bytes, the numbers rows`(rows: Int, bytes: Int, expected: String) {
        #expect(line(rows, bytes, 100) == expected)
    }

    @Test func `a pipe has no end that could be shown`() {
        #expect(line(200, 25, nil) == "a.csv  200 rows  100/s")
        #expect(line(0, 0, 0) == "a.csv  0 rows  0/s")
    }
}

@Suite struct ProgramExitTests {
    @Test(
        arguments: [
            (.diskFull, .inputOutput), (.inputOutput, .inputOutput), (.halted, .inputOutput),
            (.corrupt, .badData), (.schemaTooNew, .badData), (.locked, .unavailable),
            (.outcomeUnknown, .temporaryFailure), (.overloaded, .temporaryFailure),
            (.misuse, .software), (.closed, .software),
        ] as [(StoreError.Code, ProgramExit)])
    func `a failure of the store has this exit code`(code: StoreError.Code, status: ProgramExit) {
        let failure = CommandFailure(StoreError(code: code, message: "why"))
        #expect(failure == CommandFailure(status, "why"))
    }

    @Test func `exit codes are those that the documentation lists`() {
        #expect(ProgramExit.allCases.map(\.rawValue) == [0, 1, 64, 65, 69, 70, 74, 75])
    }

    @Test(arguments: [
        ("a.csv", ImportFormat.csv), ("a.CSV.gz", .csv), ("x/a.ndjson", .ndjson),
        ("a.jsonl.gz", .ndjson), ("access.log.gz", .accessLog),
    ])
    func `a file's name tells its format`(name: String, format: ImportFormat) {
        #expect(ImportFormat(fileName: name) == format)
    }

    @Test(arguments: ["-", "a.gz", "csv", "a.txt"])
    func `other names tell nothing`(name: String) {
        #expect(ImportFormat(fileName: name) == nil)
    }
}
