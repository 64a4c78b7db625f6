import CZlib
package import MeterstoneCore

/// A workbook of one sheet as Excel reads it: Office Open XML (ECMA-376) in a ZIP archive.
///
/// Debian's library for it comes as a shared object alone, and the program is to be one file. What a table
/// needs of the format is five small parts; a test has another program read them.
package enum Workbook {
    package enum Cell {
        case text(String)
        case number(Double)
        case time(Instant)
    }

    /// So many UTF-16 code units a cell holds. Excel calls a file with more in one damaged.
    static let textMax = 32_767

    package static let type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    package static func bytes(
        sheet name: String, head: [String], _ rows: [[Cell]]
    ) -> [UInt8] {
        var archive = ZipArchive()
        for (path, text) in parts(name) { archive.add(path, Array(text.utf8)) }
        archive.add("xl/worksheets/sheet1.xml", sheet(head, rows))
        return archive.finish()
    }

    private static func sheet(_ head: [String], _ rows: [[Cell]]) -> [UInt8] {
        var text = xml + #"<worksheet xmlns="\#(main)"><sheetViews><sheetView workbookViewId="0">"#
        text += #"<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>"#
        text += "</sheetView></sheetViews><sheetData>"
        text += row(head.map { .text($0) }, style: 1)
        for cells in rows { text += row(cells) }
        return Array((text + "</sheetData></worksheet>").utf8)
    }

    private static func row(_ cells: [Cell], style: Int = 0) -> String {
        "<row>"
            + cells.map { cell in
                switch cell {
                case .number(let value):
                    let number = Int64(exactly: value).map { String($0) } ?? String(value)
                    return "<c s=\"\(style)\"><v>\(number)</v></c>"
                case .time(let instant):
                    // Days since the end of 1899, with the day that 1900 did not have.
                    let days = Double(instant.millisecondsSince1970) / 86_400_000 + 25_569
                    return "<c s=\"2\"><v>\(days)</v></c>"
                case .text(let text):
                    return "<c s=\"\(style)\" t=\"inlineStr\"><is><t xml:space=\"preserve\">"
                        + "\(shortened(text).inXML)</t></is></c>"
                }
            }.joined() + "</row>"
    }

    /// What a cell has no room for is left out, and an ellipsis stands in its place.
    private static func shortened(_ text: String) -> String {
        guard text.utf8.count > textMax, text.utf16.count > textMax else { return text }
        var left = textMax - 1
        let kept = text.unicodeScalars.prefix { scalar in
            left -= scalar.utf16.count
            return left >= 0
        }
        return String(kept) + "…"
    }

    // MARK: Parts that are always the same

    private static let xml = #"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#
    private static let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    private static let office =
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    private static let package = "http://schemas.openxmlformats.org/package/2006"

    private static func parts(_ name: String) -> [(path: String, text: String)] {
        let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
        // A sheet's name has at most 31 characters, and none of these.
        let sheet = String(name.filter { !"[]:*?/\\'".contains($0) }.prefix(31))
        func part(_ path: String, _ type: String) -> String {
            #"<Override PartName="/\#(path)" ContentType="\#(kind).\#(type)+xml"/>"#
        }
        func relations(_ items: [(type: String, target: String)]) -> String {
            xml + #"<Relationships xmlns="\#(package)/relationships">"#
                + items.enumerated().map { index, item in
                    #"<Relationship Id="r\#(index + 1)" Type="\#(office)/\#(item.type)" "#
                        + #"Target="\#(item.target)"/>"#
                }.joined() + "</Relationships>"
        }
        return [
            (
                "[Content_Types].xml",
                xml + #"<Types xmlns="\#(package)/content-types">"#
                    + #"<Default Extension="rels" "#
                    + #"ContentType="application/vnd.openxmlformats-package.relationships+xml"/>"#
                    + part("xl/workbook.xml", "sheet.main")
                    + part("xl/worksheets/sheet1.xml", "worksheet")
                    + part("xl/styles.xml", "styles") + "</Types>"
            ),
            ("_rels/.rels", relations([("officeDocument", "xl/workbook.xml")])),
            (
                "xl/_rels/workbook.xml.rels",
                relations([("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml")])
            ),
            (
                "xl/workbook.xml",
                xml + #"<workbook xmlns="\#(main)" xmlns:r="\#(office)"><sheets>"#
                    + #"<sheet name="\#(sheet.isEmpty ? "Sheet" : sheet.inXML)" sheetId="1" r:id="r1"/>"#
                    + "</sheets></workbook>"
            ),
            ("xl/styles.xml", xml + styles),
        ]
    }

    /// Plain, a head in bold, and a time.
    private static let styles =
        #"<styleSheet xmlns="\#(main)"><numFmts count="1"><numFmt numFmtId="164" "#
        + #"formatCode="yyyy\-mm\-dd\ hh:mm:ss"/></numFmts>"#
        + #"<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>"#
        + #"<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>"#
        + #"<fills count="2"><fill><patternFill patternType="none"/></fill>"#
        + #"<fill><patternFill patternType="gray125"/></fill></fills>"#
        + "<borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>"
        + #"<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>"#
        + #"<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>"#
        + #"<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>"#
        + #"<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>"#
        + #"</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/>"#
        + "</cellStyles></styleSheet>"
}

