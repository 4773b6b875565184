"""Statistics: each table with its chart, its download, and the rows behind its figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st

from matching.fields.taxonomies import first_taxonomy
from matching.reporting.code_names import dimension_name
from matching.reporting.cut_sheets import CODE, conversion_sheet, coverage_sheet, cut_sheet, funnel_sheet, heat_sheet
from matching.reporting.dimensions import dimensions, of_achievements, of_demands
from matching.reporting.facts import Facts
from matching.reporting.figures import FIGURES, is_cut_by
from matching.reporting.period import Period
from matching.reporting.plan_sheets import plan_sheets
from matching.reporting.policy_sheets import deadline_sheet, league_sheet, rules_sheet, subsidy_sheets
from matching.reporting.registration_sheet import registration_sheet
from matching.reporting.sheets import Sheet, texts
from matching.reporting.small_counts import hides
from matching.reporting.whole_report import exact_moment, report_of
from ui.access import language, ledger, t, worded_key
from ui.components.figures_downloads import show_downloads
from ui.components.figures_rows import show_rows
from ui.components.figures_scope import choose_scope
from ui.components.figures_sheet import Cell, show_sheet
from ui.figures_cache import facts_shown, kept

_HEADLINE: Final = ("demands", "achievements", "candidates", "reviewed", "accepted", "signed", "industrialised")
_NONE: Final = ""
# Places in the line of choices above a part.
_CHOICES: Final = 3
_TO_THE_MINUTE: Final = len("2026-01-01 00:00")
# What is said of a sheet without rows, by how its code begins.
_NOTHING: Final = {
    "league": "figures.no_contract",
    "subsidies": "figures.no_contract",
    "registration": "figures.no_contract",
    "deadlines": "figures.no_deadline",
}
# Years of which the league can be seen, this one and those before.
_YEARS: Final = 6


def show() -> None:
    """The screen."""
    st.subheader(t("figures.title"))
    # Nothing yet: nothing to choose from either, unless an address asks for an earlier moment.
    if "as_of" not in st.query_params and _is_empty(facts_shown(None)):
        st.info(t("figures.empty"))
        return
    period, as_of = choose_scope()
    found = facts_shown(as_of)
    if _is_empty(found):
        st.info(t("figures.empty_then"))
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        part = st.segmented_control(
            t("figures.part"),
            list(_PARTS),
            format_func=lambda each: t(f"figures.part_{each}"),
            default=next(iter(_PARTS)),
            required=True,
            key="part",
            bind="query-params",
            label_visibility="collapsed",
        )
        st.caption(t("figures.stands", moment=exact_moment(found)[:_TO_THE_MINUTE]), width="content")
    _PARTS[part](found, period)


def _is_empty(found: Facts) -> bool:
    return found.demands.is_empty() and found.achievements.is_empty()


def _overview(found: Facts, period: Period) -> None:
    funnel = _made(found, ("funnel", period), lambda: funnel_sheet(found, period, language(), hide=_hide()))
    codes = funnel.rows[f"step{CODE}"].to_list()
    counts = texts(funnel, funnel.column("count"), language())
    for place, step in zip(st.columns(len(_HEADLINE)), _HEADLINE, strict=True):
        place.metric(t(f"figure.{step}"), counts[codes.index(step)])
    show_downloads(found, period)
    _show(found, period, funnel, lambda row, name: (codes[row], {}) if name == "count" else None)
    for every in ("quarter", "month"):
        _show_cut(found, (every,), period)


def _cuts(found: Facts, period: Period) -> None:
    first, second, _ = st.columns(_CHOICES)
    with first:
        by = _choose("figures.by", "cut", list(dimensions()), dimension_name)
    with second:
        others = [_NONE, *(name for name in dimensions() if name != by)]
        across = _choose("figures.across", "across", others, _dimension_or_none)
    _show_cut(found, (by, across) if across else (by,), period)
    if not across:
        sheet = _made(
            found,
            ("conversion", by, period),
            lambda: conversion_sheet(found, by, period, language(), hide=_hide()),
        )
        _show(found, period, sheet)


def _grid(found: Facts, period: Period) -> None:
    figure_place, down_place, across_place = st.columns(_CHOICES)
    with figure_place:
        figure = _choose("figures.figure", "figure", list(FIGURES), lambda name, each: t(f"figure.{name}"), "accepted")
    known = [name for name in dimensions() if is_cut_by(figure, name)]
    with down_place:
        down = _choose("figures.by", "down", known, dimension_name, first_taxonomy().code)
    others = [name for name in known if name != down]
    with across_place:
        across = _choose("figures.across", "grid_across", others, dimension_name, "quarter")
    sheet = _made(
        found,
        ("grid", figure, down, across, period),
        lambda: heat_sheet(found, (down, across), figure, period, language(), hide=_hide()),
    )
    _show(found, period, sheet, lambda row, name: _grid_cell(sheet, figure, (down, across), row, name))


def _grid_cell(sheet: Sheet, figure: str, by: tuple[str, str], row: int, name: str) -> Cell | None:
    across, _, code = name.partition(":")
    return (figure, {by[0]: sheet.rows[f"{by[0]}{CODE}"][row], across: code}) if code else None


def _coverage(found: Facts, period: Period) -> None:
    known = list(dict.fromkeys([*of_demands(), *of_achievements()]))
    with st.columns(_CHOICES)[0]:
        by = _choose("figures.by", "coverage", known, dimension_name)
    sheet = _made(found, ("coverage", by), lambda: coverage_sheet(found, by, language(), hide=_hide()))
    _show(found, period, sheet)


def _plan(found: Facts, period: Period) -> None:
    for sheet in plan_sheets(found, language()):
        _show(found, period, sheet)


def _policy(found: Facts, period: Period) -> None:
    years = [str(year) for year in range(found.today.year, found.today.year - _YEARS, -1)]
    with st.columns(_CHOICES)[0]:
        year = _choose("figures.league_year", "league_year", years, lambda each, _language: each)
    league = _made(found, ("league", year), lambda: league_sheet(found, int(year), language(), hide=_hide()))
    _show(found, period, league)
    for sheet in subsidy_sheets(found, language(), hide=_hide()):
        _show(found, period, sheet)
    for sheet in (deadline_sheet(found, language()), rules_sheet(language())):
        _show(found, period, sheet)


def _registration(found: Facts, period: Period) -> None:
    _show(found, period, registration_sheet(found, period, language(), hide=_hide()))


_PARTS: Final[dict[str, Callable[[Facts, Period], None]]] = {
    "overview": _overview,
    "cuts": _cuts,
    "grid": _grid,
    "coverage": _coverage,
    "plan": _plan,
    "policy": _policy,
    "registration": _registration,
}


def _show_cut(found: Facts, by: tuple[str, ...], period: Period) -> None:
    sheet = _made(found, ("cut", by, period), lambda: cut_sheet(found, by, period, language(), hide=_hide()))

    def cell(row: int, name: str) -> Cell | None:
        codes = {each: sheet.rows[f"{each}{CODE}"][row] for each in by}
        return (name, {each: code for each, code in codes.items() if code is not None}) if name in FIGURES else None

    _show(found, period, sheet, cell)


def _show(found: Facts, period: Period, sheet: Sheet, cell: Callable[[int, str], Cell | None] | None = None) -> None:
    """A sheet with the rows behind its figures: `cell` tells what figure stands where."""
    key = f"{sheet.code}:{period.first}:{period.last}:{found.as_of.isoformat()}:{language()}"

    def behind(row: int, name: str) -> None:
        if cell is not None and (opened := cell(row, name)) is not None:
            show_rows(found, opened, period, key)

    nothing = next((key for start, key in _NOTHING.items() if sheet.code.startswith(start)), "figures.no_row")
    show_sheet(
        sheet, report_of(ledger(), found, (sheet,), period, language()), key, t(nothing), behind if cell else None
    )


def _made(found: Facts, parts: tuple[object, ...], make: Callable[[], Sheet]) -> Sheet:
    return kept(found, parts, make)


def _hide() -> bool:
    return hides(ledger())


def _dimension_or_none(name: str, language_: str) -> str:
    return dimension_name(name, language_) if name else t("figures.none")


def _choose(label: str, key: str, names: Sequence[str], word: Callable[[str, str], str], first: str = "") -> str:
    """One of some names, in words; it lives in the address."""
    return st.selectbox(
        t(label),
        list(names),
        index=names.index(first) if first in names else 0,
        format_func=lambda name: word(name, language()),
        key=worded_key(key),
        bind="query-params",
    )
