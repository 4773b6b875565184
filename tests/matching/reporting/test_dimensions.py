"""What figures can be cut by: names that a user gives, codes and their order, the columns of records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl
import pytest
from generated_facts import facts_of

from matching.errors import CallError
from matching.fields.regions import in_province, region_codes
from matching.fields.taxonomies import first_taxonomy, load_taxonomies
from matching.reporting.code_names import code_name, dimension_name, is_a_period, worded
from matching.reporting.codes import HIDDEN, UNKNOWN
from matching.reporting.dimensions import (
    FIELD,
    codes_always_shown,
    codes_in_order,
    dimensions,
    known_dimensions,
    with_dimensions,
)
from matching.reporting.period import EVERY

FIRST: Final = first_taxonomy().code
LANGUAGES: Final = ("zh_CN", "en")


def refused(names: Sequence[str]) -> CallError:
    with pytest.raises(CallError) as error:
        known_dimensions(names)
    for language in LANGUAGES:
        text = error.value.text(language)
        assert text != error.value.problems[0].key
        assert "{" not in text
    return error.value


def test_names_that_are_known() -> None:
    assert known_dimensions([]) == ()
    for name in dimensions():
        assert known_dimensions([name]) == (name,)
    assert known_dimensions(["month", "city"]) == ("month", "city")


def test_field_stands_for_the_first_taxonomy() -> None:
    assert known_dimensions([FIELD]) == (FIRST,)
    assert known_dimensions(["quarter", FIELD]) == ("quarter", FIRST)
    assert FIELD not in dimensions()


@pytest.mark.parametrize("names", [("moon",), ("city", "moon"), ("",), ("City",), ("moon", "moon"), ("a", "b", "c")])
def test_names_that_are_not_known_are_told_with_those_that_are(names: tuple[str, ...]) -> None:
    (problem,) = refused(names).problems
    assert problem.key == "stats.unknown_cut"
    assert problem.values["names"] == [name for name in names if name != "city"]
    known = problem.values["known"]
    assert isinstance(known, list)
    assert [FIELD, *dimensions()] == known
    assert all(name in problem.text("en") for name in known)


@pytest.mark.parametrize(
    "names",
    [("city", "city"), (FIELD, FIRST), ("city", "month", "agent"), (FIELD, "year", "quarter"), ("city",) * 3],
)
def test_the_same_one_twice_and_three_are_refused(names: tuple[str, ...]) -> None:
    (problem,) = refused(names).problems
    assert problem.key == "stats.wrong_cuts"
    assert "2" in problem.text("en")


def test_codes_are_different_and_end_with_the_unknown() -> None:
    for name in dimensions():
        codes = codes_in_order(name)
        if codes is None:
            assert codes_always_shown(name) == ()
            assert name in ("enterprise", "institute", "agent", "transfer_institution", *EVERY)
            continue
        assert len(set(codes)) == len(codes)
        assert codes[-1] == UNKNOWN
        assert UNKNOWN not in codes[:-1]
        if name != "city":
            assert codes_always_shown(name) == codes
    assert codes_in_order("no such dimension") is None


def test_cities_that_are_always_shown_are_the_prefectures_of_the_province() -> None:
    shown = codes_always_shown("city")
    assert len(shown) == 13
    assert shown == tuple(code for code in region_codes() if in_province(code))[1:]
    assert {*shown} < {*region_codes()}


def test_every_code_has_its_words() -> None:
    for language in LANGUAGES:
        for name in dimensions():
            assert dimension_name(name, language) not in ("", name, f"cut.{name}")
            codes = codes_in_order(name) or ()
            words = [code_name(name, code, language) for code in (*codes, HIDDEN)]
            assert all(words)
            assert len(set(words)) == len(words), (name, language)
            column = pl.Series([*codes, *codes[::-1]], dtype=pl.String)
            assert worded(column, name, language).to_list() == [*words[:-1], *words[-2::-1]] if codes else True
    assert worded(pl.Series([], dtype=pl.String), "city", "en").to_list() == []


def test_names_and_times_in_words() -> None:
    assert code_name("institute", "甲所", "en") == "甲所"
    assert code_name("agent", UNKNOWN, "en") != UNKNOWN
    assert code_name("month", "2026-03", "en") == "2026-03"
    for language in LANGUAGES:
        quarter = code_name("quarter", "2026Q3", language)
        assert "2026" in quarter
        assert "3" in quarter
        assert "2026" in code_name("year", "2026", language)
    assert [name for name in dimensions() if is_a_period(name)] == list(EVERY)


def test_pairs_have_the_columns_of_their_records() -> None:
    found = facts_of(5, 6, 6, 40)
    names = ("city", "institute", *load_taxonomies())
    rows = with_dimensions(found.pairs, names, found.demands, found.achievements)
    assert rows.select(found.pairs.columns).equals(found.pairs)
    demands = dict(found.demands.select("demand_id", "city").rows())
    achievements = {row["achievement_id"]: row for row in found.achievements.rows(named=True)}
    for row in rows.iter_rows(named=True):
        assert row["city"] == demands.get(row["demand_id"], UNKNOWN)
        achievement = achievements.get(row["achievement_id"], {})
        assert [row[name] for name in names[1:]] == [achievement.get(name, UNKNOWN) for name in names[1:]]
    assert rows.filter(pl.col("city") == UNKNOWN).height > 0
    # Records that are not there are among them.
    assert {"D6"} & {*rows["demand_id"]}


def test_texts_of_nothing_are_unknown() -> None:
    found = facts_of(5, 6, 6, 40)
    rows = with_dimensions(found.pairs, ("contract_kind", "transfer_institution"), found.demands, found.achievements)
    nothing = found.pairs["transfer_institution"].fill_null("") == ""
    assert rows.filter(nothing)["transfer_institution"].unique().to_list() == [UNKNOWN]
    assert rows["contract_kind"].null_count() == 0
    assert rows.filter(~nothing)["transfer_institution"].equals(found.pairs.filter(~nothing)["transfer_institution"])
