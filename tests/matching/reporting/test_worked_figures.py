"""The figures of the worked ledger, whole and cut, as they were worked out by hand (see `worked/README.md`)."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from records import copied, made
from worked_ledger import MOMENTS, TIMEZONE, Row, fen, fill, table

from matching.ledger.rights import Viewer, as_viewer
from matching.reporting.behind import rows_behind
from matching.reporting.conversion import conversion
from matching.reporting.coverage import coverage
from matching.reporting.cut_sheets import cut_sheet
from matching.reporting.facts import Facts, facts, veiled
from matching.reporting.figures import AMOUNTS, FIGURES, cut, is_cut_by
from matching.reporting.journeys import STEPS
from matching.reporting.period import Period
from matching.reporting.small_counts import hides

PERIODS: Final = {"all": Period(), "2024": Period(date(2024, 1, 1), date(2024, 12, 31))}
CUTS: Final = {"third_all": ("third", "all"), "second_2024": ("second", "2024"), "first_2024": ("first", "2024")}
OFFICIAL: Final = Viewer("官", "official")
OF_PAIRS: Final = ("province_4567", "contract_fields", "city", "institute", "enterprise", "ip_kind", "maturity")


@pytest.fixture(scope="module")
def worked_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("worked") / "worked.sqlite", fill)


@pytest.fixture(scope="module")
def known(worked_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Facts]:
    """The facts at each moment."""
    with copied(worked_path, tmp_path_factory.mktemp("known")) as engine:
        return {name: facts(engine, at, TIMEZONE) for name, at in MOMENTS.items()}


def expected(row: Row, names: tuple[str, ...] = FIGURES) -> dict[str, int | None]:
    """Figures of a row of a table: amounts in fen, None where a figure is not cut so."""
    return {name: fen(row[name]) if name in AMOUNTS else int(row[name]) if row[name] else None for name in names}


def cuts_of(name: str) -> list[tuple[str, list[Row]]]:
    """The dimensions of a table of cuts, each with its rows."""
    by_dimension: dict[str, list[Row]] = {}
    for row in table(f"expected_cuts_{name}"):
        by_dimension.setdefault(row["dimension"], []).append(row)
    return list(by_dimension.items())


ALL_CUTS: Final = [(name, dimension, rows) for name in CUTS for dimension, rows in cuts_of(name)]
CUT_NAMES: Final = [f"{name}-{dimension}" for name, dimension, _ in ALL_CUTS]


@pytest.mark.parametrize("row", table("expected_funnel"), ids=lambda row: f"{row['moment']}-{row['period']}")
def test_the_whole(known: dict[str, Facts], row: Row) -> None:
    found = cut(known[row["moment"]], (), PERIODS[row["period"]])
    assert found.rows(named=True) == [expected(row)]


@pytest.mark.parametrize(("name", "dimension", "rows"), ALL_CUTS, ids=CUT_NAMES)
def test_cuts(known: dict[str, Facts], name: str, dimension: str, rows: list[Row]) -> None:
    """Every row that has a figure, in order; all others are zero."""
    moment, period = CUTS[name]
    found = cut(known[moment], (dimension,), PERIODS[period])
    filled = found.filter(pl.any_horizontal(pl.col(figure).fill_null(0) != 0 for figure in FIGURES))
    assert filled.rows(named=True) == [{dimension: row["code"], **expected(row)} for row in rows]


@pytest.mark.parametrize(("name", "dimension", "rows"), ALL_CUTS, ids=CUT_NAMES)
def test_the_worked_parts_sum_to_the_worked_whole(name: str, dimension: str, rows: list[Row]) -> None:
    """A slip of the pen in one table would show against the other."""
    moment, period = CUTS[name]
    whole = next(row for row in table("expected_funnel") if (row["moment"], row["period"]) == (moment, period))
    cells = [expected(row) for row in rows]
    for figure, sum_of_all in expected(whole).items():
        if is_cut_by(figure, dimension):
            assert sum(cell[figure] or 0 for cell in cells) == sum_of_all, figure
        else:
            assert {cell[figure] for cell in cells} == {None}, figure


@pytest.mark.parametrize("dimension", OF_PAIRS)
def test_the_pairs_behind_the_candidates(known: dict[str, Facts], dimension: str) -> None:
    numbers = {(row["demand"], row["achievement"]): int(row["pair"]) for row in table("pairs")}
    for row in dict(cuts_of("third_all"))[dimension]:
        found = rows_behind(known["third"], "candidates", {dimension: row["code"]}, Period())
        pairs = sorted(numbers[pair] for pair in found.select("demand_id", "achievement_id").iter_rows())
        assert pairs == listed(row["which"]), row["code"]


def listed(text: str) -> list[int]:
    """Numbers and ranges of numbers in the first part of a remark."""
    spans = re.findall(r"\b(\d+)(?:-(\d+))?\b", text.partition(";")[0])
    return [number for first, last in spans for number in range(int(first), int(last or first) + 1)]


@pytest.mark.parametrize(("moment", "period"), CUTS.values())
def test_fields_by_quarters(known: dict[str, Facts], moment: str, period: str) -> None:
    figures = ("signed", "total_fen", "paid_fen")
    found = cut(known[moment], ("province_4567", "quarter"), PERIODS[period], figures)
    rows = {
        (row["field"], row["quarter"]): row for row in table("expected_field_by_quarter") if row["moment"] == moment
    }
    cells = {(field, quarter): rest for field, quarter, *rest in found.iter_rows() if any(rest)}
    assert cells == {key: list(expected(row, figures).values()) for key, row in rows.items()}


@pytest.mark.parametrize(("moment", "period"), CUTS.values())
def test_conversion(known: dict[str, Facts], moment: str, period: str) -> None:
    found = conversion(known[moment], (), PERIODS[period])
    rows = [row for row in table("expected_conversion") if row["moment"] == moment]
    assert found["step"].to_list() == [row["step"] for row in rows] == list(STEPS[1:])
    for got, row in zip(found.iter_rows(named=True), rows, strict=True):
        numbers = {name: int(text) for name, text in row.items() if name not in ("moment", "period", "step", "how")}
        assert (got["base"], got["came"], got["timed"]) == (numbers["base"], numbers["came"], numbers["timed"]), row
        assert got["share"] == numbers["came"] / numbers["base"], row
        assert got["days_median"] == numbers["days_median_twice"] / 2, row
        assert got["days_mean"] == pytest.approx(numbers["days_sum"] / numbers["timed"], rel=1e-12), row


@pytest.mark.parametrize(
    ("moment", "dimension"),
    [(name, "") for name in MOMENTS] + [("third", "institute"), ("first", "city"), ("third", "city")],
)
def test_coverage(known: dict[str, Facts], moment: str, dimension: str) -> None:
    found = coverage(known[moment], (dimension,) if dimension else ())
    rows = [row for row in table("expected_coverage") if (row["moment"], row["dimension"]) == (moment, dimension)]
    counts = ("achievements_in_use", "never_shown", "demands_in_use", "without_fit")
    got = {row.get(dimension, ""): row for row in found.iter_rows(named=True) if any(row[name] for name in counts)}
    assert set(got) == {row["code"] for row in rows}
    for row in rows:
        cells = got[row["code"]]
        worked = expected(row, counts)
        assert {name: cells[name] for name in counts} == worked
        for part, whole in (("never_shown", "achievements_in_use"), ("without_fit", "demands_in_use")):
            share = None if worked[whole] is None else (worked[part] or 0) / (worked[whole] or 1)
            assert cells[f"{part}_share"] == share


def test_an_official_sees_no_small_counts(worked_path: Path, tmp_path: Path) -> None:
    with copied(worked_path, tmp_path) as engine:
        engine = as_viewer(engine, OFFICIAL)
        seen = veiled(engine, facts(engine, MOMENTS["third"], TIMEZONE))
        sheet = cut_sheet(seen, ("contract_kind",), Period(), "zh_CN", hide=hides(engine))
    names = [name for name in sheet.rows.columns if f"{name}:hidden" in sheet.rows.columns]
    parts = {row["contract_kind:code"]: row for row in sheet.rows.iter_rows(named=True)}
    for row in table("expected_hidden"):
        cells = parts.pop(row["contract_kind"])
        for name in names:
            worked = None if row[name] == "hidden" else expected(row, (name,))[name]
            assert (cells[name], cells[f"{name}:hidden"]) == (worked, row[name] == "hidden"), (
                row["contract_kind"],
                name,
            )
    whole = next(row for row in table("expected_funnel") if (row["moment"], row["period"]) == ("third", "all"))
    assert {name: parts[None][name] for name in names} == expected(whole, tuple(names))
    assert names == [name for name in FIGURES if is_cut_by(name, "contract_kind")]


def test_an_official_learns_no_names_of_secret_demands(worked_path: Path, tmp_path: Path) -> None:
    with copied(worked_path, tmp_path) as engine:
        engine = as_viewer(engine, OFFICIAL)
        seen = veiled(engine, facts(engine, MOMENTS["third"], TIMEZONE))
    found = dict(cut(seen, ("enterprise",), Period(), ["signed"]).iter_rows())
    # Hidden are D03 and D09 (private), D04 and D07 (anonymous): 3 10, 24, 4 5 11 15 22, 12 19 28 31. D14 is public: 29.
    assert found == {
        **{"龙江机械公司": 10, "hidden": 12, "京城科技公司": 2, "沪上贸易公司": 2, "大庆化工公司": 1, "unknown": 2},
    }
