"""Commands for what the lists come from: loading in detail, templates, uploads, missing records, duplicates, names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from python_calamine import CalamineWorkbook
from records import copied, listed, made
from sqlalchemy import Engine
from test_cli import Run

from matching.intake.reading import read_bytes
from matching.ledger import catalogue, presence, uploads
from matching.ledger.column_choices import column_choices
from matching.ledger.organisation_names import confirmed_names
from matching.pipeline import load, prepare
from matching.schema import DUPLICATES, FIELDS, KINDS
from matching.wording import LANGUAGES, say

HEADING: Final = "登记号,成果名称,完成单位,成果简介,转让价格\n"
TEXT: Final = "用两级生物滤塔脱除沼气中的硫化氢，出口浓度低于20毫克每立方米，滤料三年一换。"
NO_FIELDS: Final = pl.DataFrame(schema=FIELDS)
FIRST: Final = "C1,沼气脱硫塔,哈尔滨工业大学,,\nC2,大豆色选机,哈尔滨工业大学,,\n"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(capsys)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A catalogue of two achievements."""
    return written(tmp_path / "成果.csv", FIRST)


def written(path: Path, rows: str, heading: str = HEADING) -> Path:
    path.write_text(heading + rows, encoding="utf-8")
    return path


def counts(key: str, language: str = "zh_CN", **given: int) -> str:
    names = ("new", "changed", "unchanged", "refused", "left_out", "missing")
    values = dict.fromkeys(names, 0) | given
    return say(key, language, file="成果.csv", **values) + "\n"


def steps_aside(err: str, language: str = "zh_CN") -> list[str]:
    end = say("step.done", language, step="")
    return [line for line in err.splitlines() if not line.endswith(end)]


@pytest.mark.parametrize("language", ["en"])
def test_a_dry_run_says_what_loading_does_and_loads_nothing(
    language: str, run: Run, file: Path, ledger: Engine
) -> None:
    call = ("--language", language, "load", file, "--as", "achievements", "--institute", " 哈尔滨工业大学 ")
    said = run(*call, "--dry-run", "--column", "转让价格=", "--accept-names")
    assert (said.code, said.out) == (0, counts("cli.would_load", language, rows=2, new=2))
    assert say("cli.vague", language, count=2) in said.err.splitlines()
    assert uploads.uploads(ledger).is_empty()
    assert column_choices(ledger, "achievements", "哈尔滨工业大学") == {}
    said = run(*call)
    assert (said.code, said.out) == (0, counts("cli.loaded", language, rows=2, new=2))
    assert uploads.uploads(ledger)["institute"].to_list() == ["哈尔滨工业大学"]
    assert uploads.original_of(ledger, 1) == ("成果.csv", file.read_bytes())
    written(file, "C1,沼气脱硫罐,哈尔滨工业大学,,\nC3,光纤传感器,哈尔滨工业大学,,\n,,,只有简介,\n")
    expected = {"rows": 3, "new": 1, "changed": 1, "missing": 1, "left_out": 1}
    assert run(*call, "--dry-run").out == counts("cli.would_load", language, **expected)
    assert run(*call).out == counts("cli.loaded", language, **expected)


@pytest.mark.parametrize("language", ["zh_CN"])
def test_wrong_rows_refuse_the_file_unless_the_others_are_asked_for(
    language: str, run: Run, file: Path, ledger: Engine, tmp_path: Path
) -> None:
    written(file, FIRST + "C3,光纤传感器,甲所,,好商量\n")
    call = ("--language", language, "load", file, "--as", "achievements")
    problems = tmp_path / "问题.xlsx"
    said = run(*call, "--problems", problems)
    told = [
        say("cli.problems_written", language, path=problems),
        say("cli.load_refused", language, file="成果.csv", rows=3, refused=1),
    ]
    assert (said.code, said.out.splitlines()) == (1, told)
    assert "好商量" in steps_aside(said.err, language)[-1]
    assert uploads.uploads(ledger).is_empty()
    book = CalamineWorkbook.from_path(problems)
    assert book.sheet_names[0] == say("marked.problems", language)
    assert "好商量" in str(book.get_sheet_by_index(0).to_python()[1])
    said = run(*call, "--good-rows")
    assert (said.code, said.out) == (0, counts("cli.loaded", language, rows=3, new=2, refused=1))
    assert uploads.uploads(ledger)["refused"].to_list() == [1]
    assert catalogue.count_records(ledger, "achievements") == 2


