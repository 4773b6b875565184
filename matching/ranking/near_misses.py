"""Near misses: candidates that are good otherwise and fail on exactly one thing that both sides state.

Four conditions are looked at: maturity (too low for the wanted way), way (none of the wanted ones is offered), price
(above the planned investment), deadline (passed, or nearer than the months to production). What is not stated, or
cannot be understood, does not fail. The limits are those of `datasets/ranking/near_misses.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

import polars as pl

from matching.fields.maturity import Stage, load_stages, stage_of
from matching.fields.terms import normalised_texts, terms_in
from matching.ranking.near_rules import Rules, load_rules
from matching.wording import DEFAULT_LANGUAGE, say

CONDITIONS: Final = ("maturity", "way", "price", "deadline")
FAILED: Final[dict[str, pl.DataType]] = {
    "demand_id": pl.String(),
    "achievement_id": pl.String(),
    "condition": pl.String(),
    "demand_says": pl.String(),
    "achievement_says": pl.String(),
    "change": pl.String(),
}
NEAR_MISSES: Final[dict[str, pl.DataType]] = {
    "demand_id": pl.String(),
    "achievement_id": pl.String(),
    "rank": pl.Int64(),
    "score": pl.Float64(),
    "level": pl.Int64(),
    **{name: dtype for name, dtype in FAILED.items() if not name.endswith("_id")},
}
# What is read of the records.
DEMAND_COLUMNS: Final = ("demand_id", "solution", "investment_yuan", "deadline")
ACHIEVEMENT_COLUMNS: Final = ("achievement_id", "maturity", "transfer_ways", "price_yuan")
_PAIR: Final = ["demand_id", "achievement_id"]
# Parts a text from the values that go into it; no text that is read holds it.
_MARK: Final = "\x1f"


def near_misses(
    candidates: pl.DataFrame,
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    today: date,
    language: str = DEFAULT_LANGUAGE,
    rules: Rules | None = None,
) -> pl.DataFrame:
    """Candidates that are good otherwise and fail on exactly one condition (`NEAR_MISSES`), by demand and rank.

    `candidates` has demand_id, achievement_id, rank, score, level and similarity (0–1; level and similarity may be
    null); the records have `DEMAND_COLUMNS` and `ACHIEVEMENT_COLUMNS`. Candidates without a record are left out.
    """
    rules = rules or load_rules()
    good = good_otherwise(candidates, rules)
    failed = conditions(good, demands, achievements, today, language, rules)
    alone = failed.filter(pl.len().over(_PAIR) == 1)
    return (
        good.join(alone, on=_PAIR)
        .select(NEAR_MISSES.keys())
        .cast(pl.Schema(NEAR_MISSES))
        .sort("demand_id", "rank", "achievement_id")
    )


def good_otherwise(candidates: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Candidates of a high level, or among the most similar of their demand."""
    similarity = pl.coalesce("similarity", "score")
    place = similarity.rank("ordinal", descending=True).over("demand_id")
    similar = (place <= rules.best_by_similarity) & (similarity >= rules.least_similarity)
    levelled = (pl.col("level") >= rules.least_level).fill_null(False)
    # Ties in similarity go to the smaller id.
    return candidates.sort(_PAIR).filter(levelled | similar)


def conditions(
    candidates: pl.DataFrame,
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    today: date,
    language: str = DEFAULT_LANGUAGE,
    rules: Rules | None = None,
) -> pl.DataFrame:
    """All conditions that candidates fail, with what both sides say and what would have to change (`FAILED`).

    `candidates` has demand_id and achievement_id. Pairs come in their order, conditions in that of `CONDITIONS`.
    """
    rules = rules or load_rules()
    sides = _demands(demands, rules), _achievements(achievements, rules, language)
    numbered = candidates.select(_PAIR).with_row_index("place")
    pairs = numbered.join(sides[0], on="demand_id").join(sides[1], on="achievement_id")
    pairs = _with_limits(_with_ways(pairs, rules, language), today, rules)
    found = (
        pairs.filter(fails).select(
            "place",
            *_PAIR,
            condition=pl.lit(condition),
            demand_says=demand,
            achievement_says=achievement,
            change=change,
        )
        for condition, (fails, demand, achievement, change) in _told(today, rules, language).items()
    )
    order = pl.Enum(CONDITIONS)
    failed = pl.concat(found).sort("place", pl.col("condition").cast(order))
    return failed.select(FAILED.keys()).cast(pl.Schema(FAILED))


