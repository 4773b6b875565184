"""The crosswalk between taxonomies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matching.errors import DataFileError
from matching.fields.crosswalk import Crosswalk, Gap, Link, broken_rules, load_crosswalk, read_crosswalk
from matching.fields.taxonomies import load_taxonomies, load_taxonomy

GOOD = read_crosswalk()


def keys(crosswalk: Crosswalk) -> list[tuple[str, str]]:
    """Key and node of each broken rule."""
    return [(problem.key, str(problem.values["node"])) for problem in broken_rules(crosswalk, load_taxonomies())]


def with_link(link: Link) -> Crosswalk:
    return replace(GOOD, links=(*GOOD.links, link))


def test_the_shipped_crosswalk_breaks_no_rule() -> None:
    assert broken_rules(GOOD, load_taxonomies()) == []
    assert load_crosswalk() == GOOD


@pytest.mark.parametrize(
    ("taxonomy", "to"),
    [
        ("province_4567", "contract_fields"),
        ("province_4567", "strategic_2018"),
        ("province_4567", "national_high_tech"),
        ("strategic_2018", "province_4567"),
        ("strategic_2018", "contract_fields"),
        ("strategic_2018", "national_high_tech"),
    ],
)
def test_every_field_goes_over_or_says_why_not(taxonomy: str, to: str) -> None:
    reasons = {gap.code: gap for gap in GOOD.gaps if (gap.taxonomy, gap.to) == (taxonomy, to)}
    for node in load_taxonomy(taxonomy).fields:
        found = GOOD.targets(taxonomy, node.code, to)
        if not found:
            assert len(reasons[node.code].why_zh) > 10
            assert len(reasons[node.code].why_en) > 10
        assert set(found) <= {field.code for field in load_taxonomy(to).fields}
        assert sum(found.values()) <= 1 + 1e-9
        assert all(0 < fit <= 1 for fit in found.values())


@pytest.mark.parametrize(
    ("code", "to", "target"),
    [
        ("S1", "contract_fields", "02"),
        ("S3", "contract_fields", "05"),
        ("S5", "contract_fields", "09"),
        ("T4", "contract_fields", "04"),
        ("T5", "contract_fields", "10"),
        ("N2", "national_high_tech", "2"),
        ("S3", "national_high_tech", "4"),
        ("T4", "strategic_2018", "4.1"),
    ],
)
def test_a_field_goes_over_best_into_its_likeness(code: str, to: str, target: str) -> None:
    assert next(iter(GOOD.targets("province_4567", code, to))) == target


def test_targets_stand_best_first_then_by_code() -> None:
    links = [Link("a", "1", "b", target, fit) for target, fit in (("z", 0.2), ("y", 0.3), ("c", 0.2), ("d", 0.1))]
    others = [Link("a", "2", "b", "q", 0.9), Link("a", "1", "c", "q", 0.9), Link("b", "1", "b", "q", 0.9)]
    found = Crosswalk((*links, *others), ()).targets("a", "1", "b")
    assert list(found.items()) == [("y", 0.3), ("c", 0.2), ("z", 0.2), ("d", 0.1)]
    assert Crosswalk((), ()).targets("a", "1", "b") == {}


def test_a_link_to_or_from_no_field_is_seen() -> None:
    assert keys(with_link(Link("province_4567", "N9", "contract_fields", "01", 0.1))) == [
        ("crosswalk.no_node", "province_4567:N9")
    ]
    assert keys(with_link(Link("national_high_tech", "1", "contract_fields", "99", 0.1)))[0] == (
        "crosswalk.no_node",
        "contract_fields:99",
    )
    assert keys(with_link(Link("nowhere", "1", "contract_fields", "01", 0.1))) == [("crosswalk.no_node", "nowhere:1")]


def test_a_link_from_a_node_that_only_groups_others_is_seen() -> None:
    assert keys(with_link(Link("province_4567", "N", "contract_fields", "01", 0.1))) == [
        ("crosswalk.no_node", "province_4567:N")
    ]


@pytest.mark.parametrize("fit", [0.0, -0.1])
def test_a_fit_of_nothing_is_seen(fit: float) -> None:
    assert keys(with_link(Link("province_4567", "N1", "province_4567", "N2", fit))) == [
        ("crosswalk.fit", "province_4567:N1")
    ]


def test_a_fit_above_all_is_seen() -> None:
    assert keys(with_link(Link("province_4567", "N1", "province_4567", "N2", 1.1))) == [
        ("crosswalk.fit", "province_4567:N1"),
        ("crosswalk.sum", "province_4567:N1"),
    ]


def test_shares_above_one_together_are_seen() -> None:
    links = tuple(Link("province_4567", "N1", "province_4567", code, 0.4) for code in ("N2", "N3", "N4"))
    assert keys(replace(GOOD, links=(*GOOD.links, *links))) == [("crosswalk.sum", "province_4567:N1")]
    assert keys(replace(GOOD, links=(*GOOD.links, *links[:2]))) == []


def test_a_field_without_links_needs_a_reason_in_both_languages() -> None:
    left = ("province_4567", "T4", "contract_fields")
    links = tuple(link for link in GOOD.links if (link.taxonomy, link.code, link.to) != left)
    without = replace(GOOD, links=links)
    assert keys(without) == [("crosswalk.gap", "province_4567:T4")]
    assert keys(replace(without, gaps=(*GOOD.gaps, Gap(*left, "因为", "")))) == [("crosswalk.gap", "province_4567:T4")]
    assert keys(replace(without, gaps=(*GOOD.gaps, Gap(*left, "", "because")))) == [
        ("crosswalk.gap", "province_4567:T4")
    ]
    assert keys(replace(without, gaps=(*GOOD.gaps, Gap(*left, "因为", "because")))) == []


def test_a_broken_rule_is_worded_in_both_languages() -> None:
    broken = with_link(Link("province_4567", "N9", "contract_fields", "01", 1.5))
    problems = broken_rules(broken, load_taxonomies())
    assert {problem.key for problem in problems} == {"crosswalk.no_node", "crosswalk.fit", "crosswalk.sum"}
    for language in ("zh_CN", "en"):
        lines = DataFileError(*problems).text(language).splitlines()
        assert all(line.startswith("crosswalk.toml") and "province_4567:N9" in line for line in lines)