/// Files one after the other, deflated (APPNOTE.TXT of PKWARE, 4.3). Small enough for memory.
struct ZipArchive {
    private var bytes: [UInt8] = []
    private var directory: [UInt8] = []
    private var count: UInt16 = 0

    mutating func add(_ path: String, _ content: [UInt8]) {
        let packed = Self.deflated(content)
        let start = UInt32(bytes.count)
        var entry: [UInt8] = []
        // What it takes to unpack, names in UTF-8, deflated, and the first day that the format knows.
        for word: UInt16 in [20, 0x0800, 8, 0, 0x21] { entry.append(word) }
        let sum = unsafe crc32(0, content, UInt32(content.count))
        entry.append(UInt32(truncatingIfNeeded: sum))
        entry.append(UInt32(packed.count))
        entry.append(UInt32(content.count))
        entry.append(UInt16(path.utf8.count))
        entry.append(UInt16(0))
        bytes.append(UInt32(0x0403_4b50))
        bytes += entry + Array(path.utf8) + packed
        directory.append(UInt32(0x0201_4b50))
        directory.append(UInt16(20))
        directory += entry
        // No remark, on the first disk, no attributes.
        for word: UInt16 in [0, 0, 0, 0, 0] { directory.append(word) }
        directory.append(start)
        directory += Array(path.utf8)
        count += 1
    }

    mutating func finish() -> [UInt8] {
        var end: [UInt8] = []
        end.append(UInt32(0x0605_4b50))
        for word: UInt16 in [0, 0, count, count] { end.append(word) }
        end.append(UInt32(directory.count))
        end.append(UInt32(bytes.count))
        end.append(UInt16(0))
        return bytes + directory + end
    }

    /// The stream of zlib has two bytes before what a ZIP archive holds, and four after it.
    private static func deflated(_ content: [UInt8]) -> [UInt8] {
        var count = compressBound(UInt(content.count))
        var packed = [UInt8](repeating: 0, count: Int(count))
        let result = unsafe packed.withUnsafeMutableBufferPointer { packed in
            unsafe compress(packed.baseAddress, &count, content, UInt(content.count))
        }
        precondition(result == Z_OK, "the room that zlib asked for is enough")
        return Array(packed[2..<Int(count) - 4])
    }
}

extension [UInt8] {
    /// The low byte first.
    fileprivate mutating func append(_ number: some FixedWidthInteger & UnsignedInteger) {
        for shift in stride(from: 0, to: number.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}

extension String {
    /// As text of XML, without the characters that XML 1.0 does not know.
    fileprivate var inXML: String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
            case "\u{0}"..<" ", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
