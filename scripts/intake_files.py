"""Write the files that the reading of uploaded files is tested with: `python scripts/intake_files.py [FOLDER]`.

Each file comes with what must become of it; the table of that is `outcomes.toml` beside the files. The default
folder is `tests/files`. A file that is never the same twice (an encrypted one) is kept when it is there already.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from io import BytesIO, StringIO
from pathlib import Path
from typing import Final, Literal
from xml.sax.saxutils import escape, quoteattr

import msoffcrypto
import xlsxwriter
import xlwt
from xlsxwriter.utility import xl_cell_to_rowcol

FOLDER: Final = Path(__file__).resolve().parent.parent / "tests" / "files"
CREATED: Final = datetime(2026, 11, 1)
MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
PASSWORD: Final = "duijie-2026"  # noqa: S105
MEGABYTE: Final = 1_000_000
SHEET: Final = "xl/worksheets/sheet1.xml"

Kind = Literal["achievements", "demands"]


# --- What a file says ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Formula:
    """A formula and the value that was stored with it, None for none."""

    text: str
    value: str | float | None = None


@dataclass(frozen=True)
class Fault:
    """An error value as a spreadsheet shows it."""

    code: str


Cell = str | int | float | date | datetime | Formula | Fault | None
Rows = list[list[Cell]]


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook; `merged` are ranges as in A1:B2, `choices` a range and where its drop-down values are."""

    name: str
    rows: Rows
    merged: tuple[str, ...] = ()
    hidden: bool = False
    choices: tuple[str, str] | None = None


@dataclass(frozen=True)
class Kept:
    """A file and what must become of it."""

    name: str
    covers: str
    content: Callable[[], bytes]
    outcome: Literal["read", "wrong", "refused"]
    kind: Kind = "achievements"
    refusal: str = ""
    titles: Sequence[str] = ()
    rows_at: Sequence[int] = ()
    sheets_at: Sequence[str] | None = None
    left_out: Sequence[tuple[str, int, str]] = ()
    notes: Sequence[str] = ()
    extras: Sequence[str] | None = None
    wrong: Sequence[tuple[str, int, str, str]] = ()
    values: dict[str, Sequence[object]] = field(default_factory=dict)
    deterministic: bool = True


# --- Records ---------------------------------------------------------------------------------------------------

ACHIEVEMENT_HEADINGS: Final = (
    "登记号",
    "成果名称",
    "完成单位",
    "关键词",
    "成果简介",
    "所处阶段",
    "完成日期",
    "转让价格(万元)",
    "联系人",
    "联系电话",
)
DEMAND_HEADINGS: Final = (
    "需求编号",
    "需求名称",
    "单位名称",
    "所在地区",
    "主要问题",
    "技术指标",
    "关键字",
    "拟投入资金(万元)",
    "需求时限",
    "联系人",
    "联系方式",
)
SHORT: Final = ("登记号", "成果名称", "完成单位")
ABOUT: Final = (
    (
        "大豆籽粒外观品质机器视觉分选设备",
        "示例寒地农业科学院",
        "大豆；外观品质；机器视觉",
        "籽粒经振动供料后滑落，双相机识别虫食、霉变、破碎籽粒，由高速电磁阀吹除；样机累计加工1300吨。",
        "小批量",
        "2022-10-12",
        38,
    ),
    (
        "沼气膜法提纯制生物天然气装置",
        "示例北方工业大学",
        "沼气提纯；膜分离；生物天然气",
        "沼气经湿法脱硫、冷干后进入三级中空纤维膜，渗透气回流以减少逃逸，撬装设计，可在-35℃厂房外布置。",
        "产业化",
        "2022-11-02",
        160,
    ),
    (
        "耐冷木质纤维素分解复合菌系及其培养方法",
        "示例省科学院生物研究所",
        "耐冷菌；木质纤维素；复合菌系",
        "从冻土与林地腐殖层筛得嗜冷菌组合，5～12℃下仍分泌内切葡聚糖酶和漆酶，越冬后茎叶残留减少三分之一。",
        "中试",
        "2024-05-28",
        70,
    ),
    (
        "碳化硅耐热压力传感元件",
        "示例北方工业大学",
        "碳化硅；压力传感；宽温校准",
        "在外延片上刻蚀圆膜与压敏电阻，宽温区自校准，600℃下连续工作500小时漂移小于1%。",
        "小试",
        "2023-06-30",
        95.5,
    ),
    (
        "寒区道路低温快干标线涂料",
        "示例交通科学研究院",
        "标线涂料；低温；快干",
        "以改性丙烯酸树脂为基料，-10℃下15分钟不粘胎，冻融循环200次后附着力保持九成。",
        "中试",
        "2025-03-18",
        45,
    ),
)
FURTHER: Final = (
    "玉米秸秆纤维模压育苗钵",
    "冰雪场地表层硬度检测车",
    "石墨烯改性防腐涂层",
    "高寒地区空气源热泵除霜控制方法",
    "乳清蛋白肽酶解制备工艺",
    "数控机床主轴热误差补偿软件",
    "水稻侧深施肥精量排肥器",
    "油页岩废渣制陶粒工艺",
    "老年人跌倒识别毫米波雷达",
    "人参皂苷定向转化菌株",
    "风电叶片结冰声学监测装置",
    "亚麻短纤维针刺复合板",
    "煤矿井下巷道三维扫描机器人",
    "冷水鱼工厂化循环水养殖系统",
    "树脂基复合材料真空灌注模具",
)
TITLES: Final = (*(about[0] for about in ABOUT), *FURTHER)
DEMANDS: Final[Rows] = [
    [
        "XQ2026001",
        "集中供热二级网按需供热与负荷预测技术",
        "示例煤城热力有限公司",
        "鸡西",
        "换热站96座，按气候补偿曲线人工调节，近端室温达25℃，末端不足18℃，寒潮来临时调节滞后4～6小时。",
        "24h热负荷预测平均误差≤5%；户间室温偏差≤±1.5℃",
        "集中供热；负荷预测；节能",
        180,
        "2027-09-30",
        "赵某某",
        "0467-00000001",
    ],
    [
        "XQ2026002",
        "室内滑雪训练用虚拟仿真系统",
        "示例寒地文旅科技有限公司",
        "哈尔滨",
        "现有设备坡度和离心感不真实，画面与动作不同步，约三成游客体验5分钟后眩晕。",
        "运动自由度≥6；动作到画面延迟≤25ms",
        "虚拟现实；滑雪模拟",
        130,
        "2027-11-30",
        "韩某",
        "0451-00000002",
    ],
    [
        "XQ2026003",
        "适应黑土区低温的玉米秸秆还田快腐菌剂",
        "示例垦区生态农业有限公司",
        "佳木斯",
        "10月下旬至翌年4月地温长期在0～10℃，普通腐熟剂基本不起作用，春播时仍有大量未分解的秸秆。",
        "10℃下60天失重率≥35%；有效活菌≥2亿/g",
        "秸秆还田；低温菌剂",
        90,
        "2028-04-30",
        "孙某某",
        "0454-00000003",
    ],
    [
        "XQ2026004",
        "铸钢件表面缺陷在线检测",
        "示例重型铸造有限公司",
        "齐齐哈尔",
        "人工目视漏检率约8%，粉尘大、反光强，现有相机误报多。",
        "漏检率≤1%；单件检测时间≤20s",
        "铸钢件；缺陷检测；机器视觉",
        220,
        "2027-06-30",
        "周某",
        "0452-00000004",
    ],
]
DEMAND_TITLES: Final = tuple(str(row[1]) for row in DEMANDS)


def achievement(number: int) -> dict[str, Cell]:
    """The achievement of that number, from 0."""
    title, institute, keywords, summary, stage, completed, price = (
        ABOUT[number] if number < len(ABOUT) else (TITLES[number], *ABOUT[number % len(ABOUT)][1:])
    )
    return {
        "登记号": f"CG2026{number + 1:03}",
        "成果名称": title,
        "完成单位": institute,
        "关键词": keywords,
        "成果简介": summary,
        "所处阶段": stage,
        "完成日期": completed,
        "转让价格(万元)": price,
        "联系人": ("沈某某", "奚某某", "孔某某", "祁某", "毛某某")[number % 5],
        "联系电话": f"0451-{101 + number:08}",
    }


def body(count: int = 4, headings: Sequence[str] = ACHIEVEMENT_HEADINGS, start: int = 0) -> Rows:
    """Records without a heading row."""
    return [[achievement(number)[heading] for heading in headings] for number in range(start, start + count)]


def achievements(count: int = 4, headings: Sequence[str] = ACHIEVEMENT_HEADINGS, start: int = 0) -> Rows:
    """A heading row and records."""
    return [[*headings], *body(count, headings, start)]


def demands(count: int = 4) -> Rows:
    """A heading row and demands."""
    return [[*DEMAND_HEADINGS], *([*row] for row in DEMANDS[:count])]


def beside(heading: str, cells: Sequence[Cell]) -> Rows:
    """A short list of achievements with one more column, a record for each of its cells."""
    return [[*SHORT, heading], *([*row, cell] for row, cell in zip(body(len(cells), SHORT), cells, strict=True))]


def changed(rows: Rows, *changes: tuple[int, int, Cell]) -> Rows:
    """The rows with other cells at (row from 1, column from 1)."""
    copy = [[*row] for row in rows]
    for row, column, cell in changes:
        copy[row - 1][column - 1] = cell
    return copy


# --- Files of text ---------------------------------------------------------------------------------------------


def separated(rows: Rows, delimiter: str = ",", encoding: str = "utf-8-sig", line_end: str = "\r\n") -> bytes:
    """Rows as separated text; `utf-16-le-bom` and `utf-16-be-bom` begin with their mark."""
    target = StringIO()
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    csv.writer(target, delimiter=delimiter, lineterminator=line_end).writerows(texts)
    if encoding.endswith("-bom"):
        return ("\ufeff" + target.getvalue()).encode(encoding.removesuffix("-bom"))
    return target.getvalue().encode(encoding)


