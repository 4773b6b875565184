"""Filters of the review; they live in the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import polars as pl
import streamlit as st

from matching.ledger.review_queue import by_demand
from matching.ledger.review_rules import review_rules
from matching.schema import LEVELS
from ui.access import agent, t, worded_key
from ui.catalogue_cache import arrivals, holders, listed, quality
from ui.components.desk_log import DEMAND
from ui.components.filters import FieldChoice, choose_field, with_field, with_words

_WHOSE: Final = ("all", "mine", "free")
_SEARCHED: Final = ("demand_id", "title", "enterprise", "city")


Chosen = TypeVar("Chosen")


@dataclass(frozen=True)
class Filters:
    """What was chosen; None or "" for everything. `age` is in days, `quality` 0-100, `score` 0-1."""

    text: str
    field: FieldChoice
    whose: str
    waiting: bool
    city: str
    level: int | None
    score: float | None
    quality: int | None
    institute: str
    age: int | None


@dataclass(frozen=True)
class Found:
    """Pairs that the filters leave (`catalogue_cache.review_pairs`), and the demands that they belong to.

    `demands` has the columns of `review_queue.QUEUE`, title, enterprise, city and holder.
    """

    pairs: pl.DataFrame
    demands: pl.DataFrame


def choose_filters() -> Filters:
    """The filters, the rarer ones folded away."""
    places = st.columns([1.4, 2.4, 1.5, 1.1, 1.1], vertical_alignment="bottom")
    with places[0]:
        hint = t("review.search_hint")
        text = st.text_input(t("filter.search"), key="q", bind="query-params", placeholder=hint)
    with places[1]:
        field = choose_field()
    with places[2]:
        whose = st.segmented_control(
            t("review.whose"),
            _WHOSE,
            format_func=lambda each: t(f"review.whose_{each}"),
            default="all",
            required=True,
            key=worded_key("whose"),
            bind="query-params",
        )
    with places[3]:
        waiting = st.toggle(t("review.open_only"), key="waiting", bind="query-params")
    with places[4], st.popover(t("filter.more"), width="stretch"):
        city = _choice("city", _cities())
        level = _choice("level", list(reversed(LEVELS)))
        score = _choice("score", review_rules().scores)
        quality = _choice("quality", review_rules().qualities)
        age = _choice("age", review_rules().ages)
        institute = st.text_input(t("filter.institute"), key="institute", bind="query-params")
    return Filters(text, field, whose, waiting, city or "", level, score, quality, institute, age)


def _cities() -> list[str]:
    return listed("demands").filter(pl.col("city") != "")["city"].unique().sort().to_list()


def _choice(name: str, values: Sequence[Chosen]) -> Chosen | None:
    """A list of choices with one for everything, which gives None."""
    return st.selectbox(
        t(f"filter.{name}"),
        [None, *values],
        format_func=lambda each: t("filter.any") if each is None else _worded(name, each),
        key=worded_key(name),
        bind="query-params",
    )


def _worded(name: str, value: object) -> str:
    if name == "level":
        return t(f"level.{value}")
    return str(value) if name == "city" else t(f"filter.{name}_from", value=value)


def filtered(pairs: pl.DataFrame, chosen: Filters) -> Found:
    """What the filters leave; the demand in hand stays in view when its last candidate is decided."""
    demands = listed("demands").filter(~pl.col("out_of_use"))
    demands = with_words(with_field(demands, "demands", chosen.field), chosen.text, _SEARCHED)
    demands = demands.join(holders(), on="demand_id", how="left", maintain_order="left")
    if chosen.whose != "all":
        mine = pl.col("holder") == agent()
        demands = demands.filter(mine if chosen.whose == "mine" else pl.col("holder").is_null())
    if chosen.city:
        demands = demands.filter(pl.col("city") == chosen.city)
    if chosen.quality is not None:
        good = quality("demands").filter(pl.col("quality") >= chosen.quality)
        demands = _among(demands, good)
    if chosen.age is not None:
        since = (datetime.now(UTC) - timedelta(days=chosen.age)).isoformat(timespec="milliseconds")
        demands = _among(demands, arrivals("demands").filter(pl.col("came") >= since))
    of_demands = pairs.join(demands.select("demand_id"), on="demand_id", how="semi", maintain_order="left")
    kept = of_demands.filter(_pair_conditions(chosen))
    if chosen.institute:
        kept = kept.join(_achievements_of(chosen.institute), on="achievement_id", how="semi", maintain_order="left")
    queue = by_demand(of_demands.join(kept.select("demand_id").unique(), on="demand_id", how="semi"))
    queue = queue.join(
        demands.select("demand_id", "title", "enterprise", "city", "holder"), on="demand_id", maintain_order="left"
    )
    if chosen.waiting:
        in_hand = pl.col("demand_id") == st.session_state.get(DEMAND, "")
        queue = queue.filter(in_hand | (pl.col("waiting") > 0))
    return Found(kept, queue)


def _among(demands: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    return demands.join(found, left_on="demand_id", right_on="record_id", how="semi", maintain_order="left")


def _achievements_of(institute: str) -> pl.DataFrame:
    """Achievements in use of the institutes whose names hold a text."""
    held = pl.col("institute").str.contains(institute, literal=True)
    return listed("achievements").filter(~pl.col("out_of_use"), held).select("achievement_id")


def _pair_conditions(chosen: Filters) -> list[pl.Expr]:
    conditions = [pl.lit(True)]
    if chosen.level is not None:
        conditions.append(pl.col("level") >= chosen.level)
    if chosen.score is not None:
        conditions.append(pl.col("score") >= chosen.score)
    return conditions