def _demands(demands: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    chosen = demands.select(DEMAND_COLUMNS)
    return chosen.with_columns(wanted=_ways_in(chosen["solution"], rules))


def _achievements(achievements: pl.DataFrame, rules: Rules, language: str) -> pl.DataFrame:
    """What is read of the achievements; name of the stage, its levels, the highest, and months to production."""
    chosen = achievements.select(ACHIEVEMENT_COLUMNS)
    stages = {text: stage for text in chosen["maturity"].unique() if (stage := stage_of(text)) is not None}
    rows = [
        (text, stage.name(language), stage.levels, stage.trl_to, rules.months.get(stage.code, 0))
        for text, stage in stages.items()
    ]
    schema = {"maturity": pl.String, "stage": pl.String, "levels": pl.String, "highest": pl.Int64, "months": pl.Int64}
    known = pl.DataFrame(rows, schema=schema, orient="row")
    return chosen.with_columns(offered=_ways_in(chosen["transfer_ways"], rules)).join(known, on="maturity", how="left")


def _ways_in(texts: pl.Series, rules: Rules) -> pl.Series:
    """The codes of the ways that each text names, as one text; "" where it names none or leaves it open."""
    by_name = {name: way.code for way in rules.ways.values() for name in way.names}
    names = [*by_name, *rules.open_names, *rules.excluded_names]
    distinct = texts.unique()
    codes = {
        text: "" if set(found) & set(rules.open_names) else " ".join(_in_order(found, by_name, rules))
        for text, found in zip(distinct, terms_in(normalised_texts(distinct), names), strict=True)
    }
    return texts.replace_strict(codes, return_dtype=pl.String()) if codes else texts


def _in_order(found: pl.Series, by_name: Mapping[str, str], rules: Rules) -> list[str]:
    named = {by_name[name] for name in found if name in by_name}
    return [code for code in rules.ways if code in named]


def _with_ways(pairs: pl.DataFrame, rules: Rules, language: str) -> pl.DataFrame:
    """Pairs with whether a wanted way is offered (`met`), the least level they ask for, and names of the ways.

    Where some wanted ways are offered, the least demanding of these counts; else that of all wanted ones.
    """
    seen = pairs.select("wanted", "offered").unique()
    rows = [
        (wanted, offered, *_way(wanted.split(), offered.split(), rules, language)) for wanted, offered in seen.rows()
    ]
    schema = {"wanted": pl.String, "offered": pl.String, "met": pl.Boolean, "least": pl.Int64}
    names = {"reached_at": pl.String, "wanted_names": pl.String, "offered_names": pl.String}
    known = pl.DataFrame(rows, schema={**schema, **names}, orient="row")
    return pairs.join(known, on=["wanted", "offered"], how="left")


def _way(wanted: list[str], offered: list[str], rules: Rules, language: str) -> tuple[bool, int | None, str, str, str]:
    met = [code for code in wanted if rules.ways[code].met_by & set(offered)]
    least = min((rules.ways[code].least_level for code in met or wanted), default=None)
    separator = say("list.separator", language)
    names = [separator.join(rules.ways[code].name(language) for code in codes) for codes in (wanted, offered)]
    return bool(met or not wanted or not offered), least, _stage_reaching(least).name(language), names[0], names[1]


def _stage_reaching(level: int | None) -> Stage:
    """The least mature stage that reaches a level."""
    return next(stage for stage in load_stages() if stage.trl_to >= (level or 1))


def _with_limits(pairs: pl.DataFrame, today: date, rules: Rules) -> pl.DataFrame:
    """Pairs with the highest price (yuan) and the first day that a deadline may be."""
    months = pl.col("months").fill_null(0)
    most = pl.col("investment_yuan") * (100 + rules.tolerance_percent) // 100
    return pairs.with_columns(
        most=pl.when(pl.col("investment_yuan") > 0).then(most),
        months=months,
        ready=pl.lit(today).dt.offset_by(pl.format("{}mo", months)),
    )


def _told(today: date, rules: Rules, language: str) -> dict[str, tuple[pl.Expr, pl.Expr, pl.Expr, pl.Expr]]:
    """Of each condition when it fails, what the demand says, what the achievement says, what would have to change."""
    day, ready, stage, levels = _day("deadline"), _day("ready"), pl.col("stage"), pl.col("levels")
    written = _said("fact.maturity", language, stage=pl.col("maturity"), levels=levels)
    budget, price, least, months = _amount("investment_yuan"), _amount("price_yuan"), _text("least"), _text("months")
    wanted, offered = pl.col("wanted_names"), pl.col("offered_names")
    until_ready = _said("near.months", language, stage=stage, months=months)
    passed = _said("near.deadline_passed", language, day=day, ready=ready)
    too_near = _said("near.deadline_near", language, day=day, ready=ready, stage=stage, months=months)
    tolerance = pl.lit(str(rules.tolerance_percent))
    return {
        "maturity": (
            pl.col("highest") < pl.col("least"),
            _said("near.asks_level", language, way=pl.col("solution"), level=least),
            written,
            _said("near.maturity_change", language, levels=levels, level=least, stage=pl.col("reached_at")),
        ),
        "way": (
            ~pl.col("met"),
            pl.col("solution"),
            pl.col("transfer_ways"),
            _said("near.way_change", language, wanted=wanted, offered=offered),
        ),
        "price": (
            pl.col("price_yuan") > pl.col("most"),
            _said("fact.investment_yuan", language, amount=budget),
            _said("fact.price_yuan", language, amount=price),
            _said("near.price_change", language, price=price, most=_amount("most"), budget=budget, percent=tolerance),
        ),
        "deadline": (
            pl.col("deadline") < pl.col("ready"),
            _said("fact.deadline", language, day=day),
            pl.when(pl.col("months") > 0).then(until_ready).otherwise(pl.coalesce(written, "maturity")),
            pl.when(pl.col("deadline") < today).then(passed).otherwise(too_near),
        ),
    }


def _said(key: str, language: str, **values: pl.Expr) -> pl.Expr:
    """The wording of a key for every row, its places filled from columns."""
    pieces = say(key, language, **{name: f"{_MARK}{name}{_MARK}" for name in values}).split(_MARK)
    return pl.concat_str([values[piece] if place % 2 else pl.lit(piece) for place, piece in enumerate(pieces)])


def _text(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String)


def _day(column: str) -> pl.Expr:
    return pl.col(column).dt.to_string("%Y-%m-%d")


def _amount(column: str) -> pl.Expr:
    """Yuan as 万元, exact, each distinct amount worded once."""
    return pl.col(column).map_batches(_in_ten_thousands, return_dtype=pl.String())


def _in_ten_thousands(yuan: pl.Series) -> pl.Series:
    distinct = yuan.drop_nulls().unique()
    texts = {amount: f"{Decimal(amount).scaleb(-4).normalize():,f}" for amount in distinct}
    return yuan.replace_strict(texts, return_dtype=pl.String(), default=None) if texts else yuan.cast(pl.String())
