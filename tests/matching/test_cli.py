"""The command line: what it prints, what it writes, and the code it ends with."""

from __future__ import annotations

import csv
import importlib.metadata
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from places import SAMPLES
from python_calamine import CalamineWorkbook
from sqlalchemy import Engine, insert, select

from matching.cli import main
from matching.fields.taxonomies import load_taxonomies
from matching.intake.judgements import read_judgements
from matching.ledger.catalogue import current_records
from matching.ledger.database import open_ledger, reading, writing
from matching.ledger.judgements import learned_model
from matching.ledger.tables import level_model, pair_level
from matching.ledger.uploads import uploads
from matching.schema import CANDIDATES
from matching.settings import Settings
from matching.wording import say

DEMANDS = SAMPLES / "demands.csv"
ACHIEVEMENTS = SAMPLES / "achievements.xlsx"
SMALL_DEMANDS = "需求编号,需求名称,主要问题\nD1,光纤传感器封装,低温下光纤断裂\nD2,大豆色选,霉变大豆识别\n"
SMALL_ACHIEVEMENTS = "登记号,成果名称\nA1,光纤传感器低温封装工艺\nA2,大豆霉变识别色选机\nA3,钢筋混凝土养护\n"
# What a reader is given of a candidate: what further judgements are learned with is for the program alone.
TABLE = [name for name in CANDIDATES if name not in ("unlimited", "covariances")]


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: object
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(capsys)


