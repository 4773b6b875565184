"""Figures as sheets: cuts by one or two dimensions, the heat map of two, the funnel, coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from matching.reporting.code_names import dimension_name, is_a_period, worded
from matching.reporting.conversion import conversion
from matching.reporting.coverage import COVERAGE, coverage
from matching.reporting.dimensions import of_achievements, of_demands
from matching.reporting.facts import Facts
from matching.reporting.figures import AMOUNTS, COUNTS, FIGURES, cut, is_cut_by, rows_of
from matching.reporting.journeys import STEPS
from matching.reporting.period import Period
from matching.reporting.sheets import Column, ColumnKind, Plot, Sheet
from matching.reporting.small_counts import MARK, said_to_hide, smallest_shown, without_small, without_small_parts
from matching.wording import say

# Beside a column of words: the codes that they stand for, null in the row of the whole.
CODE: Final = ":code"
# Deals behind the payments of a cell: what decides whether the amount is hidden.
_PAYING: Final = "paying"
# Which count decides whether a cell is hidden; achievements are no secret.
_TOLD_BY: Final = {
    **{name: name for name in COUNTS if name != "achievements"},
    "total_fen": "signed",
    "technical_fen": "signed",
    "paid_fen": _PAYING,
}
_SHARES: Final = ("share", "never_shown_share", "without_fit_share")
# What the chart of a cut draws, as far as the figures are cut by it.
_DRAWN: Final = ("accepted", "signed")
# Months, quarters or years that a chart holds: months of five years.
_PERIODS: Final = 60


def figure_column(name: str, language: str) -> Column:
    """The column of a figure, with its heading."""
    kind: ColumnKind = "count"
    if name in AMOUNTS:
        kind = "amount"
    elif name in _SHARES:
        kind = "share"
    elif name.startswith("days_"):
        kind = "days"
    return Column(name, say(f"figure.{name}", language), kind)


def cut_sheet(facts: Facts, by: Sequence[str], period: Period, language: str, *, hide: bool) -> Sheet:
    """All figures by one or two dimensions, the whole in the last row; `hide` takes small counts away."""
    figures = [name for name in FIGURES if all(is_cut_by(name, dimension) for dimension in by)]
    parts = _figures(facts, by, period, figures, hide=hide)
    whole = _figures(facts, (), period, figures, hide=hide)
    rows = _worded(parts, by, language)
    labels = {name: "" if place else say("stats.whole", language) for place, name in enumerate(by)}
    codes = [pl.lit(None, pl.String()).alias(f"{name}{CODE}") for name in by]
    total = whole.with_columns(*(pl.lit(text).alias(name) for name, text in labels.items()), *codes)
    drawn: tuple[str, ...] = tuple(name for name in _DRAWN if name in figures) or tuple(figures[:1])
    sheet = Sheet(
        code="by_" + "_".join(by),
        title=say("stats.by", language, cuts=[dimension_name(name, language) for name in by]),
        note=say("stats.cut_note", language),
        columns=(*_labels(by, language), *(figure_column(name, language) for name in figures)),
        rows=pl.concat([rows, total.select(rows.columns)]),
        plot=_drawn_by(by[0], drawn) if len(by) == 1 else None,
        total=True,
    )
    return said_to_hide(sheet, language)


def _drawn_by(dimension: str, figures: tuple[str, ...]) -> Plot:
    return Plot("columns", dimension, figures, _PERIODS) if is_a_period(dimension) else Plot("bars", dimension, figures)


def heat_sheet(facts: Facts, by: tuple[str, str], figure: str, period: Period, language: str, *, hide: bool) -> Sheet:
    """One figure by two dimensions as a grid: the first down, the second across, in columns named "quarter:2026Q1".

    Cells without a row are 0.
    """
    down, across = by
    long = _figures(facts, by, period, [figure], hide=hide)
    codes = {name: cut(facts, (name,), period, [figure])[name] for name in by}
    column = {code: f"{across}:{code}" for code in codes[across]}
    grid = codes[down].to_frame()
    for code, name in column.items():
        cells = long.filter(pl.col(across) == code).select(
            down, pl.col(figure).alias(name), *([pl.col(f"{figure}{MARK}").alias(f"{name}{MARK}")] if hide else [])
        )
        grid = grid.join(cells, on=down, how="left", maintain_order="left")
        if hide:
            grid = grid.with_columns(pl.col(f"{name}{MARK}").fill_null(False))
        empty = pl.col(name).is_null() & (~pl.col(f"{name}{MARK}") if hide else pl.lit(True))
        grid = grid.with_columns(pl.when(empty).then(0).otherwise(name).alias(name))
    headings = worded(codes[across], across, language)
    kind: ColumnKind = "amount" if figure in AMOUNTS else "count"
    sheet = Sheet(
        code=f"{figure}_{down}_{across}",
        title=say(
            "stats.grid",
            language,
            figure=say(f"figure.{figure}", language),
            cuts=[dimension_name(name, language) for name in by],
        ),
        note="",
        columns=(
            *_labels((down,), language),
            *(Column(name, heading, kind) for name, heading in zip(column.values(), headings, strict=True)),
        ),
        rows=_worded(grid, (down,), language),
        plot=Plot("heat", down, tuple(column.values()), most=grid.height) if column else None,
    )
    return said_to_hide(sheet, language)


def funnel_sheet(facts: Facts, period: Period, language: str, *, hide: bool) -> Sheet:
    """The steps from demand to industrialisation: how many, and how many came on from the one before, in what days."""
    whole = cut(facts, (), period, COUNTS).unpivot(variable_name="step", value_name="count")
    passed = conversion(facts, (), period)
    if hide:
        # Nobody knows a sum of the steps: each stands for itself.
        whole = pl.concat(without_small(row, (), {"count": "count"}) for row in whole.iter_slices(1))
        passed = _veiled_conversion(passed, ())
    rows = whole.join(passed, on="step", how="left", maintain_order="left")
    names = ("base", "came", "share", "days_median", "days_mean")
    sheet = Sheet(
        code="funnel",
        title=say("stats.funnel", language),
        note=say("stats.funnel_note", language),
        columns=(
            Column("step", say("stats.step", language), "text"),
            Column("count", say("stats.count", language), "count"),
            *(figure_column(name, language) for name in names),
        ),
        rows=rows.with_columns(
            pl.col("step").alias(f"step{CODE}"),
            pl.col("step").replace_strict({name: say(f"figure.{name}", language) for name in COUNTS}),
        ).drop("timed"),
        plot=Plot("bars", "step", ("count",)),
    )
    return said_to_hide(sheet, language)


def conversion_sheet(facts: Facts, dimension: str, period: Period, language: str, *, hide: bool) -> Sheet:
    """From each step to the next, by one dimension."""
    found = conversion(facts, (dimension,), period)
    if hide:
        found = _veiled_conversion(found, (dimension,))
    names = ("base", "came", "share", "days_median", "days_mean")
    order = {step: place for place, step in enumerate(STEPS)}
    found = found.sort(pl.col("step").replace_strict(order, return_dtype=pl.Int64), dimension, maintain_order=True)
    rows = _worded(found, (dimension,), language).with_columns(
        pl.col("step").replace_strict({name: say(f"figure.{name}", language) for name in STEPS})
    )
    sheet = Sheet(
        code=f"conversion_{dimension}",
        title=say("stats.conversion", language, cuts=dimension_name(dimension, language)),
        note=say("stats.funnel_note", language),
        columns=(
            *_labels((dimension,), language),
            Column("step", say("stats.step", language), "text"),
            *(figure_column(name, language) for name in names),
        ),
        rows=rows.drop("timed"),
    )
    return said_to_hide(sheet, language)


def coverage_sheet(facts: Facts, dimension: str, language: str, *, hide: bool) -> Sheet:
    """Achievements never shown and demands without a fitting candidate, by one dimension of records."""
    applies = {"achievements_in_use": of_achievements(), "demands_in_use": of_demands()}
    names = [name for name in COVERAGE if dimension in applies[_whole_of(name)]]
    parts, whole = coverage(facts, (dimension,)), coverage(facts, ())
    if hide and "demands_in_use" in names:
        parts, whole = (_veiled_coverage(each, keys) for each, keys in ((parts, (dimension,)), (whole, ())))
    code = pl.lit(None, pl.String()).alias(f"{dimension}{CODE}")
    total = whole.with_columns(pl.lit(say("stats.whole", language)).alias(dimension), code)
    rows = _worded(parts, (dimension,), language)
    drawn = tuple(name for name in ("never_shown", "without_fit") if name in names)
    sheet = Sheet(
        code=f"coverage_{dimension}",
        title=say("stats.coverage", language, cuts=dimension_name(dimension, language)),
        note=say("stats.coverage_note", language),
        columns=(*_labels((dimension,), language), *(figure_column(name, language) for name in names)),
        rows=pl.concat([rows, total.select(rows.columns)]),
        plot=Plot("bars", dimension, drawn),
        total=True,
    )
    return said_to_hide(sheet, language)


def _figures(facts: Facts, by: Sequence[str], period: Period, figures: Sequence[str], *, hide: bool) -> pl.DataFrame:
    found = cut(facts, by, period, [*figures, *dict.fromkeys(_deciding(figures))])
    if not hide:
        return found.select(*by, *figures)
    told_by = {name: _TOLD_BY[name] for name in figures if name in _TOLD_BY}
    if "paid_fen" in figures:
        paying = rows_of(facts, "paid_fen", by, period)
        count = pl.col("deal_id").n_unique().cast(pl.Int64).alias(_PAYING)
        if by:
            found = found.join(paying.group_by(by).agg(count), on=list(by), how="left", maintain_order="left")
        else:
            found = found.hstack(paying.select(count))
    marks = [f"{name}{MARK}" for name in told_by]
    return without_small(found, by, told_by).select(*by, *figures, *marks)


def _deciding(figures: Sequence[str]) -> list[str]:
    """Counts that decide on figures and are not among them."""
    return [count for name in figures if (count := _TOLD_BY.get(name, name)) not in figures and count != _PAYING]


def _veiled_conversion(found: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Conversion without small counts: neither of those at a step, nor of those who came on or did not."""
    days = ("days_median", "days_mean")
    steps = found.partition_by("step", maintain_order=True) or [found]
    hidden = pl.concat(without_small_parts(rows, keys, "base", "came", ("share", *days)) for rows in steps)
    few = (pl.col("timed") > 0) & (pl.col("timed") < smallest_shown())
    hidden = hidden.with_columns((pl.col(f"{name}{MARK}") | few).alias(f"{name}{MARK}") for name in days)
    return hidden.with_columns(pl.when(~pl.col(f"{name}{MARK}")).then(name).alias(name) for name in days)


def _veiled_coverage(found: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    return without_small_parts(found, keys, "demands_in_use", "without_fit", ("without_fit_share",))


def _whole_of(name: str) -> str:
    return "demands_in_use" if name in ("demands_in_use", "without_fit", "without_fit_share") else "achievements_in_use"


def _worded(rows: pl.DataFrame, by: Sequence[str], language: str) -> pl.DataFrame:
    """Rows with the codes of dimensions in words, and the codes beside them."""
    return rows.with_columns(
        *(worded(rows[name], name, language) for name in by), *(pl.col(name).alias(f"{name}{CODE}") for name in by)
    )


def _labels(by: Sequence[str], language: str) -> list[Column]:
    return [Column(name, dimension_name(name, language), "text") for name in by]
