"""What is wrong with a file is said with file, row, column and remedy, in both languages, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from intake_books import SHEET_END, SHEET_START, hand_made, text_cell
from places import ROOT, SAMPLES
from sqlalchemy import Engine

from matching.cli import main
from matching.errors import FileRefused
from matching.intake.reading import read_bytes, read_file
from matching.ledger.catalogue import current_fields, current_records
from matching.ledger.database import open_ledger
from matching.ledger.uploads import uploads
from matching.pipeline import load
from matching.schema import KINDS, Kind
from matching.wording import LANGUAGES, say

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504
FILES = ROOT / "tests" / "files"
# How a place is worded: file alone, with its row, with row and column.
PLACES = {
    "zh_CN": ("{file}：", "{file} 第 {row} 行：", "{file} 第 {row} 行“{column}”列："),
    "en": ("{file}: ", "{file}, row {row}: ", "{file}, row {row}, column “{column}”: "),
}
SHEETS = {"zh_CN": "{file} 工作表“{sheet}”", "en": "{file}, sheet “{sheet}”"}


@dataclass(frozen=True)
class Bad:
    """A file, where the fault is, and words of the message in each language: the fault's and the remedy's.

    `counts` are the rows read and those of them that are wrong, where the file could be read.
    """

    label: str
    name: str
    content: bytes
    zh_CN: tuple[str, ...]  # noqa: N815
    en: tuple[str, ...]
    row: int | None = None
    column: str = ""
    kind: Kind = "demands"
    settings: dict[str, str] = field(default_factory=dict)
    sheet: str = ""
    counts: tuple[int, int] | None = None

    def place(self, language: str) -> str:
        form = PLACES[language][(self.row is not None) + bool(self.column)]
        file = SHEETS[language].format(file=self.name, sheet=self.sheet) if self.sheet else self.name
        return form.format(file=file, row=self.row, column=self.column)

    def told(self, language: str) -> str:
        if self.counts is None:
            return ""
        rows, refused = self.counts
        return say("cli.load_refused", language, file=self.name, rows=rows, refused=refused) + "\n"

    def progress(self, language: str) -> str:
        """What is said before the problem: that the file could be read, where it could."""
        return say("step.done", language, step=say("step.read", language)) + "\n" if self.counts else ""


def workbook(*rows: list[object]) -> bytes:
    target = BytesIO()
    with xlsxwriter.Workbook(target) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate(rows):
            sheet.write_row(row, 0, cells)
    return target.getvalue()


def table(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def heavy_row(number: int) -> str:
    """A row of four cells: 190,000 of them take any machine more than a second."""
    cells = "".join(f'<c r="{column}{number}"><v>1</v></c>' for column in "ABCD")
    return f'<row r="{number}">{cells}</row>'


def kept(name: str) -> bytes:
    return (FILES / name).read_bytes()


DAMAGED = (
    ("文件已损坏或不完整", "请在 Excel 中打开检查，另存后重新上传"),
    ("The file is damaged or incomplete", "Open it in Excel, save it anew"),
)
PASSWORD = (("文件设有密码", "请在 Excel 中去掉密码"), ("The file has a password", "Remove the password in Excel"))
MACROS = (("工作簿含有宏", "请另存为不含宏的 .xlsx"), ("The workbook has macros", "Save it as .xlsx without macros"))
WEB_PAGE = (
    ("内容是网页", "请在 Excel 中打开后另存为 .xlsx"),
    ("This is a web page", "Open it in Excel and save it as"),
)
ENTITIES = (
    ("文件内含外部或嵌套实体定义", "请把数据复制到新的工作簿"),
    ("The file defines entities", "Copy the data to a new workbook"),
)
FAR = (
    ("工作表的范围超过 20,000,000 个单元格", "请删去多余的行和列"),
    ("reaches over more than 20,000,000 cells", "Delete the superfluous rows and columns"),
)


def mislabelled(suffix: str, found: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return (
        (f"文件名以 {suffix} 结尾，内容却是 {found}", "请用正确的扩展名"),
        (f"The name ends with {suffix}, but the content is {found}", "Give it the right suffix"),
    )


def unpacks(megabytes: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return (
        (f"文件解压后超过 {megabytes} MB", "请把数据复制到新的工作簿"),
        (f"unpacks to more than {megabytes} MB", "Copy the data to a new workbook"),
    )


BAD = [
    Bad(
        "unknown type", "demands.txt", table("需求名称", "甲"),
        ("不认识的文件类型“.txt”", "请另存为 .xlsx 或 .csv"), ("Unknown file type “.txt”", "Save it as .xlsx or .csv"),
    ),
    Bad(
        "no type", "demands", table("需求名称", "甲"),
        ("不认识的文件类型“-”", ".xls、.ods、.tsv 也可以"), ("Unknown file type “-”", ".xls, .ods and .tsv are taken"),
    ),
    Bad("old workbook without its streams", "demands.xls", OLE, *DAMAGED),
    Bad("old workbook cut short", "demands.xls", kept("truncated.xls"), *DAMAGED),
    Bad("open document cut short", "demands.ods", kept("truncated.ods"), *DAMAGED),
    Bad("workbook with a password", "demands.xlsx", kept("encrypted.xlsx"), *PASSWORD),
    Bad("old workbook with a password", "demands.xls", kept("encrypted.xls"), *PASSWORD),
    Bad("open document with a password", "demands.ods", kept("encrypted.ods"), *PASSWORD),
    Bad("workbook of macros", "demands.xlsm", kept("macros.xlsm"), *MACROS),
    Bad("macros by another name", "demands.xlsx", kept("macros_named.xlsx"), *MACROS),
    Bad("web page named workbook", "demands.xls", kept("html_named.xls"), *WEB_PAGE),
    Bad("web page named text", "demands.csv", b"\n <TABLE><tr><td>1</td></tr></TABLE>", *WEB_PAGE),
    Bad("PDF named workbook", "demands.xlsx", kept("pdf_named.xlsx"), *mislabelled(".xlsx", "PDF")),
    Bad("new workbook named old", "demands.xls", kept("xlsx_named.xls"), *mislabelled(".xls", "xlsx")),
    Bad("Word document", "demands.xlsx", kept("docx_named.xlsx"), *mislabelled(".xlsx", "Word")),
    Bad("zip bomb", "demands.xlsx", kept("zip_bomb_sheet.xlsx"), *unpacks(50),
        settings={"DUIJIE_UNPACKED_MEGABYTES": "50"}),
    Bad("zip bomb that lies of its size", "demands.xlsx", kept("zip_bomb_false_size.xlsx"), *DAMAGED),
    Bad("far cells", "demands.xlsx", kept("far_cells.xlsx"), *FAR),
    Bad("far cells of an open document", "demands.ods", kept("far_cells.ods"), *FAR),
    Bad("entities", "demands.xlsx", kept("laughs_in_sheet.xlsx"), *ENTITIES),
    Bad("entities of an open document", "demands.ods", kept("outside_entity.ods"), *ENTITIES),
    Bad("file over its size", "demands.csv", b"a" * (1024 * 1024 + 1),
        ("文件超过 1 MB", "请拆成几个文件"), ("The file is larger than 1 MB", "Split it"),
        settings={"DUIJIE_UPLOAD_MEGABYTES": "1"}),
    Bad("too many rows", "demands.csv", table("需求名称", "甲", "乙", "丙"),
        ("文件超过 3 行", "请拆成几个文件"), ("The file has more than 3 rows", "Split it"),
        settings={"DUIJIE_TABLE_ROWS": "3"}),
    Bad("too much text", "demands.csv", table("需求名称", *("长" * 300 for _ in range(4))),
        ("表格文字总量超过 1,000 个字", "请拆成几个文件"), ("more than 1,000 characters", "Split it"),
        settings={"DUIJIE_TABLE_CHARACTERS": "1000"}),
    Bad("too heavy", "demands.xlsx",
        hand_made([SHEET_START, *(heavy_row(n) for n in range(1, 190_000)), SHEET_END]),
        ("超出内存或 1 秒时间的限制", "请把数据复制到新的工作簿"),
        ("than the limit of 1 seconds allows", "Copy the data"),
        settings={"DUIJIE_WORKBOOK_SECONDS": "1", "DUIJIE_WORKBOOK_MEMORY_MEGABYTES": "256"}),
    Bad("empty csv", "demands.csv", b"", ("文件是空的", "先填写内容"), ("The file is empty", "fill it in first")),
    Bad("empty workbook", "demands.xlsx", b"", ("文件是空的", "先填写内容"), ("The file is empty", "fill it in first")),
    Bad("blank sheet", "demands.xlsx", workbook(), ("文件是空的", "先填写内容"), ("file is empty", "fill it in first")),
    Bad(
        "missing title column", "demands.csv", table("", "需求编号,单位名称", "X1,某公司"),
        ("找不到这一列", "需求名称、技术需求名称", "需求编号、单位名称", "请在表头中加上这一列"),
        ("This column is missing", "需求名称, 技术需求名称", "需求编号, 单位名称", "Add the column to the heading row"),
        row=2, column="需求名称",
    ),
    Bad(
        "missing title column of achievements", "catalogue.xlsx", workbook(["登记号", "完成单位"], ["A1", "某所"]),
        ("找不到这一列", "成果名称、", "请在表头中加上这一列"),
        ("This column is missing", "成果名称, ", "Add the column to the heading row"),
        row=1, column="成果名称", kind="achievements",
    ),
    Bad(
        "no rows", "demands.csv", table("需求编号,需求名称", ",", ""),
        ("第 1 行表头之后没有数据", "请填写至少一行"), ("no rows below the heading in row 1", "Fill in at least one"),
    ),
    Bad(
        "no rows in a workbook", "demands.xlsx", workbook(["技术需求表"], ["需求编号", "需求名称"]),
        ("第 2 行表头之后没有数据", "请填写至少一行"), ("no rows below the heading in row 2", "Fill in at least one"),
    ),
    Bad(
        "no titles at all", "demands.csv", table("需求编号,单位名称,需求名称", "X1,某公司,", "X2,某公司,"),
        ("2 行数据都没有名称", "请填写名称列"), ("None of the 2 rows has a title", "Fill in the title column"),
    ),
    Bad(
        "over-long text", "demands.csv", table("需求名称,主要问题", "甲,短", f"乙,{'长' * 20_001}"),
        ("有 20001 个字，超过上限 20000", "请删减"), ("20001 characters are more than the limit of 20000", "Shorten"),
        row=3, column="主要问题", counts=(2, 1),
    ),
    Bad(
        "over-long text in a workbook", "demands.xlsx",
        workbook(["需求名称", "主要问题（必填）"], ["甲", "长" * 20_001]),
        ("有 20001 个字，超过上限 20000", "请删减"), ("20001 characters are more than the limit of 20000", "Shorten"),
        row=2, column="主要问题（必填）", sheet="Sheet1", counts=(1, 1),
    ),
    Bad(
        "over-long text by a lower limit", "demands.csv", table("需求名称", "长" * 101),
        ("有 101 个字，超过上限 100", "请删减"), ("101 characters are more than the limit of 100", "Shorten"),
        row=2, column="需求名称", settings={"DUIJIE_CELL_CHARACTERS": "100"}, counts=(1, 1),
    ),
    Bad(
        "text named workbook", "demands.xlsx", table("需求名称", "甲"),
        *mislabelled(".xlsx", "text"),
    ),
    Bad(
        "workbook named text", "demands.csv", workbook(["需求名称"], ["甲"]),
        *mislabelled(".csv", "xlsx"),
    ),
    Bad(
        "old file named workbook", "demands.xlsx", OLE,
        *mislabelled(".xlsx", "OLE"),
    ),
    Bad(
        "damaged workbook", "demands.xlsx", workbook(["需求名称"], ["甲"])[:900],
        *DAMAGED,
    ),
    Bad(
        "broken csv", "demands.csv", table("需求名称,主要问题", '甲,"没有收尾', "乙,丙"),
        ("引号或分隔符不完整", "另存为 CSV UTF-8"), ("Quotes or separators of the CSV are incomplete", "CSV UTF-8"),
    ),
    Bad(
        "unknown encoding", "demands.csv", table("需求名称", "甲") + b"\xff\xff",
        ("文字编码不是 UTF-8、GB18030 或 UTF-16", "另存为 CSV UTF-8"),
        ("not in UTF-8, GB18030 or UTF-16", "as CSV UTF-8"),
    ),
    Bad(
        "unreadable amount", "demands.csv", table("需求名称,拟投入资金(万元)", "甲,5", "乙,五百头"),
        ("“五百头”不是金额", "请写成数字，如 120 或 35.5"),
        ("“五百头” is not an amount", "Write a number such as 120 or 35.5"),
        row=3, column="拟投入资金(万元)", counts=(2, 1),
    ),
    Bad(
        "amount beyond all money", "demands.csv", table("需求名称,拟投入资金(万元)", "甲,99999999999999999999"),
        ("“99999999999999999999”不是金额", "请写成数字"), ("“99999999999999999999” is not an amount", "Write a number"),
        row=2, column="拟投入资金(万元)", counts=(1, 1),
    ),
    Bad(
        "unreadable date", "demands.xlsx", workbook(["需求名称", "需求时限"], ["甲", "尽快"]),
        ("“尽快”不是日期", "请写成 2027-06-30"), ("“尽快” is not a date", "Write it like 2027-06-30"),
        row=2, column="需求时限", sheet="Sheet1", counts=(1, 1),
    ),
    Bad(
        "unreadable choice", "demands.csv", table("需求名称,公开方式", "甲,随便"),
        ("“随便”不在可选范围内", "请填：公开、匿名、不公开"),
        ("“随便” is not one of the choices", "Write one of: 公开, 匿名, 不公开"),
        row=2, column="公开方式", counts=(1, 1),
    ),
    Bad(
        "unreadable yes or no", "catalogue.csv", table("成果名称,是否豁免", "甲,也许"),
        ("“也许”不是“是”或“否”", "请填：是、否"), ("“也许” is neither yes nor no", "Write one of: 是, 否"),
        row=2, column="是否豁免", kind="achievements", counts=(1, 1),
    ),
    Bad(
        "error of a spreadsheet", "demands.xlsx", workbook(["需求名称", "预算"], ["甲", "#REF!"]),
        ("显示的是错误值（#REF!）", "请改正公式"), ("Shows an error (#REF!)", "Correct the formula"),
        row=2, column="预算", sheet="Sheet1", counts=(1, 1),
    ),
    Bad(
        "formula without a result", "catalogue.xlsx",
        hand_made([SHEET_START, f'<row r="1">{text_cell("A1", "成果名称")}{text_cell("B1", "价格")}</row>'
                   f'<row r="2">{text_cell("A2", "甲")}<c r="B2"><f>1+1</f></c></row>', SHEET_END]),
        ("公式没有计算结果", "重新计算并保存"), ("The formula has no result", "recalculate and save it"),
        row=2, column="价格", kind="achievements", sheet="S", counts=(1, 1),
    ),
    Bad(
        "month that may have lost its zero", "catalogue.xlsx", workbook(["成果名称", "完成日期"], ["甲", 2024.1]),
        ("“2024.1”可能是 1 月", "请写成 2024-01 或 2024-10"), ("“2024.1” may be January", "Write 2024-01 or 2024-10"),
        row=2, column="完成日期", kind="achievements", sheet="Sheet1", counts=(1, 1),
    ),
    Bad(
        "same id with other content", "demands.csv", table("需求编号,需求名称", "X1,甲", "X2,乙", "X1,丙"),
        ("编号“X1”与第 2 行相同而内容不同", "请给每行不同的编号"),
        ("The number “X1” is that of row 2, but the content differs", "Give each row its own number"),
        row=4, counts=(3, 1),
    ),
    Bad(
        "one good row does not save a bad one", "demands.csv",
        table("需求编号,需求名称,预算", "XQ2026001,改了,1", "X2,乙,不少"),
        ("“不少”不是金额", "请写成数字"), ("“不少” is not an amount", "Write a number"),
        row=3, column="预算", counts=(2, 1),
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A ledger that holds both samples; the tests below must leave it as it is."""
    engine = open_ledger(f"sqlite:///{tmp_path_factory.mktemp('filled') / 'ledger.sqlite'}")
    load(engine, read_file(SAMPLES / "demands.csv", "demands"), "甲")
    load(engine, read_file(SAMPLES / "achievements.csv", "achievements"), "甲")
    yield engine
    engine.dispose()


