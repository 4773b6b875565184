"""What is wrong with a file is said with file, row, column and remedy, in both languages, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from places import SAMPLES
from sqlalchemy import Engine

from matching.cli import main
from matching.errors import FileRefused
from matching.intake.reading import read_bytes, read_file
from matching.ledger.catalogue import current_fields, current_records
from matching.ledger.uploads import uploads
from matching.ledger.database import open_ledger
from matching.pipeline import load
from matching.schema import KINDS, Kind
from matching.wording import LANGUAGES

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504
# How a place is worded: file alone, with its row, with row and column.
PLACES = {
    "zh_CN": ("{file}：", "{file} 第 {row} 行：", "{file} 第 {row} 行“{column}”列："),
    "en": ("{file}: ", "{file}, row {row}: ", "{file}, row {row}, column “{column}”: "),
}


@dataclass(frozen=True)
class Bad:
    """A file, where the fault is, and words of the message in each language: the fault's and the remedy's."""

    label: str
    name: str
    content: bytes
    zh_CN: tuple[str, ...]  # noqa: N815
    en: tuple[str, ...]
    row: int | None = None
    column: str = ""
    kind: Kind = "demands"
    settings: dict[str, str] = field(default_factory=dict)

    def place(self, language: str) -> str:
        form = PLACES[language][(self.row is not None) + bool(self.column)]
        return form.format(file=self.name, row=self.row, column=self.column)


def workbook(*rows: list[object]) -> bytes:
    target = BytesIO()
    with xlsxwriter.Workbook(target) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate(rows):
            sheet.write_row(row, 0, cells)
    return target.getvalue()


def table(*lines: str) -> bytes:
    return "\n".join(lines).encode()


BAD = [
    Bad(
        "unknown type", "demands.txt", table("需求名称", "甲"),
        ("不认识的文件类型“.txt”", "请另存为 .xlsx 或 .csv"), ("Unknown file type “.txt”", "Save it as .xlsx or .csv"),
    ),
    Bad(
        "old type", "demands.xls", OLE,
        ("不认识的文件类型“.xls”", "请另存为 .xlsx 或 .csv"), ("Unknown file type “.xls”", "Save it as .xlsx or .csv"),
    ),
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
        "no titles at all", "demands.csv", table("需求编号,需求名称", "X1,", "X2,"),
        ("2 行数据都没有名称", "请填写名称列"), ("None of the 2 rows has a title", "Fill in the title column"),
    ),
    Bad(
        "over-long text", "demands.csv", table("需求名称,主要问题", "甲,短", f"乙,{'长' * 20_001}"),
        ("有 20001 个字，超过上限 20000", "请删减"), ("20001 characters are more than the limit of 20000", "Shorten"),
        row=3, column="主要问题",
    ),
    Bad(
        "over-long text in a workbook", "demands.xlsx",
        workbook(["需求名称", "主要问题（必填）"], ["甲", "长" * 20_001]),
        ("有 20001 个字，超过上限 20000", "请删减"), ("20001 characters are more than the limit of 20000", "Shorten"),
        row=2, column="主要问题（必填）",
    ),
    Bad(
        "over-long text by a lower limit", "demands.csv", table("需求名称", "长" * 101),
        ("有 101 个字，超过上限 100", "请删减"), ("101 characters are more than the limit of 100", "Shorten"),
        row=2, column="需求名称", settings={"DUIJIE_CELL_CHARACTERS": "100"},
    ),
    Bad(
        "text named workbook", "demands.xlsx", table("需求名称", "甲"),
        ("内容却不是 Excel 工作簿", "另存为 .xlsx"), ("is not an Excel workbook", "save it as .xlsx"),
    ),
    Bad(
        "workbook named text", "demands.csv", workbook(["需求名称"], ["甲"]),
        ("内容是 Excel 工作簿", "请改名为 .xlsx"), ("an Excel workbook named .csv", "Rename it to .xlsx"),
    ),
    Bad(
        "encrypted or old workbook", "demands.xlsx", OLE,
        ("设有密码，或是旧的 .xls 格式", "请去掉密码并另存为 .xlsx"),
        ("has a password or is in the old .xls format", "Remove the password and save it as .xlsx"),
    ),
    Bad(
        "damaged workbook", "demands.xlsx", workbook(["需求名称"], ["甲"])[:900],
        ("工作簿已损坏", "请把数据复制到新的工作簿"), ("The workbook is damaged", "Copy the data into a new workbook"),
    ),
    Bad(
        "broken csv", "demands.csv", table("需求名称,主要问题", '甲,"没有收尾', "乙,丙"),
        ("引号或分隔符不完整", "另存为 CSV UTF-8"), ("Quotes or separators of the CSV are incomplete", "CSV UTF-8"),
    ),
    Bad(
        "unknown encoding", "demands.csv", "需求名称\n甲\n".encode("utf-16"),
        ("既不是 UTF-8 也不是 GB18030", "另存为 CSV UTF-8"), ("neither UTF-8 nor GB18030", "as CSV UTF-8"),
    ),
    Bad(
        "unreadable amount", "demands.csv", table("需求名称,拟投入资金(万元)", "甲,5", "乙,面议"),
        ("“面议”不是金额", "请写成数字，如 120 或 35.5"),
        ("“面议” is not an amount", "Write a number such as 120 or 35.5"),
        row=3, column="拟投入资金(万元)",
    ),
    Bad(
        "amount beyond all money", "demands.csv", table("需求名称,拟投入资金(万元)", "甲,99999999999999999999"),
        ("“99999999999999999999”不是金额", "请写成数字"), ("“99999999999999999999” is not an amount", "Write a number"),
        row=2, column="拟投入资金(万元)",
    ),
    Bad(
        "unreadable date", "demands.xlsx", workbook(["需求名称", "需求时限"], ["甲", "长期有效"]),
        ("“长期有效”不是日期", "请写成 2027-06-30"), ("“长期有效” is not a date", "Write it like 2027-06-30"),
        row=2, column="需求时限",
    ),
    Bad(
        "unreadable choice", "demands.csv", table("需求名称,公开方式", "甲,随便"),
        ("“随便”不在可选范围内", "请填：公开、匿名、不公开"),
        ("“随便” is not one of the choices", "Write one of: 公开, 匿名, 不公开"),
        row=2, column="公开方式",
    ),
    Bad(
        "unreadable yes or no", "catalogue.csv", table("成果名称,是否豁免", "甲,也许"),
        ("“也许”不是“是”或“否”", "请填：是、否"), ("“也许” is neither yes nor no", "Write one of: 是, 否"),
        row=2, column="是否豁免", kind="achievements",
    ),
    Bad(
        "same id with other content", "demands.csv", table("需求编号,需求名称", "X1,甲", "X2,乙", "X1,丙"),
        ("编号“X1”与第 2 行相同而内容不同", "请给每行不同的编号"),
        ("The number “X1” is that of row 2, but the content differs", "Give each row its own number"),
        row=4,
    ),
    Bad(
        "one good row does not save a bad one", "demands.csv",
        table("需求编号,需求名称,预算", "XQ2026001,改了,1", "X2,乙,无"),
        ("“无”不是金额", "请写成数字"), ("“无” is not an amount", "Write a number"),
        row=3, column="预算",
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


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.label)
def test_a_bad_file_is_refused_with_its_place_and_remedy_and_changes_nothing(
    bad: Bad,
    language: str,
    filled: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DUIJIE_DATABASE_URL", filled.url.render_as_string(hide_password=False))
    for name, value in bad.settings.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / bad.name
    path.write_bytes(bad.content)
    before = contents(filled)
    with pytest.raises(SystemExit) as done:
        main(["--language", language, "load", str(path), "--as", bad.kind])
    told = capsys.readouterr()
    assert done.value.code == 1
    assert told.out == ""
    assert told.err.startswith(bad.place(language))
    for words in bad.zh_CN if language == "zh_CN" else bad.en:
        assert words in told.err
    after = contents(filled)
    assert all(one.equals(other) for one, other in zip(before, after, strict=True))


def test_the_ledger_compared_above_holds_both_samples(filled: Engine) -> None:
    assert [frame.height for frame in contents(filled)][:2] == [2, 60]
    assert current_records(filled, "achievements").height == 200


def test_every_wrong_cell_of_a_file_is_told_at_once() -> None:
    content = table("需求名称,预算,截止日期,公开方式", "甲,面议,长期,随便", "乙,无,2027-06-30,公开")
    with pytest.raises(FileRefused) as refused:
        read_bytes("demands.csv", content, "demands")
    assert [(each.key, each.row, each.column) for each in refused.value.problems] == [
        ("cell.not_money", 2, "预算"),
        ("cell.not_date", 2, "截止日期"),
        ("cell.not_choice", 2, "公开方式"),
        ("cell.not_money", 3, "预算"),
    ]


def test_of_very_many_wrong_cells_the_first_are_told_and_the_rest_counted() -> None:
    content = table("需求名称,预算", *(f"甲{number},无" for number in range(60)))
    with pytest.raises(FileRefused) as refused:
        read_bytes("demands.csv", content, "demands")
    *told, last = refused.value.problems
    assert [each.row for each in told] == list(range(2, 52))
    assert last.text("zh_CN") == "demands.csv：另有 10 处问题未列出。请先改正以上各处再上传。"
    assert last.text("en") == "demands.csv: 10 more problems are not listed. Correct these first and upload again."


def test_a_long_wrong_cell_is_quoted_shortened() -> None:
    with pytest.raises(FileRefused) as refused:
        read_bytes("demands.csv", table("需求名称,预算", f"甲,{'无' * 500}"), "demands")
    assert refused.value.problems[0].values["text"] == "无" * 60


def test_braces_in_a_cell_do_not_disturb_the_message() -> None:
    with pytest.raises(FileRefused) as refused:
        read_bytes("{file}.csv", table("需求名称,预算({row})", "甲,{text}"), "demands")
    assert refused.value.text().startswith("{file}.csv 第 2 行“预算({row})”列：“{text}”不是金额")