def test_a_file_whose_rows_are_all_wrong_is_marked_too(run: Run, file: Path, tmp_path: Path) -> None:
    written(file, "C3,光纤传感器,甲所,,好商量\n")
    problems = tmp_path / "问题.xlsx"
    said = run("load", file, "--as", "achievements", "--good-rows", "--problems", problems)
    told = [
        say("cli.problems_written", path=problems),
        say("cli.load_refused", file="成果.csv", rows=1, refused=1),
    ]
    assert (said.code, said.out.splitlines()) == (1, told)
    assert "好商量" in said.err
    assert CalamineWorkbook.from_path(problems).sheet_names[0] == say("marked.problems")


def test_columns_said_by_hand_are_remembered_for_the_institute_alone(run: Run, file: Path, ledger: Engine) -> None:
    written(file, "C1,沼气脱硫塔,两级滤塔,急\n", "登记号,名目,怎么做,说明事项\n")
    call = ("load", file, "--as", "achievements", "--institute", "甲所")
    assert run(*call).code == 1, "no title"
    chosen = ("--column", "名目=title", "--column", "怎么做（必填）=summary", "--column", "说明事项=")
    assert run(*call, *chosen).code == 0
    held = catalogue.record(ledger, "achievements", "C1")
    assert (held["title"], held["summary"], held["institute"]) == ("沼气脱硫塔", "两级滤塔", "甲所")
    assert held["extras"] == [{"heading": "说明事项", "text": "急"}]
    known = {"名目": "title", "怎么做": "summary", "说明事项": ""}
    assert column_choices(ledger, "achievements", "甲所") == known
    again = run(*call)
    assert (again.code, again.out) == (0, counts("cli.loaded", rows=1, unchanged=1))
    assert run("load", file, "--as", "achievements", "--institute", "乙所").code == 1


@pytest.mark.parametrize("language", ["zh_CN"])
def test_names_are_proposed_and_accepted(language: str, run: Run, file: Path, ledger: Engine) -> None:
    assert run("load", file, "--as", "achievements").code == 0
    written(file, f"C3,光纤传感器,哈工大,{TEXT},\n")
    call = ("--language", language, "load", file, "--as", "achievements")
    values = {"written": "哈工大", "name": "哈尔滨工业大学", "reason": say("organisation.listed", language)}
    assert say("cli.name_proposed", language, **values) in run(*call).err.splitlines()
    assert confirmed_names(ledger) == {}
    assert say("cli.name_accepted", language, **values) in run(*call, "--accept-names").err.splitlines()
    assert confirmed_names(ledger) == {"哈工大": "哈尔滨工业大学"}
    assert "哈工大" not in run(*call, "--accept-names").err


@pytest.mark.parametrize("language", ["en"])
def test_known_records_and_those_that_look_alike_are_told(language: str, run: Run, file: Path) -> None:
    assert run("load", written(file, f"C1,沼气脱硫塔,甲所,{TEXT},\n"), "--as", "achievements").code == 0
    written(file, f",沼气 脱硫塔,甲所,{TEXT},\nC2,沼气脱硫塔,乙所,{TEXT},\n")
    said = run("--language", language, "load", file, "--as", "achievements")
    assert said.out == counts("cli.loaded", language, rows=2, new=1, changed=1)
    told = steps_aside(said.err, language)
    assert any("“C1”" in line for line in told)
    start = say("cli.near", language, likeness=1.0, first="\n", second="").split("\n")[0][:6]
    assert any(line.startswith(start) and "C1 沼气 脱硫塔" in line and "C2 沼气脱硫塔" in line for line in told)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "option",
    [
        *(("--column", given) for given in ("名目", "=title", "（）=title", "名目=nothing")),
        ("--problems", "list.csv"),
        ("--no-such-option", "1"),
    ],
    ids=str,
)
def test_a_wrong_load_ends_with_two_and_loads_nothing(
    option: tuple[str, str], language: str, run: Run, file: Path, ledger: Engine
) -> None:
    said = run("--language", language, "load", file, "--as", "achievements", *option)
    assert (said.code, said.out) == (2, "")
    assert said.err
    if option[0] == "--column":
        assert option[1] in said.err
        assert "summary" in said.err
    assert uploads.uploads(ledger).is_empty()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_template_is_written_and_holds_no_record(kind: str, language: str, run: Run, tmp_path: Path) -> None:
    output = tmp_path / "template.xlsx"
    said = run("--language", language, "template", "--as", kind, "--output", output)
    assert (said.code, said.out, said.err) == (0, say("cli.template_written", language, path=output) + "\n", "")
    assert len(CalamineWorkbook.from_path(output).sheet_names) == 2
    assert run("load", output, "--as", kind).code == 1