def contents(engine: Engine) -> list[pl.DataFrame]:
    lists = [take(engine, kind) for kind in KINDS for take in (current_records, current_fields)]
    return [uploads(engine), *lists]


def set_up(bad: Bad, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in bad.settings.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.label)
def test_a_bad_file_is_refused_with_its_place_and_remedy(bad: Bad, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(bad, monkeypatch)
    with pytest.raises(FileRefused) as refused:
        read_bytes(bad.name, bad.content, bad.kind)
    for language in LANGUAGES:
        text = refused.value.text(language)
        assert text.startswith(bad.place(language))
        for words in bad.zh_CN if language == "zh_CN" else bad.en:
            assert words in text


@pytest.mark.parametrize("bad", [bad for bad in BAD if bad.counts], ids=lambda bad: bad.label)
def test_wrong_rows_of_a_bad_file_are_counted(bad: Bad, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(bad, monkeypatch)
    reading = read_bytes(bad.name, bad.content, bad.kind, good_rows=True)
    assert (reading.rows, reading.refused) == bad.counts
    assert reading.frame.height == reading.rows - reading.refused
    assert reading.rejected is not None
    # Of two contents under one id the second is wrong only beside the first.
    assert reading.rejected.height == sum(problem.key != "row.same_id" for problem in reading.wrong)
    for language in LANGUAGES:
        assert reading.wrong[0].text(language).startswith(bad.place(language))


# One of each stage at which a file is refused, in either language.
WHOLE = [
    ("unknown type", "en"),
    ("workbook with a password", "zh_CN"),
    ("zip bomb", "en"),
    ("empty csv", "zh_CN"),
    ("missing title column of achievements", "en"),
    ("no titles at all", "zh_CN"),
    ("unreadable date", "en"),
    ("one good row does not save a bad one", "zh_CN"),
]


@pytest.mark.parametrize(("label", "language"), WHOLE, ids=[label for label, _ in WHOLE])
def test_the_command_tells_what_is_wrong_and_changes_nothing(
    label: str,
    language: str,
    filled: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    [bad] = [each for each in BAD if each.label == label]
    set_up(bad, monkeypatch)
    monkeypatch.setenv("DUIJIE_DATABASE_URL", filled.url.render_as_string(hide_password=False))
    path = tmp_path / bad.name
    path.write_bytes(bad.content)
    before = contents(filled)
    with pytest.raises(SystemExit) as done:
        main(["--language", language, "load", str(path), "--as", bad.kind])
    told = capsys.readouterr()
    assert done.value.code == 1
    assert told.out == bad.told(language)
    assert told.err.startswith(bad.progress(language) + bad.place(language))
    for words in bad.zh_CN if language == "zh_CN" else bad.en:
        assert words in told.err
    after = contents(filled)
    assert all(one.equals(other) for one, other in zip(before, after, strict=True))


def test_the_ledger_compared_above_holds_both_samples(filled: Engine) -> None:
    assert [frame.height for frame in contents(filled)][:2] == [2, 60]
    assert current_records(filled, "achievements").height == 200


def test_every_wrong_cell_of_a_file_is_told_at_once() -> None:
    content = table("需求名称,预算,截止日期,公开方式", "甲,很多,尽快,随便", "乙,若干,2027-06-30,公开")
    with pytest.raises(FileRefused) as refused:
        read_bytes("demands.csv", content, "demands")
    assert [(each.key, each.row, each.column) for each in refused.value.problems] == [
        ("cell.not_money", 2, "预算"),
        ("cell.not_date", 2, "截止日期"),
        ("cell.not_choice", 2, "公开方式"),
        ("cell.not_money", 3, "预算"),
    ]


def test_of_very_many_wrong_cells_the_first_are_told_and_the_rest_counted() -> None:
    content = table("需求名称,预算", *(f"甲{number},若干" for number in range(60)))
    with pytest.raises(FileRefused) as refused:
        read_bytes("demands.csv", content, "demands")
    *told, last = refused.value.problems
    assert [each.row for each in told] == list(range(2, 52))
    assert last.text("zh_CN") == "demands.csv：另有 10 处问题未列出。请先改正以上各处再上传。"
    assert last.text("en") == "demands.csv: 10 more problems are not listed. Correct these first and upload again."


def test_a_long_wrong_cell_is_quoted_shortened() -> None:
    with pytest.raises(FileRefused) as refused:
        read_bytes("demands.csv", table("需求名称,预算", f"甲,{'多' * 500}"), "demands")
    assert refused.value.problems[0].values["text"] == "多" * 60


def test_braces_in_a_cell_do_not_disturb_the_message() -> None:
    with pytest.raises(FileRefused) as refused:
        read_bytes("{file}.csv", table("需求名称,预算({row})", "甲,{text}"), "demands")
    assert refused.value.text().startswith("{file}.csv 第 2 行“预算({row})”列：“{text}”不是金额")


def test_a_refusal_says_how_many_rows_are_wrong_and_good_rows_takes_the_others(
    ledger: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "demands.csv"
    path.write_bytes(table("需求名称,预算,截止日期", "甲,若干,尽快", "乙,5,2027-06-30", "合计,5,"))
    with pytest.raises(SystemExit) as done:
        main(["load", str(path), "--as", "demands"])
    assert done.value.code == 1
    assert capsys.readouterr().out.startswith("demands.csv：读到 3 行，其中 1 行有误；没有载入任何内容")
    with pytest.raises(SystemExit) as done:
        main(["load", str(path), "--as", "demands", "--good-rows"])
    assert done.value.code == 0
    assert "新增 1，更新 0，未变 0，有误未载入 1，不是记录 1" in capsys.readouterr().out
    assert current_records(ledger, "demands")["title"].to_list() == ["乙"]
