"""The tree of errors: messages with as much of the place as is known, and exit codes."""

from __future__ import annotations

import pytest

from matching.errors import (
    CallError,
    DataFileError,
    DecidedMeanwhile,
    DuijieError,
    FileRefused,
    LedgerError,
    NothingToDo,
    NotPermitted,
    Problem,
)
from matching.wording import say

EMPTY = "文件是空的。请检查是否选错了文件，或先填写内容再上传。"
EMPTY_EN = "The file is empty. Check that it is the right file, or fill it in first."


@pytest.mark.parametrize(
    ("problem", "chinese", "english"),
    [
        (Problem("file.empty"), EMPTY, EMPTY_EN),
        (Problem("file.empty", "a.csv"), f"a.csv：{EMPTY}", f"a.csv: {EMPTY_EN}"),
        (Problem("file.empty", "a.csv", 3), f"a.csv 第 3 行：{EMPTY}", f"a.csv, row 3: {EMPTY_EN}"),
        (
            Problem("file.empty", "a.csv", column="预算"),
            f"a.csv “预算”列：{EMPTY}",
            f"a.csv, column “预算”: {EMPTY_EN}",
        ),
        (
            Problem("file.empty", "a.csv", 3, "预算"),
            f"a.csv 第 3 行“预算”列：{EMPTY}",
            f"a.csv, row 3, column “预算”: {EMPTY_EN}",
        ),
        (Problem("file.empty", row=3, column="预算"), EMPTY, EMPTY_EN),
    ],
)
def test_a_message_is_led_by_what_is_known_of_the_place(problem: Problem, chinese: str, english: str) -> None:
    assert problem.text("zh_CN") == problem.text() == chinese
    assert problem.text("en") == english


def test_values_go_into_the_message() -> None:
    problem = Problem("cell.too_long", "a.csv", 2, "问题", {"characters": 21, "limit": 20})
    assert problem.text("en") == (
        "a.csv, row 2, column “问题”: 21 characters are more than the limit of 20. Shorten the text."
    )


def test_several_values_are_listed_as_the_language_does() -> None:
    problem = Problem("cell.not_choice", values={"text": "x", "allowed": ["公开", "匿名"]})
    assert "公开、匿名" in problem.text("zh_CN")
    assert "公开, 匿名" in problem.text("en")


def test_braces_in_values_and_names_stay_as_they_are() -> None:
    problem = Problem("cell.not_date", "{row}.csv", 2, "{file}", {"text": "{text}{0}"})
    assert problem.text("en").startswith("{row}.csv, row 2, column “{file}”: “{text}{0}” is not a date.")


def test_an_error_says_all_its_problems_a_line_each() -> None:
    error = FileRefused(Problem("file.empty", "a.csv"), Problem("file.no_rows", "b.csv", values={"row": 1}))
    assert error.text("en").splitlines() == [
        f"a.csv: {EMPTY_EN}",
        Problem("file.no_rows", "b.csv", values={"row": 1}).text("en"),
    ]
    assert str(error) == error.text("zh_CN")
    assert [problem.file for problem in error.problems] == ["a.csv", "b.csv"]


@pytest.mark.parametrize(
    ("kind", "base", "code"),
    [
        (DuijieError, Exception, 1),
        (CallError, DuijieError, 2),
        (FileRefused, DuijieError, 1),
        (NothingToDo, DuijieError, 1),
        (LedgerError, DuijieError, 1),
        (DecidedMeanwhile, LedgerError, 1),
        (NotPermitted, LedgerError, 1),
        (DataFileError, DuijieError, 1),
    ],
)
def test_each_error_has_its_place_in_the_tree_and_its_exit_code(
    kind: type[DuijieError], base: type[Exception], code: int
) -> None:
    assert kind.__base__ is base
    assert kind(Problem("file.empty")).exit_code == code


def test_the_tree_is_whole() -> None:
    def below(kind: type[DuijieError]) -> set[str]:
        return {kind.__name__}.union(*(below(each) for each in kind.__subclasses__()))

    assert below(DuijieError) == {
        "DuijieError", "CallError", "FileRefused", "NothingToDo", "LedgerError", "DecidedMeanwhile", "NotPermitted",
        "DataFileError",
    }  # fmt: skip


def test_a_problem_cannot_be_changed() -> None:
    problem = Problem("file.empty")
    with pytest.raises(AttributeError):
        problem.key = "file.no_rows"  # type: ignore[misc]
    assert problem.text("en") == say("file.empty", "en")
