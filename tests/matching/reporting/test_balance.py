"""Supply and demand by field, worked out by hand on a small tree."""

from __future__ import annotations

import random
from types import MappingProxyType
from typing import Final

import polars as pl
import pytest

from matching.fields.taxonomies import Node, Taxonomy, load_taxonomies
from matching.reporting.balance import BALANCE, balance
from matching.reporting.codes import UNKNOWN


def node(code: str, parent: str = "") -> Node:
    return Node(code, code, code, parent, "", "", "", (), MappingProxyType({}))


# A has A1 and A2, A2 has A21; B has nothing under it; the file names C1 before the C that it stands under.
TREE: Final = Taxonomy(
    "tree",
    "树",
    "Tree",
    "",
    1,
    (node("A"), node("A1", "A"), node("A2", "A"), node("A21", "A2"), node("B"), node("C1", "C"), node("C")),
)


def codes(*given: str) -> pl.Series:
    return pl.Series("code", given, dtype=pl.String())


def assert_adds_up(taxonomy: Taxonomy, found: pl.DataFrame, demands: int, achievements: int) -> None:
    """The top nodes and the unknown are the whole; a node counts no less than what stands right under it."""
    assert found.schema == BALANCE
    assert found["code"].to_list() == [*(each.code for each in taxonomy.nodes), UNKNOWN]
    tops = found.filter(parent="")
    assert (tops["demands"].sum(), tops["achievements"].sum()) == (demands, achievements)
    for side in ("demands", "achievements"):
        counted = dict(found.select("code", side).iter_rows())
        assert min(counted.values()) >= 0
        for each in taxonomy.nodes:
            assert counted[each.code] >= sum(counted[one.code] for one in taxonomy.nodes if one.parent == each.code)
    lean = found.filter(pl.col("lean").is_not_null())
    assert lean["lean"].is_between(0, 1).all()
    assert (found["lean"].is_null() == (found["demands"] + found["achievements"] == 0)).all()


def test_worked_out_by_hand() -> None:
    """Ten demands, two of them unknown; twenty achievements, five of them unknown."""
    demands = codes("A1", "A1", "A1", "A21", "A", "C1", "C1", "C")
    achievements = codes(*["A1"] * 2, *["A2"] * 3, *["B"] * 4, *["C1"] * 6)
    found = balance(TREE, demands, achievements, 10, 20)
    expected = [
        ("A", "", 5, 5, 0.5 / 0.75),  # 5/10 against 5/20
        ("A1", "A", 3, 2, 0.3 / 0.4),
        ("A2", "A", 1, 3, 0.1 / 0.25),
        ("A21", "A2", 1, 0, 1.0),
        ("B", "", 0, 4, 0.0),
        ("C1", "C", 2, 6, 0.2 / 0.5),
        ("C", "", 3, 6, 0.5),  # 3/10 against 6/20: both the same
        (UNKNOWN, "", 2, 5, 0.2 / 0.45),
    ]
    assert found.drop("lean").rows() == [row[:4] for row in expected]
    assert found["lean"].to_list() == pytest.approx([row[4] for row in expected], abs=1e-12)
    assert_adds_up(TREE, found, 10, 20)


def test_a_list_ten_times_as_long_leans_nowhere() -> None:
    """Shares are compared, not counts."""
    found = balance(TREE, codes("A1", "B"), codes(*["A1", "B"] * 10), 2, 20)
    leans = dict(found.select("code", "lean").iter_rows())
    assert {code: leans[code] for code in ("A", "A1", "B")} == {"A": 0.5, "A1": 0.5, "B": 0.5}
    assert [leans[code] for code in ("A2", "A21", "C", "C1", UNKNOWN)] == [None] * 5


def test_where_nothing_is_there_is_no_side() -> None:
    found = balance(TREE, codes(), codes(), 0, 0)
    assert found.select("demands", "achievements", "lean").rows() == [(0, 0, None)] * 8
    assert_adds_up(TREE, found, 0, 0)


@pytest.mark.parametrize(("sides", "lean"), [((3, 0), 1.0), ((0, 3), 0.0)])
def test_with_one_list_alone_all_leans_to_it(sides: tuple[int, int], lean: float) -> None:
    found = balance(TREE, codes(*["A1"] * (sides[0] - 1)), codes(*["A1"] * (sides[1] - 1)), *sides)
    leans = dict(found.select("code", "lean").iter_rows())
    assert {leans[code] for code in ("A", "A1", UNKNOWN)} == {lean}
    assert leans["B"] is None
    assert_adds_up(TREE, found, *sides)


def test_where_no_field_is_known_all_are_unknown() -> None:
    found = balance(TREE, codes(), codes(), 4, 8)
    assert found.row(-1) == (UNKNOWN, "", 4, 8, 0.5)
    assert found[:-1]["lean"].null_count() == 7


@pytest.mark.parametrize("code", list(load_taxonomies()))
def test_any_lists_add_up(code: str, rng: random.Random) -> None:
    """In every taxonomy that ships, whatever the records' fields are."""
    taxonomy = load_taxonomies()[code]
    known = [[rng.choice(taxonomy.nodes).code for _ in range(rng.randrange(200))] for _ in range(2)]
    totals = [len(each) + rng.randrange(50) for each in known]
    assert_adds_up(taxonomy, balance(taxonomy, codes(*known[0]), codes(*known[1]), *totals), *totals)