def web_page(encoding: str, start: str = "") -> bytes:
    """A table as a web page, as information systems export it under the name of a workbook."""
    rows = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in achievements(3))
    head = f'<head><meta http-equiv="Content-Type" content="text/html; charset={encoding}"></head>'
    return f"{start}<html>{head}<body><table>{rows}</table></body></html>".encode(encoding)


# --- Zip archives ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """An entry of an archive as it is stored; `size` and `crc` may be untrue."""

    name: str
    data: bytes
    method: int
    crc: int
    size: int


def stored(name: str, content: bytes | str) -> Part:
    """A part that is not compressed, so that no version of zlib makes another file of it."""
    data = content.encode() if isinstance(content, str) else content
    return Part(name, data, zipfile.ZIP_STORED, zlib.crc32(data), len(data))


def squeezed(name: str, start: str, block: bytes, times: int, end: str) -> Part:
    """A compressed part that says the same many times over; the repeated block is compressed once."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)

    def compressed(data: bytes) -> bytes:
        return deflate.compress(data) + deflate.flush(zlib.Z_FULL_FLUSH)

    data = compressed(start.encode()) + compressed(block) * times + compressed(end.encode()) + deflate.flush()
    crc = zlib.crc32(start.encode())
    for _ in range(times):
        crc = zlib.crc32(block, crc)
    size = len(start.encode()) + len(block) * times + len(end.encode())
    return Part(name, data, zipfile.ZIP_DEFLATED, zlib.crc32(end.encode(), crc), size)


def packed(parts: Iterable[Part]) -> bytes:
    """An archive in which every entry has the first moment that archives know."""
    target, directory, count = BytesIO(), [], 0
    day = (1 << 5) | 1
    for part in parts:
        name = part.name.encode()
        about = struct.pack(
            "<HHHHHIIIHH", 20, 0x800, part.method, 0, day, part.crc, len(part.data), part.size, len(name), 0
        )
        directory.append(
            struct.pack("<4sH", b"PK\x01\x02", 20) + about + struct.pack("<HHHII", 0, 0, 0, 0, target.tell())
        )
        directory[-1] += name
        target.write(b"PK\x03\x04" + about + name + part.data)
        count += 1
    start, listing = target.tell(), b"".join(directory)
    return (
        target.getvalue()
        + listing
        + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(listing), start, 0)
    )


def unpacked(content: bytes) -> dict[str, bytes]:
    """The parts of an archive by name."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(parts: dict[str, bytes]) -> bytes:
    """An archive of parts that are not compressed."""
    return packed(stored(name, content) for name, content in parts.items())


# --- Workbooks -------------------------------------------------------------------------------------------------


def xlsx(*sheets: Sheet, date_1904: bool = False) -> bytes:
    """A workbook as an office program writes it."""
    target = BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "default_date_format": "yyyy-mm-dd"}
    book = xlsxwriter.Workbook(target, {**options, "date_1904": date_1904})
    book.set_properties({"created": CREATED})
    frame = book.add_format({"border": 1, "text_wrap": True})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    without_value = "\u2205"
    for sheet in sheets:
        table = book.add_worksheet(sheet.name)
        for merged in sheet.merged:
            table.merge_range(merged, "", frame)
        for row, cells in enumerate(sheet.rows):
            for column, cell in enumerate(cells):
                match cell:
                    case None | "":
                        continue
                    case Formula(text, value):
                        table.write_formula(row, column, text, None, without_value if value is None else value)
                    case Fault(code):
                        table.write_formula(row, column, f"={code}", None, code)
                    case datetime():
                        table.write_datetime(row, column, cell, moment)
                    case date():
                        table.write_datetime(row, column, cell)
                    case int() | float():
                        table.write_number(row, column, cell)
                    case str():
                        table.write_string(row, column, cell)
        if sheet.choices:
            table.data_validation(sheet.choices[0], {"validate": "list", "source": sheet.choices[1]})
        if sheet.hidden:
            table.hide()
    book.close()
    parts = unpacked(target.getvalue())
    valueless = re.compile(f' t="str">(<f>[^<]*</f>)<v>{without_value}</v>')
    for name in parts:
        if name.startswith("xl/worksheets/"):
            parts[name] = valueless.sub(r">\1", parts[name].decode()).encode()
    return repacked(parts)


def book_of(rows: Rows, *merged: str, name: str = "Sheet1") -> bytes:
    """A workbook of one sheet."""
    return xlsx(Sheet(name, rows, merged))


def replaced(content: bytes, part: str, old: str, new: str) -> bytes:
    """A workbook with another text in one of its parts."""
    parts = unpacked(content)
    before = parts[part].decode()
    if old not in before:
        raise ValueError(f"{part} has no {old}")
    parts[part] = before.replace(old, new).encode()
    return repacked(parts)


def with_empty_texts() -> bytes:
    """Formulas that give the empty text, stored as Excel stores it."""
    formula = Formula('=IF(Z1="","",Z1)', "")
    content = book_of(changed(achievements(3), (2, 8, formula), (3, 7, formula)))
    for place in ("H2", "G3"):
        content = replaced(content, SHEET, f'<c r="{place}">', f'<c r="{place}" t="str">')
    return content


def with_styled_blanks() -> bytes:
    """Formulas without a value and an error, each behind a blank cell that has a border; one has an empty value."""
    rows = changed(
        achievements(5),
        *((row, 7, None) for row in (3, 4, 5)),
        (3, 8, Formula("=19*2")),
        (4, 8, Fault("#REF!")),
        (5, 8, Formula("=19*5")),
    )
    content = book_of(rows, name="成果")
    for row in (3, 4, 5):
        content = replaced(content, SHEET, f'<c r="H{row}"', f'<c r="G{row}" s="1"/><c r="H{row}"')
    return replaced(content, SHEET, "<f>19*5</f>", "<f>19*5</f><v></v>")


