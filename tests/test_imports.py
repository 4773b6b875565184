"""The one-way rule: a stage imports only stages to its left, and nothing in `matching` knows the screens."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from places import ROOT

# Every module may import what stands to its left.
ORDER = [
    *("data_files", "wording", "errors", "settings", "schema", "progress"),
    *("intake", "fields", "ranking", "ledger", "reporting"),
]
COMPOSERS = {"pipeline", "cli", "__init__", "__main__"}
SOURCES = sorted((ROOT / "matching").rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Full names of the modules that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def stage(name: str) -> str:
    return name.split(".")[1]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    here = path.relative_to(ROOT / "matching").with_suffix("").parts[0]
    for name in imported(path):
        top = name.split(".")[0]
        assert top not in {"ui", "streamlit"}, f"{path} imports {name}"
        if top != "matching" or name == "matching" or here in COMPOSERS:
            continue
        assert stage(name) in ORDER, f"{path} imports {name}, which composes stages"
        assert ORDER.index(stage(name)) <= ORDER.index(here), f"{path} imports {name}, a stage to its right"


def test_every_stage_is_in_the_order() -> None:
    top = {path.relative_to(ROOT / "matching").with_suffix("").parts[0] for path in SOURCES}
    assert top == {*ORDER, *COMPOSERS}


def test_the_rule_is_seen_to_be_broken(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from matching.ledger import deals\nimport streamlit\n", encoding="utf-8")
    assert {"matching.ledger.deals", "streamlit"} <= imported(wrong)


@pytest.mark.parametrize("path", sorted((ROOT / "ui").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_screens_do_not_import_the_tables(path: Path) -> None:
    """Screens ask functions of `matching`; they make no queries of their own."""
    names = imported(path)
    assert "matching.ledger.tables" not in names
    assert not {name for name in names if name.startswith("sqlalchemy")} - {"sqlalchemy", "sqlalchemy.Engine"}
