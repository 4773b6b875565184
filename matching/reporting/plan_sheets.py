"""Progress towards the plan's targets, as sheets."""

from __future__ import annotations

from typing import Final

import polars as pl

from matching.fields.taxonomies import first_taxonomy
from matching.reporting.codes import UNKNOWN
from matching.reporting.facts import Facts
from matching.reporting.merged import as_counted
from matching.reporting.policy.plan import load_targets, progress_by_group, progress_by_year
from matching.reporting.policy.rule_files import load_rules
from matching.reporting.sheets import Column, ColumnKind, Plot, Sheet
from matching.wording import say

_PLAN_KINDS: Final[dict[str, ColumnKind]] = {
    "target": "count",
    "done": "count",
    "plan_share": "share",
    "forecast": "count",
    "forecast_year": "count",
    "forecast_plan": "count",
    "gap": "count",
}


def plan_sheets(facts: Facts, language: str) -> list[Sheet]:
    """Progress towards the plan's targets by year and by group of fields, and the other targets."""
    return [_by_year(facts, language), _by_group(facts, language), _others(facts, language)]


def _industrialised(facts: Facts) -> pl.DataFrame:
    groups = {node.code: node.group for node in first_taxonomy().fields}
    field = facts.achievements.select("achievement_id", pl.col(first_taxonomy().code).alias("field"))
    reached = facts.pairs.filter(pl.col("industrialised").is_not_null())
    done = as_counted(reached, facts.achievements, "achievement_id")
    done = done.join(field, on="achievement_id", how="left")
    group = pl.col("field").replace_strict(groups, default=UNKNOWN, return_dtype=pl.String())
    return done.select("achievement_id", day="industrialised", group=group.fill_null(UNKNOWN))


def _by_year(facts: Facts, language: str) -> Sheet:
    rows = progress_by_year(_industrialised(facts), facts.today).rename({"share": "plan_share"})
    rows = rows.with_columns(year=pl.col("year").cast(pl.String))
    return Sheet(
        code="plan_by_year",
        title=say("stats.plan_by_year", language),
        note=_plan_note(language),
        columns=(Column("year", say("cut.year", language), "text"), *_plan_columns(rows, language)),
        rows=_with_sums(rows, "year", language),
        plot=Plot("columns", "year", ("target", "done")),
        total=True,
    )


def _by_group(facts: Facts, language: str) -> Sheet:
    rules = load_rules()
    rows = progress_by_group(_industrialised(facts), facts.today).rename({"share": "plan_share"})
    names = {code: rules.word("plan_group", code, language) for code in rows["group"]}
    rows = rows.with_columns(pl.col("group").replace_strict(names))
    return Sheet(
        code="plan_by_group",
        title=say("stats.plan_by_group", language),
        note=_plan_note(language),
        columns=(Column("group", say("stats.plan_group", language), "text"), *_plan_columns(rows, language)),
        rows=_with_sums(rows, "group", language),
        plot=Plot("bars", "group", ("target", "done")),
        total=True,
    )


def _with_sums(rows: pl.DataFrame, label: str, language: str) -> pl.DataFrame:
    """The rows, and their sum; what share of the whole target is done."""
    numbers = [name for name in rows.columns if name not in (label, "plan_share")]
    total = rows.select(pl.lit(say("stats.whole", language)).alias(label), pl.col(numbers).sum())
    share = pl.when(pl.col("target") > 0).then(pl.col("done") / pl.col("target")).alias("plan_share")
    return pl.concat([rows, total.with_columns(share).select(rows.columns)])


def _plan_columns(rows: pl.DataFrame, language: str) -> list[Column]:
    return [Column(name, say(f"figure.{name}", language), _PLAN_KINDS[name]) for name in rows.columns[1:]]


def _plan_note(language: str) -> str:
    targets = load_targets()
    return say(
        "stats.plan_note",
        language,
        document=targets.document.title(language),
        clause=targets.plan.clause(language),
        first=targets.plan.valid_from,
    )


def _others(facts: Facts, language: str) -> Sheet:
    """Targets that are not of results: the ledger knows the turnover of its own contracts alone."""
    rules = load_rules()
    rows = [
        {
            "name": target.name(language),
            "year": str(target.year),
            "target_fen": int(target.yuan * 100),
            "bound": rules.word("bound", target.bound, language),
            "status": rules.word("status", target.status, language),
            "source": f"{document.title(language)} {target.clause(language)}",
        }
        for target, document in load_targets().others
    ]
    signed = facts.contracts.group_by(pl.col("signed_on").dt.year().cast(pl.String).alias("year")).agg(
        pl.col("total_fen").sum()
    )
    schema = dict.fromkeys(("name", "year", "bound", "status", "source"), pl.String()) | {"target_fen": pl.Int64()}
    table = pl.DataFrame(rows, schema=schema).join(signed, on="year", how="left", maintain_order="left")
    return Sheet(
        code="other_targets",
        title=say("stats.other_targets", language),
        note=say("stats.other_targets_note", language),
        columns=(
            Column("name", say("stats.target", language), "text"),
            Column("year", say("cut.year", language), "text"),
            Column("bound", say("stats.bound", language), "text"),
            Column("target_fen", say("figure.target_fen", language), "amount"),
            Column("total_fen", say("figure.contracts_of_year", language), "amount"),
            Column("status", say("stats.status", language), "text"),
            Column("source", say("stats.source", language), "text"),
        ),
        rows=table.with_columns(pl.col("total_fen").fill_null(0)),
    )