def handmade(sheet: Part | str, shared: Part | str = "", *further: Part) -> bytes:
    """The least a workbook is made of, from the XML of its one sheet and of its shared texts."""
    if isinstance(sheet, str):
        sheet = stored(SHEET, XML + sheet)
    if isinstance(shared, str):
        shared = stored("xl/sharedStrings.xml", XML + (shared or f'<sst xmlns="{MAIN}"/>'))
    spreadsheet = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    types = "".join(
        f'<Override PartName="/xl/{part}.xml" ContentType="{spreadsheet}.{kind}+xml"/>'
        for part, kind in (
            ("workbook", "sheet.main"),
            ("worksheets/sheet1", "worksheet"),
            ("sharedStrings", "sharedStrings"),
        )
    )
    return packed(
        [
            stored(
                "[Content_Types].xml",
                f'{XML}<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
                '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                f"{types}</Types>",
            ),
            stored("_rels/.rels", relations(("officeDocument", "xl/workbook.xml"))),
            stored(
                "xl/workbook.xml",
                f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
                '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
            ),
            stored(
                "xl/_rels/workbook.xml.rels",
                relations(("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "sharedStrings.xml")),
            ),
            shared,
            sheet,
            *further,
        ]
    )


def relations(*targets: tuple[str, str]) -> str:
    """A part that says which parts belong to which."""
    lines = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{lines}</Relationships>'


def worksheet(rows: Rows, before: str = "", inside: str = "") -> str:
    """The XML of a sheet with its texts inside the cells; `before` stands above its rows, `inside` as one more row."""
    lines = []
    for row, cells in enumerate(rows, start=1):
        texts = "".join(xml_cell(f"{chr(64 + column)}{row}", cell) for column, cell in enumerate(cells, start=1))
        lines.append(f'<row r="{row}">{texts}</row>')
    return f'<worksheet xmlns="{MAIN}">{before}<sheetData>{"".join(lines)}{inside}</sheetData></worksheet>'


def xml_cell(place: str, cell: Cell) -> str:
    """A cell of a sheet: a number, or a text inside it."""
    if cell is None:
        return ""
    if isinstance(cell, int | float):
        return f'<c r="{place}"><v>{cell}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(str(cell))}</t></is></c>'


def xls(*sheets: Sheet) -> bytes:
    """A workbook of the old binary format."""
    target = BytesIO()
    old_book(*sheets).save(target)
    return target.getvalue()


def old_book(*sheets: Sheet) -> xlwt.Workbook:
    """A workbook of the old binary format, not yet written."""
    book = xlwt.Workbook(encoding="utf-8")
    day, moment = xlwt.easyxf(num_format_str="yyyy-mm-dd"), xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm")
    plain = xlwt.easyxf()
    for sheet in sheets:
        table = book.add_sheet(sheet.name)
        covered = set()
        for merged in sheet.merged:
            (top, left), (bottom, right) = map(xl_cell_to_rowcol, merged.split(":"))
            covered |= {(row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)}
            table.write_merge(top, bottom, left, right, sheet.rows[top][left])
        for row, cells in enumerate(sheet.rows):
            for column, cell in enumerate(cells):
                if cell in (None, "") or (row, column) in covered:
                    continue
                if isinstance(cell, Fault):
                    table.row(row).set_cell_error(column, cell.code)
                else:
                    style = moment if isinstance(cell, datetime) else day if isinstance(cell, date) else plain
                    table.write(row, column, cell, style)
        table.visibility = int(sheet.hidden)
    return book


def xls_encrypted() -> bytes:
    """A workbook of the old binary format whose records are encrypted with RC4 and a password."""
    plain = old_book(Sheet("成果", achievements(3))).get_biff_data()
    salt, verifier = (hashlib.md5(text, usedforsecurity=False).digest() for text in (b"salt", b"verifier"))
    start = hashlib.md5(PASSWORD.encode("utf-16-le"), usedforsecurity=False).digest()[:5]
    start = hashlib.md5((start + salt) * 16, usedforsecurity=False).digest()[:5]

    def keystream(block: int, length: int) -> bytes:
        return rc4(hashlib.md5(start + struct.pack("<I", block), usedforsecurity=False).digest(), length)

    digest = hashlib.md5(verifier, usedforsecurity=False).digest()
    proof = bytes(a ^ b for a, b in zip(verifier + digest, keystream(0, 32), strict=True))
    header = struct.pack("<HHHHH", 0x2F, 54, 1, 1, 1) + salt + proof
    first = 4 + struct.unpack_from("<H", plain, 2)[0]
    content, clear, place = bytearray(plain[:first] + header + plain[first:]), [], 0
    while place + 4 <= len(content):
        record, length = struct.unpack_from("<HH", content, place)
        # What stays readable: every record's head, the beginnings of the parts, this header, places of the sheets.
        open_bytes = length if record in (0x809, 0x2F, 0xE1) else 4 if record == 0x85 else 0
        clear.append((place, place + 4 + open_bytes))
        if record == 0x85:
            struct.pack_into("<I", content, place + 4, struct.unpack_from("<I", content, place + 4)[0] + len(header))
        place += 4 + length
    stream = b"".join(keystream(block, 1024) for block in range(len(content) // 1024 + 1))
    hidden = bytearray(a ^ b for a, b in zip(content, stream, strict=False))
    for begin, end in clear:
        hidden[begin:end] = content[begin:end]
    target = BytesIO()
    xlwt.CompoundDoc.XlsDoc().save(target, bytes(hidden))
    return target.getvalue()


def rc4(key: bytes, length: int) -> bytes:
    """The first bytes that RC4 gives for a key."""
    box, j, stream = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    i = j = 0
    for _ in range(length):
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        stream.append(box[(box[i] + box[j]) % 256])
    return bytes(stream)


def xlsx_encrypted() -> bytes:
    """A workbook that a password opens."""
    target = BytesIO()
    msoffcrypto.OfficeFile(BytesIO(book_of(achievements(3)))).encrypt(PASSWORD, target)
    return target.getvalue()


ODF: Final = "urn:oasis:names:tc:opendocument:xmlns"
ODS_TYPE: Final = "application/vnd.oasis.opendocument.spreadsheet"


def ods(*sheets: Sheet) -> bytes:
    """An OpenDocument spreadsheet; like LibreOffice, it declares the blank rest of every sheet as repeated."""
    return ods_of("".join(ods_table(sheet) for sheet in sheets))


def ods_of(tables: str, doctype: str = "", encryption: str = "", content: bytes | None = None) -> bytes:
    """An OpenDocument spreadsheet from the XML of its tables, or from all of its content."""
    spaces = " ".join(f'xmlns:{name}="{ODF}:{name}:1.0"' for name in ("office", "table", "text", "style"))
    styles = "".join(
        f'<style:style style:name="{name}" style:family="table"><style:table-properties table:display="{shown}"/>'
        "</style:style>"
        for name, shown in (("ta1", "true"), ("ta2", "false"))
    )
    document = (
        f'<?xml version="1.0" encoding="UTF-8"?>{doctype}<office:document-content {spaces} office:version="1.2">'
        f"<office:automatic-styles>{styles}</office:automatic-styles><office:body><office:spreadsheet>{tables}"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        f'<?xml version="1.0" encoding="UTF-8"?><manifest:manifest xmlns:manifest="{ODF}:manifest:1.0" '
        f'manifest:version="1.2"><manifest:file-entry manifest:full-path="/" manifest:media-type="{ODS_TYPE}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml">'
        f"{encryption}</manifest:file-entry></manifest:manifest>"
    )
    return packed(
        [
            stored("mimetype", ODS_TYPE),
            stored("content.xml", document if content is None else content),
            stored("META-INF/manifest.xml", manifest),
        ]
    )


def ods_table(sheet: Sheet) -> str:
    """A sheet as XML."""
    spans, covered = {}, set()
    for merged in sheet.merged:
        (top, left), (bottom, right) = map(xl_cell_to_rowcol, merged.split(":"))
        spans[top, left] = (bottom - top + 1, right - left + 1)
        covered |= {(row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)}
        covered.remove((top, left))
    width = max(map(len, sheet.rows), default=1)
    lines = [f'<table:table table:name={quoteattr(sheet.name)} table:style-name="ta{1 + sheet.hidden}">']
    lines.append('<table:table-column table:number-columns-repeated="16384"/>')
    for row, cells in enumerate(sheet.rows):
        padded: list[Cell] = [*cells, *[None] * (width - len(cells))]
        texts = "".join(
            "<table:covered-table-cell/>" if (row, column) in covered else ods_cell(cell, spans.get((row, column)))
            for column, cell in enumerate(padded)
        )
        rest = f'<table:table-cell table:number-columns-repeated="{16384 - width}"/>'
        lines.append(f"<table:table-row>{texts}{rest}</table:table-row>")
    lines.append(f'<table:table-row table:number-rows-repeated="{1048576 - len(sheet.rows)}">')
    lines.append('<table:table-cell table:number-columns-repeated="16384"/></table:table-row></table:table>')
    return "".join(lines)


def ods_cell(cell: Cell, span: tuple[int, int] | None = None) -> str:
    """A cell as XML."""
    about = f' table:number-rows-spanned="{span[0]}" table:number-columns-spanned="{span[1]}"' if span else ""
    match cell:
        case None:
            return f"<table:table-cell{about}/>"
        case datetime() | date():
            about += f' office:value-type="date" office:date-value="{cell.isoformat()}"'
        case int() | float():
            about += f' office:value-type="float" office:value="{cell}"'
        case Formula(text, value):
            about += f' table:formula="of:{escape(text)}" office:value-type="float" office:value="{value}"'
            cell = str(value)
        case _:
            about += ' office:value-type="string"'
    text = "".join(f"<text:p>{escape(line)}</text:p>" for line in str(cell).split("\n"))
    return f"<table:table-cell{about}>{text}</table:table-cell>"


# --- Hostile and broken files ----------------------------------------------------------------------------------


HEAD_ROW: Final = '<row r="1"><c r="A1" t="inlineStr"><is><t>成果名称</t></is></c></row>'
SHEET_START: Final = f'{XML}<worksheet xmlns="{MAIN}"><sheetData>{HEAD_ROW}'
SHEET_END: Final = "</sheetData></worksheet>"


def sheet_bomb(megabytes: int, cell: bytes = b"<c/>") -> Part:
    """A sheet of that size."""
    return squeezed(SHEET, f"{SHEET_START}<row>", cell * (MEGABYTE // len(cell)), megabytes, f"</row>{SHEET_END}")


def long_text(megabytes: int) -> Part:
    """Shared texts of which there is one, of that size."""
    start, end = f'{XML}<sst xmlns="{MAIN}"><si><t>', "</t></si></sst>"
    return squeezed("xl/sharedStrings.xml", start, b"0" * MEGABYTE, megabytes, end)


def bomb_in_a_sheet() -> bytes:
    """1.5 GB of cells."""
    return handmade(sheet_bomb(1500))


def bomb_in_shared_texts() -> bytes:
    """One shared text of 1.5 GB."""
    return handmade(worksheet([["成果名称"]]), long_text(1500))


def bomb_of_many_entries() -> bytes:
    """Sixty parts of 20 MB, none of them large enough to stand out."""
    part = sheet_bomb(20)
    others = (Part(f"xl/worksheets/sheet{n}.xml", part.data, part.method, part.crc, part.size) for n in range(2, 61))
    return handmade(part, "", *others)


def bomb_with_a_false_size() -> bytes:
    """200 MB of cells that the archive says are 1,000 bytes, with the checksum of those."""
    part = sheet_bomb(200, b"<c><v>0</v></c>")
    start = zlib.decompressobj(-zlib.MAX_WBITS).decompress(part.data, 1000)
    return handmade(Part(part.name, part.data, part.method, zlib.crc32(start), len(start)))


def laughs(root: str) -> str:
    """A document type whose ten entities grow tenfold each."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE {root} [<!ENTITY l0 "大豆">{entities}]>'


def laughing_row(text: str = "&l9;") -> str:
    """A row whose title is an entity."""
    return f'<row r="2"><c r="A2" t="inlineStr"><is><t>{text}</t></is></c></row>'


def hostile_sheet(doctype: str, text: str) -> str:
    """A sheet under a document type."""
    return f'{doctype}<worksheet xmlns="{MAIN}"><sheetData>{HEAD_ROW}{laughing_row(text)}</sheetData></worksheet>'


def laughs_in_shared_texts() -> bytes:
    """The entities stand among the shared texts."""
    shared = f'{laughs("sst")}<sst xmlns="{MAIN}"><si><t>&l9;</t></si></sst>'
    return handmade(worksheet([["成果名称"]], inside='<row r="2"><c r="A2" t="s"><v>0</v></c></row>'), shared)


def laughs_in_utf_16() -> bytes:
    """The entities stand in a part that no search for plain letters finds them in."""
    text = '<?xml version="1.0" encoding="UTF-16"?>' + hostile_sheet(laughs("worksheet"), "&l9;")
    return handmade(stored(SHEET, ("\ufeff" + text).encode("utf-16-le")))


def far_cells() -> bytes:
    """Two cells at the corners of the largest sheet there can be."""
    last = '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>远</t></is></c></row>'
    return handmade(worksheet(achievements(1), inside=last))


def far_cells_in_single_quotes() -> bytes:
    """The same with the other quotes that XML allows."""
    content = replaced(far_cells(), SHEET, '<row r="1048576">', "<row r='1048576'>")
    return replaced(content, SHEET, 'r="XFD1048576" t="inlineStr"', "r='XFD1048576' t='inlineStr'")


def far_cells_in_ods() -> bytes:
    """One cell with a text, declared for the whole sheet."""
    return ods_of(
        '<table:table table:name="成果"><table:table-row><table:table-cell office:value-type="string"><text:p>成果名称'
        '</text:p></table:table-cell></table:table-row><table:table-row table:number-rows-repeated="1048575">'
        '<table:table-cell table:number-columns-repeated="16384" office:value-type="string"><text:p>甲</text:p>'
        "</table:table-cell></table:table-row></table:table>"
    )


def one_text_for_many_cells() -> bytes:
    """5,000 cells share a text of a million letters."""
    rows = "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(2, 5002))
    return handmade(worksheet([["成果名称"]], inside=rows), long_text(1))


def with_a_way_out() -> bytes:
    """A good workbook with entries that name places outside of it."""
    parts = unpacked(book_of(achievements(3)))
    return repacked({**parts, "../../../../tmp/duijie_escaped.txt": b"escaped", "/tmp/duijie_escaped.txt": b"escaped"})  # noqa: S108


def with_macros(content: bytes) -> bytes:
    """A workbook with a project of macros, as Excel stores it."""
    parts = unpacked(content)
    types = parts["[Content_Types].xml"].decode()
    kinds = '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>'
    types = types.replace('<Default Extension="rels"', f'{kinds}<Default Extension="rels"').replace(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
    )
    project = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1528)
    return repacked({**parts, "[Content_Types].xml": types.encode(), "xl/vbaProject.bin": project})


def text_document() -> bytes:
    """A text document, an archive as workbooks are."""
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return packed(
        [
            stored(
                "[Content_Types].xml",
                f'{XML}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
                'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                f'<Override PartName="/word/document.xml" ContentType="{kind}"/></Types>',
            ),
            stored("_rels/.rels", relations(("officeDocument", "word/document.xml"))),
            stored(
                "word/document.xml",
                f'{XML}<w:document xmlns:w="{word}"><w:body><w:p><w:r><w:t>成果名称</w:t></w:r></w:p></w:body>'
                "</w:document>",
            ),
        ]
    )


def picture() -> bytes:
    """A picture of one white point."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    points = b"\x00\xff\xff\xff"
    # An uncompressed block, so that no version of zlib makes another file of it.
    plain = b"\x78\x01\x01" + struct.pack("<HH", len(points), 0xFFFF ^ len(points)) + points
    plain += struct.pack(">I", zlib.adler32(points))
    about = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", about) + chunk(b"IDAT", plain) + chunk(b"IEND", b"")


PDF: Final = (
    b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    b"2 0 obj\n<</Type/Pages/Count 1/Kids[3 0 R]>>\nendobj\n3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]"
    b">>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"
)


def cut(content: bytes) -> bytes:
    """The first two thirds, as a broken transfer leaves them."""
    return content[: len(content) * 2 // 3]


def ods_encrypted() -> bytes:
    """A spreadsheet that a password opens: its manifest says so, its content is noise."""
    noise = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(64))
    algorithm = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
    encryption = (
        f'<manifest:encryption-data manifest:checksum-type="{ODF}:manifest:1.0#sha256-1k" manifest:checksum="AAAA">'
        f'<manifest:algorithm manifest:algorithm-name="{algorithm}" manifest:initialisation-vector="AAAA"/>'
        '<manifest:key-derivation manifest:key-derivation-name="PBKDF2" manifest:iteration-count="100000" '
        'manifest:salt="AAAA"/></manifest:encryption-data>'
    )
    return ods_of("", encryption=encryption, content=noise)


# --- The table -------------------------------------------------------------------------------------------------

FIRST_ROWS: Final = (2, 3, 4, 5)
GUIDE: Final = Sheet("填报说明", [["填报说明"], ["一、每行填写一项成果，不要合并单元格。"], ["二、价格以万元为单位。"]])
TITLE_ROW: Final[Rows] = [["2026年度科技成果登记表", *[None] * 9]]


def good(name: str, covers: str, content: Callable[[], bytes], **more: object) -> Kept:
    """A file of which every record is taken: the four of `achievements()` below one heading row, if not said."""
    return Kept(name, covers, content, "read", **{"titles": TITLES[:4], "rows_at": FIRST_ROWS, **more})  # type: ignore[arg-type]


def partly(name: str, covers: str, content: Callable[[], bytes], **more: object) -> Kept:
    """A file with wrong cells beside good records."""
    return Kept(name, covers, content, "wrong", **more)  # type: ignore[arg-type]


def refused(name: str, covers: str, content: Callable[[], bytes], refusal: str, kind: Kind = "achievements") -> Kept:
    """A file that cannot be taken."""
    return Kept(name, covers, content, "refused", kind, refusal)


def same(content: bytes) -> Callable[[], bytes]:
    """A file whose bytes are at hand."""
    return lambda: content


def day(text: str) -> date:
    """The day of an ISO date."""
    return date.fromisoformat(text)


def text_files() -> list[Kept]:
    """Encodings, delimiters and places of tables in text files."""
    four = achievements()
    known: dict[str, Sequence[object]] = {
        "achievement_id": ["CG2026001", "CG2026002", "CG2026003", "CG2026004"],
        "institute": [about[1] for about in ABOUT[:4]],
        "price_yuan": [380_000, 1_600_000, 700_000, 955_000],
        "completed_on": [day(about[5]) for about in ABOUT[:4]],
        "phone": [f"0451-{number:08}" for number in (101, 102, 103, 104)],
    }
    files = [
        good(
            f"csv_{encoding.replace('-', '_')}_{word}.csv",
            f"{word} separated text in {encoding}",
            partial(separated, four, delimiter, encoding),
            values=known,
            sheets_at=[""] * 4,
        )
        for encoding, word, delimiter in (
            ("utf-8", "comma", ","),
            ("utf-8-sig", "comma", ","),
            ("gb18030", "comma", ","),
            ("utf-16-le-bom", "comma", ","),
            ("utf-16-be-bom", "comma", ","),
            ("utf-8", "tab", "\t"),
            ("gb18030", "tab", "\t"),
            ("utf-16-le-bom", "tab", "\t"),
            ("utf-8-sig", "semicolon", ";"),
            ("gb18030", "semicolon", ";"),
        )
    ]
    lines = changed(four, (2, 5, '第一行\n第二行，含"引号"\n\n第四行'))
    blank: Rows = [[None] * 12]
    shifted: Rows = [
        *blank,
        *blank,
        *([None, None, *row] for row in four[:2]),
        *blank,
        *([None, None, *row] for row in four[2:]),
    ]
    notes: Rows = [["注：以上成果均可转让，价格面议。"], ["填表人：张某某"]]
    return [
        *files,
        good("tsv_utf_8.tsv", "tab separated text under its own suffix", partial(separated, four, "\t"), values=known),
        good(
            "csv_demands.csv",
            "a list of demands",
            partial(separated, demands(), ",", "gb18030"),
            kind="demands",
            titles=DEMAND_TITLES,
            values={
                "demand_id": [row[0] for row in DEMANDS],
                "enterprise": [row[2] for row in DEMANDS],
                "city": ["鸡西", "哈尔滨", "佳木斯", "齐齐哈尔"],
                "investment_yuan": [1_800_000, 1_300_000, 900_000, 2_200_000],
                "deadline": [day(str(row[8])) for row in DEMANDS],
                "keywords": [str(row[6]).split("；") for row in DEMANDS],
            },
        ),
        good(
            "csv_lines_in_a_cell.csv",
            "line breaks and quotes in a cell: one row of the spreadsheet",
            partial(separated, lines),
            values={"summary": ['第一行\n第二行，含"引号"\n\n第四行', *(about[3] for about in ABOUT[1:4])]},
        ),
        good(
            "csv_title_rows.csv",
            "title rows above the heading",
            partial(separated, [["2026年度科技成果登记表"], ["填报单位：示例寒地农业科学院"], *four]),
            rows_at=[4, 5, 6, 7],
        ),
        good(
            "csv_blank_rows_and_columns.csv",
            "blank rows and columns before and within the table",
            partial(separated, shifted),
            rows_at=[4, 6, 7, 8],
            values={"price_yuan": known["price_yuan"]},
        ),
        good(
            "csv_notes_below_title_first.csv",
            "notes below a table whose first column is the title",
            partial(separated, [*achievements(3, ("成果名称", "完成单位", "联系人")), *notes]),
            titles=TITLES[:3],
            rows_at=FIRST_ROWS[:3],
            left_out=[("", 5, "row.note"), ("", 6, "row.note")],
        ),
        good(
            "csv_formula_texts.csv",
            "hostile: texts that a spreadsheet would run as formulas",
            partial(
                separated,
                changed(four, (2, 2, '=HYPERLINK("http://example.invalid","点此")'), (3, 2, "=cmd|' /C calc'!A0")),
            ),
            titles=['=HYPERLINK("http://example.invalid","点此")', "=cmd|' /C calc'!A0", *TITLES[2:4]],
        ),
    ]


def workbooks() -> list[Kept]:
    """Places of tables in workbooks of the three formats."""
    formats: tuple[tuple[str, Callable[..., bytes]], ...] = (("xlsx", xlsx), ("xls", xls), ("ods", ods))
    four = achievements()
    prices = [380_000, 1_600_000, 700_000, 955_000]
    real_days: list[Cell] = [date(2024, 3, 5), datetime(2024, 3, 5, 14, 30), "2024.3", "2024年3月5日"]
    plain = changed(four, *((row, 7, cell) for row, cell in enumerate(real_days, start=2)))
    days = [day(text) for text in ("2024-03-05", "2024-03-05", "2024-03-31", "2024-03-05")]
    held = changed(four, (3, 3, None), (4, 3, None), (5, 9, None))
    two = (Sheet("农业", achievements(2)), Sheet("工业", [*TITLE_ROW, *achievements(2, start=2)]))
    stages = Sheet("选项", [["小试"], ["中试"], ["小批量"], ["产业化"]], hidden=True)
    far: Rows = [[], [], *([None, None, *row] for row in four[:3]), [], *([None, None, *row] for row in four[3:])]
    files: list[Kept] = []
    for suffix, written in formats:
        files += [
            good(
                f"{suffix}_plain.{suffix}",
                f"an ordinary {suffix} workbook with day cells, day-time cells and days as texts",
                partial(written, Sheet("科技成果", plain)),
                values={"completed_on": days, "price_yuan": prices, "maturity": [about[4] for about in ABOUT[:4]]},
                sheets_at=["科技成果"] * 4,
            ),
            good(
                f"{suffix}_cells_merged_down.{suffix}",
                "merged cells in the body hold for each of their rows",
                partial(written, Sheet("科技成果", held, ("C2:C4", "I4:I5"))),
                values={
                    "institute": [ABOUT[0][1]] * 3 + [ABOUT[3][1]],
                    "contact": ["沈某某", "奚某某", "孔某某", "孔某某"],
                },
            ),
            good(
                f"{suffix}_two_sheets.{suffix}",
                "two sheets with records and one with notes",
                partial(written, *two, GUIDE),
                rows_at=[2, 3, 3, 4],
                sheets_at=["农业", "农业", "工业", "工业"],
                notes=["sheet.no_heading"],
            ),
            good(
                f"{suffix}_hidden_sheet.{suffix}",
                "a hidden sheet with drop-down values",
                partial(written, Sheet("科技成果", four, choices=("F2:F100", "=选项!$A$1:$A$4")), stages),
                notes=["sheet.hidden"],
            ),
            good(
                f"{suffix}_blank_rows_and_columns.{suffix}",
                "blank rows and columns before and within the table: row numbers stay those of the spreadsheet",
                partial(written, Sheet("科技成果", far)),
                rows_at=[4, 5, 7, 8],
                values={"price_yuan": prices},
            ),
            good(
                f"{suffix}_title_rows.{suffix}",
                "merged title rows above the heading",
                partial(
                    written,
                    Sheet("科技成果", [*TITLE_ROW, ["填报单位：示例寒地农业科学院"], *four], ("A1:J1", "A2:J2")),
                ),
                rows_at=[4, 5, 6, 7],
            ),
        ]
    return files


def headings() -> list[Kept]:
    """Heading rows of every make."""
    upper: list[Cell] = ["登记号", "成果名称", "完成单位", "转化意向", None, "联系方式", None]
    lower: list[Cell] = [None, None, None, "转化方式", "转让价格(万元)", "联系人", "电话"]
    ways: list[Cell] = ["转让", "许可", "转让；许可", "作价投资"]
    rows: Rows = [
        [row["登记号"], row["成果名称"], row["完成单位"], way, row["转让价格(万元)"], row["联系人"], row["联系电话"]]
        for row, way in zip(map(achievement, range(4)), ways, strict=True)
    ]
    combined: dict[str, Sequence[object]] = {
        "institute": [about[1] for about in ABOUT[:4]],
        "transfer_ways": ways,
        "price_yuan": [380_000, 1_600_000, 700_000, 955_000],
        "contact": [row[5] for row in rows],
        "phone": [row[6] for row in rows],
    }
    below = (3, 4, 5, 6)
    groups: list[Cell] = ["基本信息", None, None, None, None, None, None, "转化信息", "联系信息", None]
    wordy = [
        "登记号",
        "*成果名称\n（必填）",
        "完成单位\n（必填，填全称）",
        "转让价格\n（万元）",
        "完成\n日期",
        "联 系 人",
    ]
    picked = ("登记号", "成果名称", "完成单位", "转让价格(万元)", "完成日期", "联系人")
    english = ["Registration Number", "Achievement Title", "Institution", "Keywords", "Abstract", "Stage"]
    english += ["Completion Date", "Price (yuan)", "Contact Person", "Telephone"]
    in_yuan = changed(achievements(3), (2, 8, 380000), (3, 8, "160万元"), (4, 8, "700,000"))
    in_yuan[0] = [*english]
    printed = achievements(2) + achievements(2, start=2)
    numbered: Rows = [["序号", "成果名称", "完成单位", "转让价格(万元)"]]
    numbered += [[n, *row] for n, row in enumerate(body(4, ("成果名称", "完成单位", "转让价格(万元)")), start=1)]
    extra: Rows = [[*SHORT, "内部分类", "备注"]]
    extra += [
        [*row, kind, note] for row, kind, note in zip(body(3, SHORT), "甲乙丙", ("可现场演示", None, "急"), strict=True)
    ]
    both: Rows = [["需求名称", "单位名称", "主要问题", "技术关键"]]
    both += [[row[1], row[2], row[4], f"关键之{number}"] for number, row in enumerate(DEMANDS[:3], start=1)]
    return [
        good(
            "xlsx_two_row_heading_merged.xlsx",
            "a heading of two rows, its cells merged",
            partial(book_of, [upper, lower, *rows], "A1:A2", "B1:B2", "C1:C2", "D1:E1", "F1:G1"),
            rows_at=below,
            values=combined,
        ),
        good(
            "xls_two_row_heading_merged.xls",
            "a heading of two rows, its cells merged, in the old format",
            lambda: xls(Sheet("成果", [upper, lower, *rows], ("A1:A2", "B1:B2", "C1:C2", "D1:E1", "F1:G1"))),
            rows_at=below,
            values=combined,
        ),
        good(
            "csv_two_row_heading.csv",
            "a heading of two rows without merged cells",
            partial(separated, [upper, lower, *rows]),
            rows_at=below,
            values=combined,
        ),
        good(
            "xlsx_merged_groups_above_heading.xlsx",
            "merged names of groups above a whole heading row",
            partial(book_of, [groups, *achievements()], "A1:G1", "I1:J1"),
            rows_at=below,
            values={"price_yuan": combined["price_yuan"], "phone": combined["phone"]},
        ),
        good(
            "xlsx_headings_with_remarks.xlsx",
            "headings with （必填）, stars, spaces and line breaks inside",
            partial(book_of, [[*wordy], *body(4, picked)]),
            values={"price_yuan": combined["price_yuan"], "completed_on": [day(about[5]) for about in ABOUT[:4]]},
            extras=[],
        ),
        good(
            "xlsx_headings_english.xlsx",
            "English headings, the price in yuan",
            partial(book_of, in_yuan),
            titles=TITLES[:3],
            rows_at=FIRST_ROWS[:3],
            values={
                "price_yuan": [380_000, 1_600_000, 700_000],
                "institute": [about[1] for about in ABOUT[:3]],
                "completed_on": [day(about[5]) for about in ABOUT[:3]],
                "phone": combined["phone"][:3],
            },
        ),
        good(
            "xlsx_heading_repeated.xlsx",
            "the heading repeated in the middle, as on printed pages",
            partial(book_of, printed, name="成果"),
            rows_at=[2, 3, 5, 6],
            left_out=[("成果", 4, "row.heading_repeated")],
        ),
        good(
            "csv_heading_repeated.csv",
            "the heading repeated in the middle of a text file",
            partial(separated, printed),
            rows_at=[2, 3, 5, 6],
            left_out=[("", 4, "row.heading_repeated")],
        ),
        good("xlsx_serial_number_first.xlsx", "a first column 序号", partial(book_of, numbered)),
        good(
            "xlsx_unknown_columns.xlsx",
            "columns that no record has are kept as extras",
            partial(book_of, extra),
            titles=TITLES[:3],
            rows_at=FIRST_ROWS[:3],
            extras=["内部分类", "备注"],
        ),
        good(
            "csv_two_columns_of_one_text.csv",
            "two headings of one text: both are kept",
            partial(separated, both),
            kind="demands",
            titles=DEMAND_TITLES[:3],
            rows_at=FIRST_ROWS[:3],
            values={"problem": [f"{row[4]}\n关键之{number}" for number, row in enumerate(DEMANDS[:3], start=1)]},
        ),
        good(
            "xlsx_notes_sheet_first.xlsx",
            "the sheet with notes stands before the records",
            lambda: xlsx(GUIDE, Sheet("成果", achievements()), Sheet("空白", [])),
            sheets_at=["成果"] * 4,
            notes=["sheet.no_heading"],
        ),
        good(
            "xlsx_notes_sheet_names_the_columns.xlsx",
            "a sheet with notes that explains each heading in a row of its own",
            lambda: xlsx(
                Sheet("成果", achievements()),
                Sheet(
                    "栏目说明",
                    [
                        ["栏目", "填写要求"],
                        ["成果名称", "填写全称，不超过50字"],
                        ["完成单位", "填写法人单位全称"],
                        ["转让价格", "以万元为单位"],
                    ],
                ),
            ),
            sheets_at=["成果"] * 4,
            notes=["sheet.no_heading"],
        ),
        refused("csv_only_a_heading.csv", "a heading and nothing below", same(separated([[*SHORT]])), "file.no_rows"),
        refused(
            "xlsx_only_a_heading.xlsx", "a heading and nothing below", partial(book_of, [[*SHORT]]), "file.no_rows"
        ),
        refused("xlsx_no_heading.xlsx", "records without a heading", partial(book_of, body(4)), "file.missing_column"),
        refused("csv_no_heading.csv", "records without a heading", partial(separated, body(4)), "file.missing_column"),
        refused(
            "xlsx_demands_as_achievements.xlsx",
            "the wrong kind of list",
            partial(book_of, demands()),
            "file.missing_column",
        ),
        refused(
            "xlsx_achievements_as_demands.xlsx",
            "the wrong kind of list",
            partial(book_of, achievements()),
            "file.missing_column",
            "demands",
        ),
        refused(
            "xlsx_no_titles.xlsx",
            "rows without a single title",
            partial(book_of, changed(achievements(2), (2, 2, None), (3, 2, None))),
            "file.no_titles",
        ),
    ]


def rows_beside_records() -> list[Kept]:
    """Totals, notes, examples, repetitions and the like."""
    blank: list[Cell] = [None] * 10
    four = body(4)
    total: Rows = [
        [*ACHIEVEMENT_HEADINGS],
        *four[:2],
        ["小计", *blank[1:7], 198, None, None],
        *four[2:],
        ["小 计", *blank[1:7], 165.5, None, None],
        [None, "合计", *blank[2:7], 363.5, None, None],
        ["总计：", *blank[1:7], 363.5, None, None],
    ]
    totals = [(4, "row.total"), (7, "row.total"), (8, "row.total"), (9, "row.total")]
    notes: Rows = [
        [*ACHIEVEMENT_HEADINGS],
        *four,
        [],
        ["注：转让价格为意向价格，可面议。"],
        ["填表人：张某某", None, None, "审核人：李某", None, None, "填表日期：2026年3月5日"],
        ["本表由科研处汇总"],
    ]
    notes_at = [(7, "row.note"), (8, "row.note"), (9, "row.note")]
    example = [*body(1, start=8)[0]]
    example[:2] = ["示例", "×××技术（填写成果全称）"]
    again = [*achievements(3), *body(1), *body(1, start=3), *body(1, start=1)]
    other = changed(achievements(3), (4, 1, "CG2026001"))
    untitled = changed(achievements(4), (3, 2, None))
    untitled[2][2:] = ["示例北方工业大学", *untitled[2][3:]]
    return [
        good(
            "xlsx_total_rows.xlsx",
            "rows of totals within and below the table",
            partial(book_of, total, name="成果"),
            rows_at=[2, 3, 5, 6],
            left_out=[("成果", row, key) for row, key in totals],
        ),
        good(
            "csv_total_rows.csv",
            "rows of totals in a text file",
            partial(separated, total, ",", "gb18030"),
            rows_at=[2, 3, 5, 6],
            left_out=[("", row, key) for row, key in totals],
        ),
        good(
            "xlsx_notes_below.xlsx",
            "notes, signatures and a lone cell below the table",
            partial(book_of, notes, "A7:J7", name="成果"),
            left_out=[("成果", row, key) for row, key in notes_at],
        ),
        good(
            "ods_notes_below.ods",
            "notes, signatures and a lone cell below the table",
            lambda: ods(Sheet("成果", notes, ("A7:J7",))),
            left_out=[("成果", row, key) for row, key in notes_at],
        ),
        good(
            "xlsx_example_row.xlsx",
            "the example that a template begins with",
            partial(book_of, [[*ACHIEVEMENT_HEADINGS], example, *four], name="成果"),
            rows_at=[3, 4, 5, 6],
            left_out=[("成果", 2, "row.example")],
        ),
        good(
            "xlsx_rows_repeated.xlsx",
            "rows that repeat an earlier one",
            partial(book_of, again, name="成果"),
            rows_at=[2, 3, 4, 6],
            left_out=[("成果", 5, "row.repeated"), ("成果", 7, "row.repeated")],
        ),
        good(
            "xlsx_rows_repeated_on_another_sheet.xlsx",
            "a row that repeats one of another sheet",
            lambda: xlsx(Sheet("一", achievements(3)), Sheet("二", achievements(2, start=2))),
            rows_at=[2, 3, 4, 3],
            sheets_at=["一", "一", "一", "二"],
            left_out=[("二", 2, "row.repeated")],
        ),
        good(
            "xlsx_row_without_title.xlsx",
            "a row without a title",
            partial(book_of, untitled, name="成果"),
            titles=[TITLES[0], TITLES[2], TITLES[3]],
            rows_at=[2, 4, 5],
            left_out=[("成果", 3, "row.no_title")],
        ),
        partly(
            "xlsx_one_id_for_two.xlsx",
            "the same id with another content",
            partial(book_of, other, name="成果"),
            titles=TITLES[:2],
            rows_at=[2, 3],
            wrong=[("成果", 4, "", "row.same_id")],
        ),
    ]


def cells() -> list[Kept]:
    """Amounts, days, keywords and texts in every form."""
    amounts: dict[Cell, object] = {
        "120": 1_200_000,
        "120万元": 1_200_000,
        "１２０万元": 1_200_000,
        "500000元": 500_000,
        "1.2亿元": 120_000_000,
        "0.5亿": 50_000_000,
        "面议": "",
        "待定": "",
        "50-100": 1_000_000,
        "50～100万元": 1_000_000,
        "50万-80万": 800_000,
        "100万以上": 1_000_000,
        "1,200.5万元": 12_005_000,
        "约30万元": 300_000,
        "￥80万元": 800_000,
        "": "",
    }
    texts = {
        "2024-03-05": "2024-03-05",
        "2024.3": "2024-03-31",
        "2024.03.05": "2024-03-05",
        "2024/3/5": "2024-03-05",
        "20240305": "2024-03-05",
        "2024年3月": "2024-03-31",
        "2024年3月5日": "2024-03-05",
        "2024-03-05 14:30:00": "2024-03-05",
        "二〇二四年三月": "2024-03-31",
        "二〇二四年三月五日": "2024-03-05",
        "2020.01-2023.12": "2023-12-31",
        "2020年1月至2023年12月": "2023-12-31",
        "２０２４．３": "2024-03-31",
        "2024年": "2024-12-31",
        "2024-02": "2024-02-29",
    }
    days: list[tuple[Cell, str]] = [
        *texts.items(),
        (45356, "2024-03-05"),
        (20240305, "2024-03-05"),
        (2024.3, "2024-03-31"),
        (date(2024, 3, 5), "2024-03-05"),
        (datetime(2024, 3, 5, 14, 30), "2024-03-05"),
    ]
    months: list[Cell] = [2024.1, 2024.11, "2024.10", "2024.1", 2023.1]
    three = ["大豆", "外观品质", "机器视觉"]
    separators = ("；", ";", ",", "，", "、", "/", "|", " ", "\n", "； ")
    phrases = "machine vision; soybean grading; 大豆"
    words: list[Cell] = [*(separator.join(three) for separator in separators), phrases, "大豆；大豆；外观品质"]
    split: list[list[str]] = [three] * len(separators) + [phrases.split("; "), ["大豆", "外观品质"]]
    ids: list[Cell] = ["000123", "000124", "1E5", "202600000000000000123"]
    hostile = ["=1+1", '=HYPERLINK("http://example.invalid","点此")', "+86合作项目", "@SUM(A1)"]
    computed = changed(
        achievements(3),
        (2, 2, Formula('="大豆籽粒"&"分选设备"', "大豆籽粒分选设备")),
        (2, 8, Formula("=19*2", 38)),
        (3, 7, Formula("=DATE(2024,3,5)", 45356)),
    )
    uncomputed = changed(
        achievements(4), (3, 8, Formula("=19*2")), (4, 2, Formula('="大豆"&"分选"')), (5, 8, Formula("=19*5", 95))
    )
    faults = changed(achievements(4), (3, 8, Fault("#REF!")), (4, 3, Fault("#VALUE!")))
    fault_at = [("成果", 3, "转让价格(万元)", "cell.error_value"), ("成果", 4, "完成单位", "cell.error_value")]
    long = changed(achievements(3), (2, 5, "长" * 20_000), (3, 5, "长" * 20_001))
    status: Rows = beside("成果状态", ["可转化", "说不准", "已转让"])
    exempt: Rows = beside("是否豁免", ["是", "否", "也许"])
    shown: Rows = [["需求名称", "单位名称", "公开方式"]]
    shown += [[row[1], row[2], word] for row, word in zip(DEMANDS, ("公开", "匿名", "看情况", "不公开"), strict=True)]
    invested = demands()
    invested[0][7] = "拟投入资金（元）"
    investments: list[Cell] = [1_800_000, "130万元", "面议", "50万-90万"]
    for row, investment in zip(invested[1:], investments, strict=True):
        row[7] = investment
    money = beside("转让价格", [*amounts])
    money_values: dict[str, Sequence[object]] = {"price_yuan": [*amounts.values()]}
    in_order = range(2, 40)

    def listed(
        name: str, covers: str, written: Callable[[Rows], bytes], rows: Rows, **values: Sequence[object]
    ) -> Kept:
        count = len(rows) - 1
        return good(name, covers, lambda: written(rows), titles=TITLES[:count], rows_at=in_order[:count], values=values)

    def in_ods(rows: Rows) -> bytes:
        return ods(Sheet("成果", rows))

    return [
        listed("csv_amounts.csv", "amounts in every form, no unit in the heading", separated, money, **money_values),
        listed("xlsx_amounts.xlsx", "amounts in every form, no unit in the heading", book_of, money, **money_values),
        listed(
            "xlsx_amounts_in_yuan.xlsx",
            "amounts under a heading in yuan: a cell's own unit is stronger",
            book_of,
            beside("转让价格（元）", [380000, "38万元", "38万", "380,000", "面议", "200000-380000"]),
            price_yuan=[380_000, 380_000, 380_000, 380_000, "", 380_000],
        ),
        listed(
            "xlsx_amounts_in_hundred_millions.xlsx",
            "amounts under a heading in 亿元",
            book_of,
            beside("转让价格（亿元）", [1.2, "3000万元", "０．５", "1-2"]),
            price_yuan=[120_000_000, 30_000_000, 50_000_000, 200_000_000],
        ),
        good(
            "xls_demands_amounts_in_yuan.xls",
            "investments under a heading in yuan",
            lambda: xls(Sheet("需求", invested)),
            kind="demands",
            titles=DEMAND_TITLES,
            values={"investment_yuan": [1_800_000, 1_300_000, "", 900_000]},
        ),
        partly(
            "xlsx_amounts_wrong.xlsx",
            "what is no amount in yuan",
            partial(book_of, beside("转让价格(万元)", [38, "若干", -5, "50万美元", "面议"]), name="成果"),
            titles=[TITLES[0], TITLES[4]],
            rows_at=[2, 6],
            wrong=[("成果", row, "转让价格(万元)", "cell.not_money") for row in (3, 4, 5)],
            values={"price_yuan": [380_000, ""]},
        ),
        listed(
            "csv_dates.csv",
            "dates in every form as texts",
            separated,
            beside("完成日期", [*texts]),
            completed_on=[day(text) for text in texts.values()],
        ),
        *(
            listed(
                f"{suffix}_dates.{suffix}",
                "dates in every form: texts, numbers, day cells",
                written,
                beside("完成日期", [cell for cell, _ in days]),
                completed_on=[day(text) for _, text in days],
            )
            for suffix, written in (
                ("xlsx", book_of),
                ("xls", lambda rows: xls(Sheet("成果", rows))),
                ("ods", in_ods),
            )
        ),
        listed(
            "xlsx_dates_counted_from_1904.xlsx",
            "day cells of a workbook that counts days from 1904",
            lambda rows: xlsx(Sheet("成果", rows), date_1904=True),
            beside("完成日期", [date(2024, 3, 5), date(2023, 12, 31), "2024.3"]),
            completed_on=[day("2024-03-05"), day("2023-12-31"), day("2024-03-31")],
        ),
        partly(
            "xlsx_month_as_a_number.xlsx",
            "the number 2024.1 may be January or October",
            partial(book_of, beside("完成日期", months), name="成果"),
            titles=TITLES[1:4],
            rows_at=[3, 4, 5],
            wrong=[("成果", row, "完成日期", "cell.ambiguous_month") for row in (2, 6)],
            values={"completed_on": [day("2024-11-30"), day("2024-10-31"), day("2024-01-31")]},
        ),
        partly(
            "csv_dates_wrong.csv",
            "what is no day",
            partial(separated, beside("完成日期", ["2024-02-29", "2024-02-30", "2024.13", "去年底", ""])),
            titles=[TITLES[0], TITLES[4]],
            rows_at=[2, 6],
            wrong=[("", row, "完成日期", "cell.not_date") for row in (3, 4, 5)],
            values={"completed_on": [day("2024-02-29"), ""]},
        ),
        listed("xlsx_keywords.xlsx", "keywords with every separator", book_of, beside("关键词", words), keywords=split),
        listed("csv_keywords.csv", "keywords with every separator", separated, beside("关键词", words), keywords=split),
        listed(
            "ods_keywords.ods", "keywords with every separator", in_ods, beside("关键词", words[:9]), keywords=split[:9]
        ),
        *(
            listed(
                f"{suffix}_ids_with_zeros.{suffix}",
                "ids with leading zeros and like numbers stay texts",
                written,
                changed(achievements(4), *((row, 1, cell) for row, cell in enumerate(ids, start=2))),
                achievement_id=ids,
            )
            for suffix, written in (("csv", separated), ("xlsx", book_of), ("ods", in_ods))
        ),
        good(
            "xlsx_formula_texts.xlsx",
            "hostile: texts that a spreadsheet would run as formulas",
            partial(book_of, changed(achievements(4), *((row, 2, text) for row, text in enumerate(hostile, start=2)))),
            titles=hostile,
        ),
        listed(
            "xlsx_full_width.xlsx",
            "full-width figures and letters",
            book_of,
            [
                ["登记号", "成果名称", "完成单位", "完成日期", "转让价格（万元）", "关键词"],
                ["CG1", TITLES[0], ABOUT[0][1], "２０２４．３", "１２０万元", "大豆，机器视觉"],
                ["CG2", TITLES[1], ABOUT[1][1], "２０２４／３／５", "１，２００", "沼气｜膜分离"],
                ["CG3", TITLES[2], ABOUT[2][1], "２０２４年３月５日", "５０－１００", "耐冷菌／酶"],
            ],
            completed_on=[day("2024-03-31"), day("2024-03-05"), day("2024-03-05")],
            price_yuan=[1_200_000, 12_000_000, 1_000_000],
            keywords=[["大豆", "机器视觉"], ["沼气", "膜分离"], ["耐冷菌", "酶"]],
        ),
        good(
            "xlsx_formulas_with_values.xlsx",
            "formulas with their stored values: a text, an amount, a day",
            partial(book_of, computed),
            titles=["大豆籽粒分选设备", *TITLES[1:3]],
            rows_at=[2, 3, 4],
            values={
                "price_yuan": [380_000, 1_600_000, 700_000],
                "completed_on": [day(text) for text in ("2022-10-12", "2024-03-05", "2024-05-28")],
            },
        ),
        partly(
            "xlsx_formulas_without_values.xlsx",
            "formulas that no program has computed yet",
            partial(book_of, uncomputed, name="成果"),
            titles=[TITLES[0], TITLES[3]],
            rows_at=[2, 5],
            wrong=[("成果", 3, "转让价格(万元)", "cell.no_value"), ("成果", 4, "成果名称", "cell.no_value")],
            values={"price_yuan": [380_000, 950_000]},
        ),
        partly(
            "xlsx_formulas_beside_styled_blanks.xlsx",
            "formulas without values and an error, each behind a blank cell with a border",
            with_styled_blanks,
            titles=[TITLES[0], TITLES[4]],
            rows_at=[2, 6],
            wrong=[
                ("成果", row, "转让价格(万元)", f"cell.{key}")
                for row, key in ((3, "no_value"), (4, "error_value"), (5, "no_value"))
            ],
        ),
        good(
            "xlsx_formulas_that_give_empty_texts.xlsx",
            'formulas whose stored value is the empty text, as =IF(A1="","",A1) gives it',
            with_empty_texts,
            titles=TITLES[:3],
            rows_at=FIRST_ROWS[:3],
            values={
                "price_yuan": ["", 1_600_000, 700_000],
                "completed_on": [day("2022-10-12"), "", day("2024-05-28")],
            },
        ),
        *(
            partly(
                f"{suffix}_error_values.{suffix}",
                "error values of formulas",
                partial(written, Sheet("成果", faults)),
                titles=[TITLES[0], TITLES[3]],
                rows_at=[2, 5],
                wrong=fault_at,
            )
            for suffix, written in (("xlsx", xlsx), ("xls", xls))
        ),
        partly(
            "xlsx_cell_too_long.xlsx",
            "a cell of 20,000 characters is taken, one of 20,001 is not",
            partial(book_of, long, name="成果"),
            titles=[TITLES[0], TITLES[2]],
            rows_at=[2, 4],
            wrong=[("成果", 3, "成果简介", "cell.too_long")],
            values={"maturity": [ABOUT[0][4], ABOUT[2][4]]},
        ),
        partly(
            "csv_unknown_status.csv",
            "a status that is none",
            partial(separated, status),
            titles=[TITLES[0], TITLES[2]],
            rows_at=[2, 4],
            wrong=[("", 3, "成果状态", "cell.not_choice")],
            values={"status": ["available", "transferred"]},
        ),
        partly(
            "csv_unknown_flag.csv",
            "an answer that is neither yes nor no",
            partial(separated, exempt),
            titles=TITLES[:2],
            rows_at=[2, 3],
            wrong=[("", 4, "是否豁免", "cell.not_flag")],
            values={"exempt": [True, False]},
        ),
        partly(
            "csv_demands_unknown_visibility.csv",
            "a visibility that is none",
            partial(separated, shown),
            kind="demands",
            titles=[DEMAND_TITLES[0], DEMAND_TITLES[1], DEMAND_TITLES[3]],
            rows_at=[2, 3, 5],
            wrong=[("", 4, "公开方式", "cell.not_choice")],
            values={"visibility": ["public", "anonymous", "private"]},
        ),
    ]


def unusual_workbooks() -> list[Kept]:
    """Workbooks that are written in ways other programs have, and harmless lies."""
    three = worksheet(achievements(3))
    rich = (
        f'<sst xmlns="{MAIN}"><si><r><rPr><b/></rPr><t>大豆籽粒</t></r><r><t>分选设备</t></r></si><si><t>沼气提纯</t>'
        '<rPh sb="0" eb="2"><t>ショウキ</t></rPh></si></sst>'
    )
    shared_rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>{n - 2}</v></c></row>' for n in (2, 3))
    prefixed = re.sub(r"<(/?)(?=\w)", r"<\1x:", three).replace('xmlns="', 'xmlns:x="')
    placeless = re.sub(r' r="\w+"', "", three)
    first_three: dict[str, Sequence[object]] = {"titles": TITLES[:3], "rows_at": FIRST_ROWS[:3]}
    return [
        good("xlsx_texts_in_cells.xlsx", "texts inside the cells", lambda: handmade(three), **first_three),
        good("xlsx_prefixed_names.xlsx", "prefixed XML names", lambda: handmade(prefixed), **first_three),
        good(
            "xlsx_cells_without_places.xlsx",
            "rows and cells without places",
            lambda: handmade(placeless),
            **first_three,
        ),
        good(
            "xlsx_rich_texts.xlsx",
            "texts of several runs, texts with their pronunciation",
            lambda: handmade(worksheet([["成果名称"]], inside=shared_rows), rich),
            titles=["大豆籽粒分选设备", "沼气提纯"],
            rows_at=[2, 3],
        ),
        good(
            "xlsx_declares_too_little.xlsx",
            "hostile: declares A1:B2 and has more",
            lambda: handmade(worksheet(achievements(3), '<dimension ref="A1:B2"/>')),
            values={"price_yuan": [380_000, 1_600_000, 700_000]},
            **first_three,
        ),
        good(
            "xlsx_declares_too_much.xlsx",
            "hostile: declares the largest sheet there can be and has three records",
            lambda: handmade(worksheet(achievements(3), '<dimension ref="A1:XFD1048576"/>')),
            **first_three,
        ),
        good(
            "xlsx_entries_outside.xlsx",
            "hostile: entries of the archive name places outside of it; nothing is written there",
            with_a_way_out,
            **first_three,
        ),
    ]


def not_what_they_say() -> list[Kept]:
    """Contents under a wrong name, blank, damaged, encrypted."""
    sheet = Sheet("成果", achievements(3))
    good_xlsx, good_xls, good_ods = partial(xlsx, sheet), partial(xls, sheet), partial(ods, sheet)
    text = partial(separated, achievements(3))
    line = ("某单位的科技成果简介没有换行。" * (5 * MEGABYTE // 45)).encode()
    mislabelled = "file.mislabelled"
    return [
        refused("text_named.txt", "a suffix that is not read", text, "file.unknown_type"),
        refused("pdf_named.pdf", "a suffix that is not read", same(PDF), "file.unknown_type"),
        refused("xlsx_named.csv", "a workbook under the name of a text", good_xlsx, mislabelled),
        refused("xlsx_named.xls", "a new workbook under the name of an old one", good_xlsx, mislabelled),
        refused("xlsx_named.ods", "a workbook under the name of another format", good_xlsx, mislabelled),
        refused("xls_named.xlsx", "an old workbook under the name of a new one", good_xls, mislabelled),
        refused("xls_named.csv", "an old workbook under the name of a text", good_xls, mislabelled),
        refused("ods_named.xlsx", "a spreadsheet under the name of another format", good_ods, mislabelled),
        refused("text_named.xlsx", "a text under the name of a workbook", text, mislabelled),
        refused(
            "text_named.xls",
            "a text under the name of an old workbook",
            partial(separated, achievements(3), "\t", "gb18030"),
            mislabelled,
        ),
        refused("pdf_named.xlsx", "a PDF under the name of a workbook", same(PDF), mislabelled),
        refused("png_named.csv", "a picture under the name of a text", picture, mislabelled),
        refused("docx_named.xlsx", "an archive without a workbook", text_document, mislabelled),
        refused("html_named.xls", "a web page saved as an old workbook", partial(web_page, "gb18030"), "file.web_page"),
        refused(
            "html_named.xlsx",
            "a web page saved as a workbook",
            partial(web_page, "utf-8", "\ufeff\r\n<!DOCTYPE html>\r\n"),
            "file.web_page",
        ),
        refused("html_named.csv", "a web page saved as a text", partial(web_page, "utf-8"), "file.web_page"),
        refused("empty.csv", "no byte", same(b""), "file.empty"),
        refused("empty.xlsx", "no byte", same(b""), "file.empty"),
        refused("blanks.csv", "blanks and line breaks", same(b"\xef\xbb\xbf \r\n\t\r\n,,,\r\n \r\n"), "file.empty"),
        *(
            refused(
                f"blank_sheets.{suffix}",
                "only blank sheets",
                partial(written, Sheet("Sheet1", []), Sheet("Sheet2", [])),
                "file.empty",
            )
            for suffix, written in (("xlsx", xlsx), ("xls", xls), ("ods", ods))
        ),
        refused("truncated.xlsx", "a workbook cut short", lambda: cut(good_xlsx()), "file.damaged"),
        refused("truncated.xls", "an old workbook cut short", lambda: cut(good_xls()), "file.damaged"),
        refused("truncated.ods", "a spreadsheet cut short", lambda: cut(good_ods()), "file.damaged"),
        refused(
            "archive_of_noise.xlsx",
            "begins like an archive and is none",
            same(b"PK\x03\x04" + b"noise" * 99),
            "file.damaged",
        ),
        refused(
            "broken_xml.xlsx",
            "a sheet that breaks off",
            lambda: handmade(worksheet(achievements(3))[:1500]),
            "file.damaged",
        ),
        Kept(
            "encrypted.xlsx",
            "a workbook with a password",
            xlsx_encrypted,
            "refused",
            refusal="file.encrypted",
            deterministic=False,
        ),
        refused("encrypted.xls", "an old workbook with a password", xls_encrypted, "file.encrypted"),
        refused("encrypted.ods", "a spreadsheet with a password", ods_encrypted, "file.encrypted"),
        refused(
            "csv_broken_quote.csv",
            "a quote that is never closed",
            same('登记号,成果名称\r\nCG1,"没有收尾\r\nCG2,下一项\r\n'.encode()),
            "file.broken_csv",
        ),
        refused(
            "csv_nul_bytes.csv",
            "NUL bytes in a text",
            same("登记号,成果名称\r\nCG1,甲\x00\x00乙\r\n".encode()),
            "file.unknown_encoding",
        ),
        refused(
            "csv_invalid_encoding.csv",
            "bytes of no encoding",
            same("登记号,成果名称\r\nCG1,".encode() + b"\xff\xff\x81\r\n"),
            "file.unknown_encoding",
        ),
        refused("csv_one_line_of_5_mb.csv", "one line of 5 MB", same(line), "file.missing_column"),
    ]


def hostile() -> list[Kept]:
    """Files made to harm who reads them."""
    large, entities = "file.unpacks_too_large", "file.xml_entities"
    outside = '<!DOCTYPE {} [<!ENTITY outside SYSTEM "file:///etc/passwd">]>'
    laughing_ods = '<table:table table:name="成果"><table:table-row><table:table-cell office:value-type="string">'
    laughing_ods += "<text:p>{}</text:p></table:table-cell></table:table-row></table:table>"
    document = "office:document-content"
    remote = '<!DOCTYPE worksheet SYSTEM "file:///etc/passwd">'
    return [
        refused("macros.xlsm", "a workbook with macros", lambda: with_macros(book_of(achievements(3))), "file.macros"),
        refused(
            "macros_named.xlsx",
            "macros under the name of a workbook without",
            lambda: with_macros(book_of(achievements(3))),
            "file.macros",
        ),
        refused("zip_bomb_sheet.xlsx", "a sheet that unpacks to 1.5 GB", bomb_in_a_sheet, large),
        refused("zip_bomb_shared_texts.xlsx", "a shared text that unpacks to 1.5 GB", bomb_in_shared_texts, large),
        refused("zip_bomb_many_entries.xlsx", "sixty parts of 20 MB each", bomb_of_many_entries, large),
        refused("zip_bomb_false_size.xlsx", "200 MB declared as 1,000 bytes", bomb_with_a_false_size, "file.damaged"),
        refused("far_cells.xlsx", "two cells at the corners of the largest sheet", far_cells, "file.range_too_large"),
        refused(
            "far_cells_in_single_quotes.xlsx",
            "two cells at the corners of the largest sheet, their places in single quotes",
            far_cells_in_single_quotes,
            "file.range_too_large",
        ),
        refused("far_cells.ods", "a cell repeated over the largest sheet", far_cells_in_ods, "file.range_too_large"),
        refused(
            "laughs_in_sheet.xlsx",
            "entities that grow tenfold each, in a sheet",
            lambda: handmade(hostile_sheet(laughs("worksheet"), "&l9;")),
            entities,
        ),
        refused(
            "laughs_in_shared_texts.xlsx", "such entities among the shared texts", laughs_in_shared_texts, entities
        ),
        refused("laughs_in_utf_16.xlsx", "such entities in a sheet in UTF-16", laughs_in_utf_16, entities),
        refused(
            "laughs.ods",
            "such entities in a spreadsheet",
            lambda: ods_of(laughing_ods.format("&l9;"), laughs(document)),
            entities,
        ),
        refused(
            "outside_entity.xlsx",
            "an entity that stands for a file of the server",
            lambda: handmade(hostile_sheet(outside.format("worksheet"), "&outside;")),
            entities,
        ),
        refused(
            "outside_doctype.xlsx",
            "a document type in a file of the server",
            lambda: handmade(hostile_sheet(remote, "甲")),
            entities,
        ),
        refused(
            "outside_entity.ods",
            "an entity that stands for a file of the server",
            lambda: ods_of(laughing_ods.format("&outside;"), outside.format(document)),
            entities,
        ),
        refused("one_text_many_cells.xlsx", "5,000 cells share 1 MB", one_text_for_many_cells, "file.too_heavy"),
    ]


def kept_files() -> list[Kept]:
    """All files, by name."""
    parts = (
        text_files,
        workbooks,
        headings,
        rows_beside_records,
        cells,
        unusual_workbooks,
        not_what_they_say,
        hostile,
    )
    return sorted((file for part in parts for file in part()), key=lambda file: file.name)


# --- Writing ---------------------------------------------------------------------------------------------------


def toml(value: object) -> str:
    """A value as TOML has it."""
    match value:
        case bool():
            return str(value).lower()
        case date():
            return value.isoformat()
        case str():
            return json.dumps(value, ensure_ascii=False)
        case list() | tuple() | range():
            return f"[{', '.join(map(toml, value))}]"
    return str(value)


def entry(file: Kept) -> str:
    """What becomes of a file, as an entry of the table."""
    lines = ["[[file]]", *(f"{name} = {toml(getattr(file, name))}" for name in ("name", "kind", "covers", "outcome"))]
    if not file.deterministic:
        lines.append("deterministic = false")
    if file.outcome == "refused":
        return "\n".join([*lines, f"refusal = {toml(file.refusal)}"])
    stated = ["titles", "rows_at"]
    stated += [name for name in ("sheets_at", "extras") if getattr(file, name) is not None]
    stated += [name for name in ("left_out", "wrong", "notes") if getattr(file, name)]
    lines += [f"{name} = {toml(getattr(file, name))}" for name in stated]
    if file.values:
        lines += ["[file.values]", *(f"{name} = {toml(cells)}" for name, cells in file.values.items())]
    return "\n".join(lines)


def main() -> None:
    """Write all files and the table of what becomes of them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    files = kept_files()
    for file in files:
        path = folder / file.name
        if file.deterministic or not path.exists():
            path.write_bytes(file.content())
    head = "# What must become of each file; written by scripts/intake_files.py. In values, an empty text is none."
    (folder / "outcomes.toml").write_text("\n\n".join([head, *map(entry, files)]) + "\n", encoding="utf-8")
    print(f"{len(files)} files in {folder}")


if __name__ == "__main__":
    main()
