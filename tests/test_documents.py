"""What the documents say is so: their commands, their example, their pictures."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from own_process import output_of
from places import ROOT

from matching.cli.group import command_line
from matching.settings import Settings

READMES = ("README.md", "README.zh-CN.md")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", READMES)
def test_the_python_example_runs(name: str) -> None:
    [example] = re.findall(r"```python\n(.*?)```", text(name), re.DOTALL)
    assert len(example.strip().splitlines()) == 5
    assert "contribution" in output_of(example)


@pytest.mark.parametrize("name", READMES)
def test_every_command_and_setting_exists(name: str) -> None:
    commands = re.findall(r"^    duijie (\w+)", text(name), re.MULTILINE)
    assert set(commands) == set(command_line.list_commands(click.Context(command_line)))
    assert set(re.findall(r"^\| `\w+` \| `(\w+)` \|", text(name), re.MULTILINE)) < set(Settings.model_fields)


@pytest.mark.parametrize("name", READMES)
def test_links_and_pictures_are_there(name: str) -> None:
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", text(name)) if "://" not in target]
    assert len(targets) >= 4
    for target in targets:
        assert (ROOT / target).is_file(), target


def test_ci_runs_the_command_of_the_readme() -> None:
    assert "\n    make test\n" in text("README.md")
    lines = text(".ci/run").splitlines()
    assert lines[-1] == "make test"
    assert "make check" in lines


def test_the_lock_pins_every_package_with_its_hash() -> None:
    lock = text("requirements.lock")
    assert "://" not in lock
    packages = re.findall(r"^[a-z0-9].*$", lock, re.MULTILINE)
    assert len(packages) > 50
    assert all("==" in package for package in packages)
    assert lock.count("--hash=sha256:") > len(packages)


def test_nothing_is_left_undone() -> None:
    marks = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "HA" + "CK")))
    for folder in ("matching", "ui", "tests", "scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not marks.search(Path(path).read_text(encoding="utf-8")), path
