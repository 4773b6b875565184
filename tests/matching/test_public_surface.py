"""What `import matching` gives, and that its example runs."""

from __future__ import annotations

import inspect
import runpy
import typing
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest
from own_process import output_of
from places import ROOT, SAMPLES

import matching
from matching import errors

PUBLIC: Final = [
    "DuijieError",
    "Ranking",
    "evaluate",
    "explain",
    "rank",
    "read_achievements",
    "read_demands",
    "score",
]


def test_what_is_public_is_pinned() -> None:
    assert matching.__all__ == PUBLIC


def test_nothing_else_is_in_sight() -> None:
    """Besides the names of the surface: stages, which are modules, and what the module itself needs."""
    seen = {name for name, value in vars(matching).items() if not name.startswith("_") and not ismodule(value)}
    assert seen == {"annotations", "Final", "TYPE_CHECKING", "import_module"}
    assert dir(matching) == PUBLIC
    with pytest.raises(AttributeError, match="has no attribute 'read_file'"):
        matching.read_file  # noqa: B018


def test_names_are_loaded_when_they_are_asked_for() -> None:
    """The process that reads a file imports the package and needs none of what ranks."""
    script = (
        "import sys, matching\n"
        "assert not {'polars', 'numpy', 'sqlalchemy', 'matching.pipeline'} & set(sys.modules)\n"
        "from matching import rank, read_demands\n"
        "assert matching.rank is rank and callable(read_demands)\n"
        "assert 'matching.pipeline' in sys.modules\n"
    )
    output_of(script)


def test_help_does_not_wait_for_what_ranks() -> None:
    script = (
        "import sys\n"
        "from matching.cli import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "except SystemExit as end:\n"
        "    assert not {'sklearn', 'numba', 'rjieba'} & set(sys.modules), 'loaded'\n"
        "    sys.exit(end.code)\n"
    )
    assert "match" in output_of(script)


def ismodule(value: object) -> bool:
    return isinstance(value, ModuleType)


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_public_says_what_it_is(name: str) -> None:
    value = getattr(matching, name)
    assert inspect.getdoc(value)
    if inspect.isfunction(value):
        hints = typing.get_type_hints(value)
        assert set(hints) == {*inspect.signature(value).parameters, "return"}


def test_signatures_are_pinned() -> None:
    found = {name: list(inspect.signature(getattr(matching, name)).parameters) for name in PUBLIC[2:]}
    assert found == {
        "evaluate": ["demands", "achievements", "judgements", "folds", "weights", "model", "also", "progress"],
        "explain": ["ranking", "demand_id", "achievement_id"],
        "rank": [
            *("demands", "achievements", "top", "demand_fields", "achievement_fields"),
            *("judgements", "weights", "model", "progress", "engine"),
        ],
        "read_achievements": ["path"],
        "read_demands": ["path"],
        "score": ["demands", "achievements", "pairs", "judgements", "weights", "model", "progress"],
    }


def test_every_refusal_is_a_duijie_error() -> None:
    tree = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)}
    assert matching.DuijieError in tree
    assert len(tree) > 1
    assert all(issubclass(each, matching.DuijieError) for each in tree)


def test_the_package_is_typed() -> None:
    assert (ROOT / "matching" / "py.typed").is_file()


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (matching.__doc__ or "").split("\n\n", 1)[1].strip().splitlines()
    assert lines[0] == "import matching"
    assert len(lines[1:]) == 5
    script = tmp_path / "example.py"
    script.write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.chdir(SAMPLES)
    result = runpy.run_path(str(script))
    assert result["ranking"].candidates.height == 10 * result["demands"].height
    why = matching.explain(result["ranking"], "XQ2026001", "CG2026045")
    assert why.terms.height > 0
    printed = capsys.readouterr().out
    assert str(result["ranking"].candidates) in printed
    assert str(why.terms) in printed


@pytest.mark.parametrize("name", ["demands.xlsx", "demands.csv"])
def test_a_file_of_the_wrong_kind_or_place_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(matching.DuijieError, match=name):
        matching.read_demands(tmp_path / name)
    with pytest.raises(matching.DuijieError, match=name):
        matching.read_achievements(SAMPLES / name)


def test_paths_may_be_texts() -> None:
    frame = matching.read_demands(str(SAMPLES / "demands.csv"))
    assert frame.equals(matching.read_demands(SAMPLES / "demands.csv"))