@pytest.mark.parametrize(
    "arguments", [(), ("--as", "demands"), ("--as", "deals"), ("--as", "demands", "--output", "a.csv")]
)
def test_a_wrong_template_ends_with_two(
    arguments: tuple[str, ...], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run("template", *arguments)
    assert (said.code, said.out) == (2, "")
    assert list(tmp_path.iterdir()) == []


SECOND: Final = f"C1,沼气脱硫塔,哈尔滨工业大学,,\nC3,光纤传感器,,{TEXT},\nC4,光纤传感器,,{TEXT},\n"


def fill_twice(ledger: Engine) -> None:
    for rows in (FIRST, SECOND):
        content = (HEADING + rows).encode()
        read = read_bytes("成果.csv", content, "achievements")
        load(ledger, prepare(ledger, read, "哈尔滨工业大学", content), "甲")


@pytest.fixture(scope="module")
def made_twice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("twice") / "ledger.sqlite", fill_twice)


@pytest.fixture
def twice(made_twice: Path, file: Path, tmp_path: Path) -> Iterator[Engine]:
    """Two uploads of an institute; the second lacks C2 and has C3 and C4, which look alike."""
    written(file, SECOND)
    with copied(made_twice, tmp_path) as ledger:
        yield ledger


@pytest.mark.parametrize("language", ["en"])
def test_uploads_are_listed_and_taken_back(language: str, run: Run, twice: Engine) -> None:
    speak = ("--language", language, "uploads")
    first = run(*speak)
    assert (first.code, first.err) == (0, "")
    newest, oldest = first.out.splitlines()
    assert newest.split()[0] == "2"
    for word in (say("kind.achievements", language), "成果.csv", "哈尔滨工业大学"):
        assert word in newest
        assert word in oldest
    said = run(*speak, "--take-back", 2)
    assert (said.code, said.out) == (0, say("cli.taken_back", language, upload=2) + "\n")
    assert catalogue.current_records(twice, "achievements")["achievement_id"].to_list() == ["C1", "C2"]
    taken_back, stands = run(*speak).out.splitlines()
    assert stands == oldest
    assert (
        say(
            "cli.upload_taken_back",
            language,
            **dict(uploads.uploads(twice).row(0, named=True), kind_name=say("kind.achievements", language)),
        )
        == taken_back
    )
    assert run(*speak, "--take-back", 2).code == 0
    unknown = run(*speak, "--take-back", 9)
    assert (unknown.code, unknown.out, unknown.err) == (1, "", say("upload.unknown", language, upload=9) + "\n")


