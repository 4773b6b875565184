"""The crosswalk: how far the nodes of one taxonomy go over into those of another."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from matching.data_files import data_path
from matching.errors import DataFileError, Problem
from matching.fields.taxonomies import Taxonomy, load_taxonomies

# Taxonomies whose every field must reach every one of the targets, or say why not.
COMPLETE: Final[Mapping[str, tuple[str, ...]]] = {
    "province_4567": ("contract_fields", "strategic_2018", "national_high_tech"),
    "strategic_2018": ("contract_fields", "province_4567", "national_high_tech"),
}
_FILE: Final = "crosswalk.toml"
# Shares are written with two decimals, and may be rounded up together.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Link:
    """`fit` (0–1) is the share of what belongs to `code` that also belongs to `target`."""

    taxonomy: str
    code: str
    to: str
    target: str
    fit: float


@dataclass(frozen=True)
class Gap:
    """A node that nothing of a taxonomy answers to, and why."""

    taxonomy: str
    code: str
    to: str
    why_zh: str
    why_en: str


@dataclass(frozen=True)
class Crosswalk:
    """All links and gaps."""

    links: tuple[Link, ...]
    gaps: tuple[Gap, ...]

    def targets(self, taxonomy: str, code: str, to: str) -> dict[str, float]:
        """What a node goes over into in another taxonomy: code and fit, the best first."""
        found = {
            link.target: link.fit for link in self.links if (link.taxonomy, link.code, link.to) == (taxonomy, code, to)
        }
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


@cache
def load_crosswalk() -> Crosswalk:
    """The crosswalk that ships with the program. Raises `DataFileError` when it breaks a rule."""
    crosswalk = read_crosswalk()
    if problems := broken_rules(crosswalk, load_taxonomies()):
        raise DataFileError(*problems)
    return crosswalk


def read_crosswalk() -> Crosswalk:
    """The crosswalk, unchecked."""
    with data_path("fields", _FILE).open("rb") as source:
        entry = tomllib.load(source)
    links = [(*each["from"].split(":"), *each["to"].split(":"), each["fit"]) for each in entry["link"]]
    gaps = [(*each["from"].split(":"), each["taxonomy"], each["why_zh"], each["why_en"]) for each in entry["gap"]]
    return Crosswalk(tuple(Link(*link) for link in links), tuple(Gap(*gap) for gap in gaps))


def broken_rules(crosswalk: Crosswalk, taxonomies: Mapping[str, Taxonomy]) -> list[Problem]:
    """Both ends exist, fits lie in 0–1 and sum to 1 at most, and no field is left without a link or a reason."""
    fields = {(code, node.code) for code, taxonomy in taxonomies.items() for node in taxonomy.fields}
    problems = []
    sums: dict[tuple[str, str, str], float] = defaultdict(float)
    for link in crosswalk.links:
        for end in ((link.taxonomy, link.code), (link.to, link.target)):
            if end not in fields:
                problems.append(Problem("crosswalk.no_node", _FILE, values={"node": ":".join(end)}))
        if not 0 < link.fit <= 1:
            problems.append(_problem("crosswalk.fit", link.taxonomy, link.code, link.to))
        sums[link.taxonomy, link.code, link.to] += link.fit
    problems += [_problem("crosswalk.sum", *key) for key, total in sums.items() if total > 1 + _ROUNDING]
    reasons = {(gap.taxonomy, gap.code, gap.to) for gap in crosswalk.gaps if gap.why_zh and gap.why_en}
    for taxonomy, targets in COMPLETE.items():
        wanted = [(taxonomy, node.code, to) for node in taxonomies[taxonomy].fields for to in targets]
        problems += [_problem("crosswalk.gap", *key) for key in wanted if key not in sums and key not in reasons]
    return problems


def _problem(key: str, taxonomy: str, code: str, to: str) -> Problem:
    return Problem(key, _FILE, values={"node": f"{taxonomy}:{code}", "taxonomy": to})