class Run:
    """Runs a command in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: object) -> Said:
        with pytest.raises(SystemExit) as done:
            main([str(argument) for argument in arguments])
        told = self.capsys.readouterr()
        return Said(done.value.code, told.out, told.err)


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Path]:
    """Two small lists."""
    paths = tmp_path / "demands.csv", tmp_path / "achievements.csv"
    for path, text in zip(paths, (SMALL_DEMANDS, SMALL_ACHIEVEMENTS), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as source:
        return list(csv.reader(source))


def test_two_files_are_matched_into_a_csv_with_the_columns_of_the_schema(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "candidates.csv"
    said = run("match", DEMANDS, ACHIEVEMENTS, "--top", 3, "--output", output)
    assert (said.code, said.out) == (0, f"180 个候选已写入 {output}\n")
    steps = ["读取文件", "读取文件", "判定领域", "向量化文本", "排序候选"]
    assert said.err.splitlines() == [f"{step}：完成" for step in steps]
    heading, *rows = table(output)
    assert heading == TABLE
    assert len(rows) == 180
    assert [row[heading.index("rank")] for row in rows[:4]] == ["1", "2", "3", "1"]
    assert output.read_bytes().startswith(b"\xef\xbb\xbf")


def test_the_same_files_give_the_same_list(run: Run, small: tuple[Path, Path], tmp_path: Path) -> None:
    outputs = [tmp_path / name for name in ("one.csv", "two.csv")]
    for output in outputs:
        assert run("match", *small, "--output", output).code == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert [(row[0], row[4]) for row in table(outputs[0])[1:] if row[3] == "1"] == [("D1", "A1"), ("D2", "A2")]


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_two_files_are_matched_into_a_workbook_with_headings_in_words(
    language: str, run: Run, small: tuple[Path, Path], tmp_path: Path
) -> None:
    # A title of marks alone has neither text nor fields, but it is a title.
    small[0].write_text(SMALL_DEMANDS.replace("大豆色选", "光纤熔接") + "D3,——,\n", encoding="utf-8")
    small[1].write_text("登记号,成果名称\nA1,光纤传感器低温封装工艺\nA3,——\n", encoding="utf-8")
    output = tmp_path / "candidates.xlsx"
    said = run("--language", language, "match", *small, "--top", 2, "--output", output)
    assert said.code == 0
    workbook = CalamineWorkbook.from_path(output)
    assert workbook.sheet_names == [say("sheet.candidates", language)]
    heading, *rows = workbook.get_sheet_by_index(0).to_python()
    assert heading == [say(f"column.{name}", language) for name in TABLE]
    assert ("需求编号" in heading) == (language == "zh_CN")
    # A pair that shares nothing is no candidate.
    assert len(rows) == 2
    assert [(row[0], row[4]) for row in rows] == [("D1", "A1"), ("D2", "A1")]
    assert rows[0][:2] == ["D1", "光纤传感器封装"]
    assert rows[0][heading.index(say("column.rank", language))] == 1


def test_rows_and_columns_that_were_not_read_are_told(run: Run, small: tuple[Path, Path], tmp_path: Path) -> None:
    rows = "".join(f"D{number},,x\n" for number in range(3, 16))
    small[0].write_text(SMALL_DEMANDS.replace("主要问题", "机构属性") + rows, encoding="utf-8")
    said = run("match", *small, "--output", tmp_path / "candidates.csv")
    assert said.code == 0
    told = [line for line in said.err.splitlines() if not line.endswith("：完成")]
    assert told[0] == "demands.csv 第 4 行：没有名称，未读入。请补上名称。"
    assert told[10] == "demands.csv：另有 3 行未读入"
    assert told[11] == "demands.csv：这些列没有对应的字段，原样保留：机构属性"


def loaded(file: str, language: str = "zh_CN", **counts: int) -> str:
    """What is said of a file that was loaded."""
    names = ("new", "changed", "unchanged", "refused", "left_out", "missing")
    return say("cli.loaded", language, file=file, **dict.fromkeys(names, 0) | counts) + "\n"


def by_order(out: str, language: str) -> dict[str, tuple[float, float]]:
    """nDCG@10 and MAP of each order of an evaluation."""
    names = ("bm25", "tf_idf", "retrieval", "model", "unseen", "unseen_by_id", "seen")
    name_of = {say(f"order.{name}", language): name for name in names}
    lines = [(line, line.split()) for line in out.splitlines()[2:]]
    return {name_of[line.split("  ")[-1]]: (float(cells[0]), float(cells[2])) for line, cells in lines}


def test_evaluation_prints_both_measures_computed_by_hand(run: Run, small: tuple[Path, Path], tmp_path: Path) -> None:
    judged = tmp_path / "judged.csv"
    judged.write_text(
        # D1: A1 comes first as it should. D2: A2 comes first, but A3, which shares nothing, is the better one.
        "demand_id,achievement_id,level\nD1,A1,4\nD1,A3,1\nD2,A2,1\nD2,A3,2\n",
        encoding="utf-8",
    )
    said = run("evaluate", "--demands", small[0], "--achievements", small[1], "--judgements", judged)
    assert said.code == 0
    # nDCG: 1 and (1 / log2(3)) / (1 / log2(2)) = 0.6309, their mean 0.8155; average precision: 1 and 1/2.
    told, heading, *lines = said.out.splitlines()
    assert told == say("cli.evaluated", demands=2, pairs=4)
    assert heading.split() == ["nDCG@10", "95", "%", "MAP", "1/(1+MAE)", "ECE"]
    names = ("bm25", "tf_idf", "retrieval", "model")
    assert [line.split("  ")[-1] for line in lines] == [say(f"order.{name}") for name in names]
    for line in lines[:3]:
        assert line.split()[:5] == ["0.8155", "0.6309-1.0000", "0.7500", "-", "-"]
    assert all(0 <= float(figure) <= 1 for figure in lines[3].split()[2:5])


def test_evaluation_reaches_the_known_quality_on_the_judged_pairs(run: Run, judged_pairs: Path) -> None:
    files = [f"--{name}={judged_pairs / name}.csv" for name in ("demands", "achievements", "judgements")]
    said = run("--language", "en", "evaluate", *files)
    assert said.code == 0
    ndcg, mean_precision = by_order(said.out, "en")["retrieval"]
    assert ndcg >= 0.70
    assert 0.8 <= mean_precision <= 1
    assert "4 more rows were left out" in said.err


def test_a_wrong_judgement_ends_the_evaluation(run: Run, small: tuple[Path, Path], tmp_path: Path) -> None:
    judged = tmp_path / "judged.csv"
    judged.write_text("demand_id,achievement_id,level\nD1,A1,9\n", encoding="utf-8")
    said = run("evaluate", "--demands", small[0], "--achievements", small[1], "--judgements", judged)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("judged.csv 第 2 行“level”列：等级应为 1、2、3 或 4")


def test_lists_are_loaded_matched_and_reported(run: Run, tmp_path: Path) -> None:
    report = tmp_path / "report.xlsx"
    for path, kind, count in ((DEMANDS, "demands", 60), (ACHIEVEMENTS, "achievements", 200)):
        said = run("load", path, "--as", kind)
        assert said.code == 0
        assert said.out == loaded(path.name, rows=count, new=count)
    said = run("match", "--top", 2)
    assert (said.code, said.out) == (0, "第 1 次匹配：60 条需求 × 200 项成果，120 个候选\n")
    again = run("match", "--top", 2)
    assert (again.code, again.out) == (0, said.out)
    said = run("--language", "en", "stats", "--output", report)
    assert said.code == 0
    assert said.out.splitlines()[:4] == [
        "        60  Demands",
        "       200  Achievements",
        "       120  Candidates",
        "         0  Reviewed",
    ]
    assert said.out.splitlines()[-1] == f"Report written to {report}"
    sheets = CalamineWorkbook.from_path(report).sheet_names
    assert sheets[:2] == [say("sheet.cover", "en"), say("stats.funnel", "en")]


def test_loading_twice_says_unchanged_and_a_changed_row_says_changed(run: Run, small: tuple[Path, Path]) -> None:
    said = [run("--language", "en", "load", small[0], "--as", "demands").out for _ in range(2)]
    assert said[0] == loaded("demands.csv", "en", rows=2, new=2)
    assert said[1] == loaded("demands.csv", "en", rows=2, unchanged=2)
    assert said[1].startswith("demands.csv: 2 rows read; 0 new, 0 changed, 2 unchanged, 0 refused, 0 left out, ")
    small[0].write_text(SMALL_DEMANDS.replace("霉变大豆识别", "虫食大豆识别") + "D3,,x\n", encoding="utf-8")
    changed = run("load", small[0], "--as", "demands")
    assert changed.out == (
        "demands.csv：读到 3 行；新增 0，更新 1，未变 1，有误未载入 0，不是记录 1，最新文件中未见 0\n"
    )
    told = changed.err.splitlines()
    assert told[:2] == ["读取文件：完成", "demands.csv 第 4 行：没有名称，未读入。请补上名称。"]
    done = [say("step.done", step=say(f"step.{step}")) for step in ("read", "compare", "fields", "write")]
    assert [line for line in told if line in done] == done


def test_a_refused_file_leaves_the_ledger_as_it_was(run: Run, small: tuple[Path, Path], tmp_path: Path) -> None:
    assert run("load", small[0], "--as", "demands").code == 0
    small[0].write_text("需求编号,需求名称,预算\nD1,改了,好商量\nD2,也改了,\n", encoding="utf-8")
    said = run("load", small[0], "--as", "demands")
    assert (said.code, said.out) == (1, say("cli.load_refused", file="demands.csv", rows=2, refused=1) + "\n")
    assert "好商量" in said.err
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    assert current_records(ledger, "demands")["title"].to_list() == ["光纤传感器封装", "大豆色选"]
    assert uploads(ledger).height == 1
    ledger.dispose()


def test_matching_an_empty_ledger_is_refused(run: Run, small: tuple[Path, Path]) -> None:
    assert run("match").code == 1
    assert run("load", small[0], "--as", "demands").code == 0
    said = run("--language", "en", "match")
    assert (said.code, said.out) == (1, "")
    assert said.err == say("ledger.no_records", "en") + "\n"


def test_an_empty_ledger_has_figures_of_zero(run: Run, tmp_path: Path) -> None:
    said = run("stats", "--output", tmp_path / "report.xlsx")
    assert said.code == 0
    assert {line.split()[0] for line in said.out.splitlines()[:-1]} == {"0"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("match", "a.csv"), "匹配两个文件需要同时给出"),
        (("match", "a.csv", "b.csv"), "匹配两个文件需要同时给出"),
        (("match", "a.csv", "b.csv", "--output", "list.txt"), "输出文件 list.txt 应以 .xlsx 或 .csv 结尾"),
        (("match", "none.csv", "none.csv", "--output", "list.csv"), "打不开文件 none.csv"),
        (("match", "--top", "0"), "命令有误"),
        (("match", "--top", "1001"), "命令有误"),
        (("load", "none.csv", "--as", "demands"), "打不开文件 none.csv"),
        (("load", "none.csv"), "命令有误"),
        (("load", "none.csv", "--as", "deals"), "命令有误"),
        (("stats",), "请用 --output 给出文件"),
        (("stats", "--output", "report.csv"), "文件 report.csv 与格式 csv 不符"),
        (("stats", "--output", "report.xlsx", "--format", "html"), "文件 report.xlsx 与格式 html 不符"),
        (("stats", "--by", "colour"), "不能按“colour”统计"),
        (("stats", "--by", "field,city,quarter"), "最多按 2 个不同的维度统计"),
        (("stats", "--by", "city,city"), "最多按 2 个不同的维度统计"),
        (("stats", "--from", "2026-02-30"), "命令有误"),
        (("stats", "--from", "2026-02-02", "--to", "2026-02-01"), "起始日期 2026-02-02 晚于截止日期 2026-02-01"),
        (("stats", "--as-of", "yesterday"), "看不懂时点“yesterday”"),
        (("stats", "--as-of", "2999-01-01"), "时点“2999-01-01”还没有到"),
        (("policy", "one"), "命令有误"),
        (("serve", "--port", "0"), "命令有误"),
        (("evaluate",), "命令有误"),
        (("score",), "命令有误"),
        (("learn", "--judged-pairs", "none"), "命令有误"),
        (("no-such-command",), "命令有误"),
        (("--language", "fr", "stats"), "命令有误"),
    ],
)
def test_a_wrong_call_ends_with_two_and_writes_nothing(
    arguments: tuple[str, ...], words: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run(*arguments)
    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_call_is_told_in_english_when_asked(run: Run) -> None:
    for language in (("--language", "en"), ("--language=en",)):
        said = run(*language, "match", "a.csv")
        assert (said.code, said.err) == (2, say("call.match_needs", "en") + "\n")


def test_the_language_of_the_settings_is_spoken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIJIE_LANGUAGE", "en")
    assert run("match").err == say("ledger.no_records", "en") + "\n"
    assert run("--language", "zh_CN", "match").err == say("ledger.no_records", "zh_CN") + "\n"


def test_an_output_in_a_missing_folder_is_a_wrong_call_and_leaves_nothing(
    run: Run, small: tuple[Path, Path], tmp_path: Path
) -> None:
    before = sorted(tmp_path.iterdir())
    for output in (tmp_path / "none" / "list.csv", tmp_path / "none" / "list.xlsx"):
        said = run("match", *small, "--output", output)
        assert (said.code, said.out) == (2, "")
        assert f"无法写入 {output}" in said.err
    assert sorted(tmp_path.iterdir()) == before


def test_an_output_below_a_file_is_a_wrong_call(run: Run, small: tuple[Path, Path]) -> None:
    said = run("match", *small, "--output", small[0] / "list.csv")
    assert (said.code, said.out) == (2, "")
    assert f"无法写入 {small[0] / 'list.csv'}" in said.err


def test_an_output_that_is_a_folder_is_a_wrong_call_and_leaves_nothing(
    run: Run, small: tuple[Path, Path], tmp_path: Path
) -> None:
    output = tmp_path / "list.csv"
    output.mkdir()
    before = sorted(tmp_path.rglob("*"))
    said = run("match", *small, "--output", output)
    assert said.code == 2
    assert f"无法写入 {output}" in said.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_report_in_a_missing_folder_is_a_wrong_call(run: Run, tmp_path: Path) -> None:
    said = run("stats", "--output", tmp_path / "none" / "report.xlsx")
    assert (said.code, said.out) == (2, "")
    assert "无法写入" in said.err
    assert not (tmp_path / "none").exists()


def test_a_taken_port_is_a_wrong_call(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = run("serve", "--port", port)
        english = run("--language", "en", "serve", "--port", port)
    assert (said.code, said.out) == (2, "")
    assert said.err == f"端口 {port} 已被占用。请停止占用它的程序，或用 --port 换一个。\n"
    assert (english.code, english.err) == (2, say("call.port_taken", "en", port=port) + "\n")


def test_a_ledger_that_does_not_open_is_named_without_its_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIJIE_DATABASE_URL", "nosuchdatabase://agent:secret@host/name")
    said = run("match")
    assert (said.code, said.out) == (1, "")
    assert "数据库地址 nosuchdatabase://agent:***@host/name 有误" in said.err
    assert "secret" not in said.err


PRODUCTS = (
    "产品,编号,说明\n玉米秸秆打捆机,007,悬挂式\n ,2,\n光纤传感器,3,低温封装\n,4,滑雪板制造\n"
    '"光纤传感器",3,"含逗号,与\n换行"\n'
)
ADDED = ["code", "name", "parent_name", "confidence", "terms"]


@pytest.fixture
def products(tmp_path: Path) -> Path:
    """A table with five rows; the second has no text, the fourth one in its last column alone."""
    path = tmp_path / "products.csv"
    path.write_text(PRODUCTS, encoding="utf-8")
    return path


def classified(run: Run, table_file: Path, *columns: str, taxonomy: str = "province_4567") -> list[dict[str, str]]:
    """The rows of the written file."""
    output = table_file.with_name("classified.csv")
    chosen = [f"--column={column}" for column in columns]
    said = run("classify", table_file, *chosen, "--taxonomy", taxonomy, "--output", output)
    heading, *rows = table(output)
    known = sum(row[heading.index("code")] != "" for row in rows)
    assert (said.code, said.out) == (0, f"{len(rows)} 行中判定了 {known} 行，结果写入 {output}。\n")
    assert said.err == ""
    assert output.read_bytes().startswith(b"\xef\xbb\xbf")
    return [dict(zip(heading, row, strict=True)) for row in rows]


def test_classifying_keeps_columns_and_rows_and_adds_the_field(run: Run, products: Path) -> None:
    rows = classified(run, products, "产品")
    assert [list(row) for row in rows] == [["产品", "编号", "说明", *ADDED]] * 5
    given = [[row[name] for name in ("产品", "编号", "说明")] for row in rows]
    assert [[cell.strip() for cell in row] for row in given] == [
        ["玉米秸秆打捆机", "007", "悬挂式"],
        ["", "2", ""],
        ["光纤传感器", "3", "低温封装"],
        ["", "4", "滑雪板制造"],
        ["光纤传感器", "3", "含逗号,与\n换行"],
    ]
    assert [row["code"] for row in rows] == ["S5", "", "S2", "", "S2"]
    assert [[row[name] for name in ADDED] for row in rows if not row["code"]] == [[""] * 5] * 2
    sure = rows[2]
    assert 0.5 < float(sure["confidence"]) <= 1
    assert "光纤传感器" in sure["terms"].split("；")
    assert {name: rows[4][name] for name in ADDED} == {name: sure[name] for name in ADDED}


@pytest.mark.parametrize("code", list(load_taxonomies()))
def test_classified_names_are_those_of_the_taxonomy(code: str, run: Run, products: Path) -> None:
    taxonomy = load_taxonomies()[code]
    rows = [row for row in classified(run, products, "产品", "说明", taxonomy=code) if row["code"]]
    assert len(rows) >= 3
    for row in rows:
        assert row["name"] == taxonomy.node(row["code"]).name_zh
        assert row["parent_name"] == taxonomy.top(row["code"]).name_zh
    assert any(row["name"] != row["parent_name"] for row in rows) == any(node.parent for node in taxonomy.nodes)


def test_names_are_chinese_whatever_language_is_spoken(run: Run, products: Path) -> None:
    output = products.with_name("classified.csv")
    call = ("classify", products, "--column", "产品", "--taxonomy", "province_4567", "--output", output)
    said = run("--language", "en", *call)
    assert (said.code, said.out) == (0, f"3 of 5 rows have a field, written to {output}.\n")
    heading, *rows = table(output)
    place = heading.index("name")
    assert [row[place : place + 2] for row in rows[:3]] == [
        ["农机装备", "五大战略性新兴产业"],
        ["", ""],
        ["电子信息", "五大战略性新兴产业"],
    ]


def test_several_columns_are_read(run: Run, products: Path) -> None:
    one = classified(run, products, "产品")
    both = classified(run, products, "产品", "说明")
    assert [row["code"] for row in one] == ["S5", "", "S2", "", "S2"]
    assert [row["code"] for row in both] == ["S5", "", "S2", "N3", "S2"]
    # The first column is the title, which counts more than a text.
    titled, other = (
        classified(run, products, *columns, taxonomy="strategic_2018")[0]
        for columns in (("产品", "说明"), ("说明", "产品"))
    )
    assert titled["confidence"] != other["confidence"]


def test_a_workbook_is_classified_too(run: Run, tmp_path: Path) -> None:
    copied = tmp_path / "achievements.xlsx"
    copied.write_bytes((SAMPLES / "achievements.xlsx").read_bytes())
    rows = classified(run, copied, "成果名称", "成果简介")
    assert len(rows) == 200
    assert [row["登记号"] for row in rows[:2]] == ["CG2026001", "CG2026002"]


def test_a_table_without_rows_is_classified_into_its_headings(run: Run, products: Path) -> None:
    products.write_text("产品,说明\n", encoding="utf-8")
    assert classified(run, products, "产品") == []
    assert table(products.with_name("classified.csv")) == [["产品", "说明", *ADDED]]


def test_nothing_in_a_classified_table_runs(run: Run, products: Path) -> None:
    """Neither a cell nor a heading that a spreadsheet program would take for a formula."""
    products.write_text("产品,=1+1\n光纤传感器,=2+2\n", encoding="utf-8")
    output = products.with_name("classified.csv")
    arguments = ("--column", "产品", "--taxonomy", "province_4567", "--output", output)
    assert run("classify", products, *arguments).code == 0
    heading, row = table(output)
    assert row[1] == "'=2+2"
    assert heading[1] == "'=1+1"


# What is wrong with a call of classify: its options, and words of the message in Chinese and English.
WRONG_CALLS = {
    "unknown column": (
        ("products.csv", "--column", "产品", "--column", "名字"),
        ("文件里没有", "产品、编号、说明"),
        ("The file has no", "产品, 编号, 说明"),
    ),
    "taken column": (("taken.csv", "--column", "产品"), ("文件里已有", "请先改名"), ("already has", "Rename it first")),
    "unknown taxonomy": (
        ("products.csv", "--column", "产品", "--taxonomy", "none"),
        ("没有分类体系 none", "、".join(load_taxonomies())),
        ("There is no taxonomy none", ", ".join(load_taxonomies())),
    ),
    "not .csv": (
        ("products.csv", "--column", "产品", "--output", "list.xlsx"),
        ("输出文件 list.xlsx 应以 .csv 结尾",),
        ("The output list.xlsx must end in .csv",),
    ),
    "missing file": (("none.csv", "--column", "产品"), ("打不开文件 none.csv",), ("Cannot open none.csv",)),
}


def wrongly_classified(run: Run, language: str, case: str) -> Said:
    """How a wrong call ends, in the folder of the table; nothing is written."""
    Path("taken.csv").write_text("产品,confidence\n光纤传感器,高\n", encoding="utf-8")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    given, _, _ = WRONG_CALLS[case]
    taxonomy = () if "--taxonomy" in given else ("--taxonomy", "province_4567")
    output = () if "--output" in given else ("--output", "list.csv")
    said = run("--language", language, "classify", *given, *taxonomy, *output)
    assert {path: path.read_bytes() for path in Path().iterdir()} == before
    return said


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("case", WRONG_CALLS)
def test_a_wrong_classification_ends_with_two_and_writes_nothing(
    case: str, language: str, run: Run, products: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(products.parent)
    said = wrongly_classified(run, language, case)
    words = WRONG_CALLS[case][1 if language == "zh_CN" else 2]
    assert (said.code, said.out) == (2, "")
    assert [word for word in words if word not in said.err] == []


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize(("case", "column"), [("unknown column", "名字"), ("taken column", "confidence")])
def test_the_column_that_is_wrong_is_named(
    case: str, column: str, language: str, run: Run, products: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(products.parent)
    assert column in wrongly_classified(run, language, case).err


@pytest.mark.parametrize("missing", ["--column", "--taxonomy", "--output"])
def test_classifying_needs_all_its_options(
    missing: str, run: Run, products: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(products.parent)
    options = {"--column": "产品", "--taxonomy": "province_4567", "--output": "list.csv"}
    given = [word for name, value in options.items() if name != missing for word in (name, value)]
    said = run("classify", "products.csv", *given)
    assert (said.code, said.out) == (2, "")
    assert missing in said.err
    assert list(Path().iterdir()) == [Path("products.csv")]


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize(
    ("text", "row", "key", "values"),
    [
        ("产品,产品\n一,二\n", 1, "file.headings", {"headings": ["产品", "产品"]}),
        ("产品,,说明\n一,二,三\n", 1, "file.headings", {"headings": ["产品", "", "说明"]}),
        ("产品,说明\n一,二\n三,四,五\n", 3, "file.too_many_cells", {"count": 2}),
    ],
    ids=["doubled heading", "empty heading", "too many cells"],
)
def test_a_table_that_is_none_is_refused_with_its_row_and_writes_nothing(
    text: str, row: int, key: str, values: dict[str, object], language: str, run: Run, products: Path
) -> None:
    products.write_text(text, encoding="utf-8")
    before = sorted(products.parent.iterdir())
    output = products.with_name("list.csv")
    arguments = ("--column", "产品", "--taxonomy", "province_4567", "--output", output)
    said = run("--language", language, "classify", products, *arguments)
    assert (said.code, said.out) == (1, "")
    where = {"zh_CN": f"products.csv 第 {row} 行：", "en": f"products.csv, row {row}: "}[language]
    assert said.err == where + say(key, language, **values) + "\n"
    assert sorted(products.parent.iterdir()) == before


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize(
    ("command", "keys"),
    [
        ((), ("cli.help", "cli.version", "cli.language")),
        (("match",), ("cli.match", "cli.top", "cli.match_output")),
        (("load",), ("cli.load", "cli.load_as")),
        (("evaluate",), ("cli.evaluate", "cli.evaluate_demands", "cli.evaluate_judgements")),
        (("serve",), ("cli.serve", "cli.serve_port")),
        (("stats",), ("cli.stats", "cli.stats_output", "cli.stats_by", "cli.stats_as_of")),
        (("policy",), ("cli.policy", "cli.policy_output")),
        (
            ("classify",),
            ("cli.classify", "cli.classify_column", "cli.classify_taxonomy", "cli.classify_output"),
        ),
    ],
)
def test_help_is_in_the_language_asked_for(
    command: tuple[str, ...], keys: tuple[str, ...], language: str, run: Run
) -> None:
    said = run("--language", language, *command, "--help")
    assert (said.code, said.err) == (0, "")
    # Long texts are wrapped: compare without white space.
    plain = "".join(said.out.split())
    for key in keys:
        assert "".join(say(key, language).split()) in plain
    assert "cli." not in said.out


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_the_overview_names_every_command_with_a_summary(language: str, run: Run) -> None:
    out = run("--language", language, "-h").out
    for name in ("classify", "evaluate", "load", "match", "serve", "stats"):
        line = next(line for line in out.splitlines() if line.strip().startswith(f"{name} "))
        assert line.split(maxsplit=1)[1][:3] == say(f"cli.{name}", language)[:3]


def test_the_version_is_that_of_the_package(run: Run) -> None:
    said = run("--version")
    assert (said.code, said.out.strip()) == (0, importlib.metadata.version("duijie"))


def test_the_installed_command_ends_with_the_same_code(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("duijie")
    done = subprocess.run([command, "match", "a.csv"], capture_output=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == say("call.match_needs") + "\n"


PAIRS = "note,achievement_id,demand_id\nx,A2,D1\n,A1,D2\n,A1,D1\n,A2,D2\n"


@pytest.fixture
def to_score(small: tuple[Path, Path], tmp_path: Path) -> list[object]:
    """The arguments that score four pairs into scored.csv."""
    (tmp_path / "pairs.csv").write_text(PAIRS, encoding="utf-8")
    files = ["--demands", small[0], "--achievements", small[1], "--pairs", tmp_path / "pairs.csv"]
    return ["score", *files, "--output", tmp_path / "scored.csv"]


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_pairs_are_scored_in_their_order(language: str, run: Run, to_score: list[object], tmp_path: Path) -> None:
    said = run("--language", language, *to_score)
    assert (said.code, said.out) == (0, say("cli.scored", language, pairs=4, path=tmp_path / "scored.csv") + "\n")
    assert "pairs.csv" not in said.err
    heading, *rows = table(tmp_path / "scored.csv")
    assert heading == ["demand_id", "achievement_id", "score", "level"]
    assert (tmp_path / "scored.csv").read_bytes().startswith(b"demand_id,"), "programs read it: no byte-order mark"
    assert [row[:2] for row in rows] == [["D1", "A2"], ["D2", "A1"], ["D1", "A1"], ["D2", "A2"]]
    scores = [float(row[2]) for row in rows]
    assert all(0 <= each <= 1 for each in scores)
    assert min(scores[2:]) > max(scores[:2])
    assert {row[3] for row in rows} <= {"1", "2", "3", "4"}


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_pairs_of_unknown_records_score_nothing_and_are_counted(
    language: str, run: Run, to_score: list[object], tmp_path: Path
) -> None:
    (tmp_path / "pairs.csv").write_text("demand_id,achievement_id\nD9,A1\nD1,A1\nD1,A9\nD9,A9\n", encoding="utf-8")
    said = run("--language", language, *to_score)
    assert said.code == 0
    assert said.err.splitlines()[-1] == say("cli.score_missing", language, file="pairs.csv", count=3)
    rows = table(tmp_path / "scored.csv")[1:]
    assert [row[:2] for row in rows] == [["D9", "A1"], ["D1", "A1"], ["D1", "A9"], ["D9", "A9"]]
    assert [(float(row[2]), row[3]) for row in rows if row[:2] != ["D1", "A1"]] == [(0, "1")] * 3
    assert float(rows[1][2]) > 0


def test_judgements_move_other_pairs_and_never_their_own(run: Run, to_score: list[object], tmp_path: Path) -> None:
    assert run(*to_score).code == 0
    before = {(row[0], row[1]): float(row[2]) for row in table(tmp_path / "scored.csv")[1:]}
    judged = tmp_path / "judged.csv"
    judged.write_text("demand_id,achievement_id,level\nD1,A1,1\nD7,A1,4\n", encoding="utf-8")
    assert run(*to_score, "--judgements", judged).code == 0
    after = {(row[0], row[1]): float(row[2]) for row in table(tmp_path / "scored.csv")[1:]}
    assert after["D1", "A1"] == before["D1", "A1"]
    assert after["D1", "A2"] < before["D1", "A2"]
    assert after["D2", "A1"] == before["D2", "A1"], "a demand that is not like it"


def test_wrong_files_are_not_scored(run: Run, to_score: list[object], tmp_path: Path) -> None:
    for name, content, column in (
        ("pairs.csv", "demand_id,achievement\nD1,A1\n", "achievement_id"),
        ("judged.csv", "demand_id,achievement_id\nD1,A1\n", "level"),
    ):
        (tmp_path / "pairs.csv").write_text(PAIRS, encoding="utf-8")
        (tmp_path / "judged.csv").write_text("demand_id,achievement_id,level\nD1,A1,1\n", encoding="utf-8")
        (tmp_path / name).write_text(content, encoding="utf-8")
        for language in ("zh_CN", "en"):
            said = run("--language", language, *to_score, "--judgements", tmp_path / "judged.csv")
            assert (said.code, said.out) == (1, "")
            assert name in said.err
            assert column in said.err
    assert not (tmp_path / "scored.csv").exists()


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_scores_are_written_as_csv_alone(language: str, run: Run, to_score: list[object], tmp_path: Path) -> None:
    output = tmp_path / "scored.xlsx"
    said = run("--language", language, *to_score[:-1], output)
    assert (said.code, said.out) == (2, "")
    assert said.err == say("call.output_is_csv", language, path=output) + "\n"
    assert not output.exists()


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_too_little_is_not_learned_from(language: str, run: Run, small: tuple[Path, Path]) -> None:
    values = {"pairs": 0, "demands": 0, "least_pairs": 200, "least_demands": 20}
    for force in ((), ("--force",)):
        said = run("--language", language, "learn", *force)
        assert (said.code, said.out) == (1, "")
        assert said.err == say("learn.too_little", language, **values) + "\n"


def test_further_judgements_are_a_folder(run: Run, tmp_path: Path) -> None:
    said = run("learn", "--judged-pairs", tmp_path / "none")
    assert (said.code, said.out) == (2, "")
    assert "命令有误" in said.err


def test_a_model_is_learned_by_force_and_not_replaced_by_a_worse_one(run: Run, ranked: Engine) -> None:
    said = read_judgements(SAMPLES / "judgements.csv", Settings()).to_dicts()
    rows = [{**row, "agent": "周某", "nonce": str(number), "at": ""} for number, row in enumerate(said)]
    with writing(ranked) as connection:
        connection.execute(insert(pair_level), rows)
    forced = run("--language", "en", "learn", "--force")
    assert forced.code == 0
    told, before, after, kept = forced.out.splitlines()
    assert told.startswith("Judged in the ledger: 540 pairs of ")
    assert before.startswith("nDCG@10 0.")
    assert before.endswith(say("cli.learn_before", "en"))
    assert after.endswith(say("cli.learn_after", "en"))
    assert kept == say("cli.learn_kept", "en")
    model = learned_model(ranked)
    assert model is not None
    # Fitted on what it is measured on, it looks better than one that is measured on what it has not seen.
    again = run("learn")
    assert again.code == 1
    assert again.out.splitlines()[2] == after.replace(say("cli.learn_after", "en"), say("cli.learn_after"))
    assert again.err.splitlines()[-1] == say("learn.not_better")
    assert len(again.out.splitlines()) == 3
    with reading(ranked) as connection:
        assert len(connection.execute(select(level_model)).all()) == 1


def test_evaluation_on_folds_prints_every_order(run: Run, tmp_path: Path) -> None:
    """Of the samples' first demands, which have pairs of every level."""
    judged = read_judgements(SAMPLES / "judgements.csv", Settings())
    chosen = judged.filter(pl.col("demand_id") <= "XQ2026020")
    assert chosen["level"].n_unique() == 4
    chosen.write_csv(tmp_path / "judged.csv")
    files = ["--demands", DEMANDS, "--achievements", ACHIEVEMENTS, "--judgements", tmp_path / "judged.csv"]
    said = run("--language", "en", "evaluate", *files, "--folds")
    assert said.code == 0
    found = by_order(said.out, "en")
    assert list(found) == ["bm25", "tf_idf", "retrieval", "model", "unseen", "unseen_by_id", "seen"]
    assert all(0 < each <= 1 for both in found.values() for each in both)
    steps = [say("step.done", "en", step=say(f"step.fold_{name}", "en")) for name in ("unseen", "unseen_by_id", "seen")]
    assert said.err.splitlines()[-3:] == steps