def test_an_original_is_written_and_nothing_is_overwritten_unasked(
    run: Run, file: Path, twice: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    content = file.read_bytes()
    said = run("uploads", "--original", 2)
    assert (said.code, said.out) == (0, say("cli.original_written", path="成果.csv") + "\n")
    assert Path("成果.csv").read_bytes() == content
    Path("成果.csv").write_bytes(b"mine")
    said = run("uploads", "--original", 2)
    assert (said.code, said.out, said.err) == (2, "", say("call.file_exists", path="成果.csv") + "\n")
    assert Path("成果.csv").read_bytes() == b"mine"
    assert run("uploads", "--original", 1, "--output", "成果.csv").code == 0
    assert Path("成果.csv").read_bytes() == (HEADING + FIRST).encode()
    said = run("--language", "en", "uploads", "--original", 9)
    assert (said.code, said.err) == (1, say("upload.no_original", "en", upload=9) + "\n")


def test_an_original_is_written_under_its_base_name(
    run: Run, ledger: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that a browser or another program gave may lead elsewhere."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for upload_id, name in enumerate(("../上面.csv", str(tmp_path / "绝对.csv")), start=1):
        uploads.add(ledger, listed("demands", file=name), NO_FIELDS, "甲", beside=uploads.Beside(content=b"file"))
        said = run("uploads", "--original", upload_id)
        assert (said.code, said.out) == (0, say("cli.original_written", path=Path(name).name) + "\n")
    assert sorted(path.name for path in folder.iterdir()) == ["上面.csv", "绝对.csv"]
    assert list(tmp_path.glob("*.csv")) == []


@pytest.mark.parametrize("language", ["zh_CN"])
def test_missing_records_are_listed_and_settled(language: str, run: Run, file: Path, twice: Engine) -> None:
    speak = ("--language", language, "missing", "--as", "achievements")
    said = run(*speak)
    assert (said.code, said.err) == (0, "")
    assert said.out.split() == ["C2", presence.missing(twice, "achievements")["at"][0][:10]]
    for option in ("--gone", "--kept"):
        wrong = run(*speak, option, "C1")
        assert (wrong.code, wrong.out) == (1, "")
        assert wrong.err == say("presence.not_missing", language, identity=["C1"]) + "\n"
    said = run(*speak, "--gone", "C2")
    assert (said.code, said.out) == (0, say("cli.missing_settled", language, count=1) + "\n")
    assert catalogue.record(twice, "achievements", "C2")["status"] == "withdrawn"
    assert run(*speak).out == ""
    assert run("load", written(file, FIRST), "--as", "achievements", "--institute", "哈尔滨工业大学").code == 0
    assert catalogue.record(twice, "achievements", "C2")["status"] == "available"
    said = run(*speak, "--gone", "C3", "--kept", "C4")
    assert (said.code, said.out.splitlines()) == (0, [say("cli.missing_settled", language, count=1)] * 2)
    found = catalogue.current_records(twice, "achievements").select("achievement_id", "status")
    assert found.filter(status="withdrawn")["achievement_id"].to_list() == ["C3"]
    assert run("missing").code == 2


@pytest.mark.parametrize("language", ["zh_CN"])
def test_duplicates_are_listed_written_and_settled(language: str, run: Run, twice: Engine, tmp_path: Path) -> None:
    speak = ("--language", language, "duplicates", "--as", "achievements")
    assert run(*speak).out == "1.00  C3  C4\n"
    output = tmp_path / "pairs.csv"
    said = run(*speak, "--output", output)
    assert (said.code, said.out) == (0, say("cli.duplicates_written", language, count=1, path=output) + "\n")
    heading, row = output.read_text(encoding="utf-8-sig").splitlines()
    assert heading.split(",") == list(DUPLICATES)
    assert row.split(",")[:2] == ["C3", "C4"]
    for wrong, key in ((("C3", "C3"), "presence.same_record"),):
        said = run(*speak, "--same", *wrong)
        assert (said.code, said.out, said.err) == (2, "", say(key, language, identity="C3") + "\n")
    said = run(*speak, "--output", tmp_path / "pairs.xlsx")
    assert said.err == say("call.output_is_csv", language, path=tmp_path / "pairs.xlsx") + "\n"
    assert (said.code, run(*speak, "--same", "C3").code, run("duplicates").code) == (2, 2, 2)
    said = run(*speak, "--same", "C3", "C4")
    assert (said.code, said.out) == (0, say("cli.duplicate_same", language, first="C3", second="C4") + "\n")
    assert catalogue.record(twice, "achievements", "C3")["status"] == "withdrawn"
    assert run(*speak).out == ""
    said = run(*speak, "--different", "C3", "C4")
    assert said.out == say("cli.duplicate_different", language, first="C3", second="C4") + "\n"
    assert catalogue.record(twice, "achievements", "C3")["status"] == "available"
    assert run(*speak).out == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_said_listed_and_forgotten(language: str, run: Run, ledger: Engine) -> None:
    speak = ("--language", language, "names")
    said = run(*speak, "--same", "哈工大", "哈尔滨工业大学", "--same", "东农", "东北农业大学")
    assert (said.code, said.out) == (0, say("cli.names_said", language, count=2) + "\n")
    assert run(*speak).out == "东农 → 东北农业大学\n哈工大 → 哈尔滨工业大学\n"
    assert run(*speak, "--same", "哈工大", "哈尔滨工业大学").out == say("cli.names_said", language, count=0) + "\n"
    assert run(*speak, "--forget", "哈工大").out == say("cli.names_said", language, count=1) + "\n"
    assert confirmed_names(ledger) == {"东农": "东北农业大学"}
    for wrong in (("--same", "哈工大", " "), ("--same", "", "甲"), ("--forget", "")):
        said = run(*speak, *wrong)
        assert (said.code, said.out, said.err) == (2, "", say("organisation.blank", language) + "\n")
    assert run(*speak, "--same", "哈工大").code == 2
    assert confirmed_names(ledger) == {"东农": "东北农业大学"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("command", ["load", "template", "uploads", "missing", "duplicates", "names"])
def test_every_option_is_explained_in_the_language_asked_for(command: str, language: str, run: Run) -> None:
    said = run("--language", language, command, "--help")
    assert (said.code, said.err) == (0, "")
    plain = "".join(said.out.split())
    assert "".join(say(f"cli.{command}", language).split()) in plain
    assert "cli." not in said.out


@pytest.mark.parametrize("language", LANGUAGES)
def test_workbooks_are_written_as_xlsx_alone(language: str, run: Run, file: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    expected = say("call.output_is_xlsx", language, path=path) + "\n"
    for call in (
        ("template", "--as", "demands", "--output", path),
        ("load", file, "--as", "demands", "--problems", path),
    ):
        said = run("--language", language, *call)
        assert (said.code, said.out, said.err) == (2, "", expected)
    assert list(tmp_path.iterdir()) == [file]
