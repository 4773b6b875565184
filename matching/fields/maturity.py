"""Maturity: the stage that an institute writes, and the technology readiness levels (1–9) that it stands for."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache

from matching.data_files import data_path
from matching.errors import DataFileError, Problem
from matching.fields.terms import normalised

_FILE = "maturity.toml"


@dataclass(frozen=True)
class Stage:
    """A stage with its names, first and last readiness level, and other ways to write it."""

    code: str
    name_zh: str
    name_en: str
    trl_from: int
    trl_to: int
    aliases: tuple[str, ...]

    def name(self, language: str) -> str:
        """The name in a language of the screens."""
        return self.name_en if language == "en" else self.name_zh

    @property
    def levels(self) -> str:
        """Readiness levels as they are shown: "5-6"."""
        return f"{self.trl_from}-{self.trl_to}" if self.trl_to > self.trl_from else str(self.trl_from)


@cache
def load_stages() -> tuple[Stage, ...]:
    """The stages, least mature first. Raises `DataFileError` when the file breaks a rule."""
    with data_path("fields", _FILE).open("rb") as source:
        entries = tomllib.load(source)["stage"]
    stages = tuple(Stage(**{**entry, "aliases": tuple(entry["aliases"])}) for entry in entries)
    if problems := broken_rules(stages):
        raise DataFileError(*problems)
    return stages


def broken_rules(stages: tuple[Stage, ...]) -> list[Problem]:
    """No name stands for two stages; levels lie in 1–9 and never fall from stage to stage."""
    names = Counter(name for stage in stages for name in set(_names(stage)))
    problems = [Problem("maturity.twice", _FILE, values={"name": name}) for name, n in names.items() if n > 1]
    least = 1
    for stage in stages:
        if not least <= stage.trl_from <= stage.trl_to <= 9:
            problems.append(Problem("maturity.levels", _FILE, values={"code": stage.code}))
        least = stage.trl_from
    return problems


def stage_of(written: str) -> Stage | None:
    """The stage that a text names as a whole, None when it names none."""
    return _stages_by_name().get(normalised(written.strip()))


@cache
def _stages_by_name() -> dict[str, Stage]:
    return {name: stage for stage in load_stages() for name in _names(stage)}


def _names(stage: Stage) -> list[str]:
    return [normalised(name) for name in (stage.code, stage.name_zh, stage.name_en, *stage.aliases)]
