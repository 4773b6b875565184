"""What the rules ask and give, as sheets: the league, what deals would earn, deadlines."""

from __future__ import annotations

from typing import Final

import polars as pl

from matching.reporting.codes import UNKNOWN
from matching.reporting.facts import Facts
from matching.reporting.merged import as_counted
from matching.reporting.policy.deadlines import GROUPS, deadlines
from matching.reporting.policy.judging_frames import judge_all
from matching.reporting.policy.league import league
from matching.reporting.policy.rule_files import load_rules
from matching.reporting.sheets import Column, ColumnKind, Plot, Sheet
from matching.reporting.small_counts import said_to_hide, without_small
from matching.wording import say

_LEAGUE: Final[dict[str, ColumnKind]] = {
    "total_fen": "amount",
    "contracts": "count",
    "technical_fen": "amount",
    "registered": "count",
    "paid_fen": "amount",
    "rewarded_fen": "amount",
    "reward_fen": "amount",
    "brokers_fen": "amount",
    "unplaced": "count",
}


def league_sheet(facts: Facts, year: int, language: str, *, hide: bool) -> Sheet:
    """Transfer institutions of a year by what they brought about, and what the rule would give the first of them."""
    found = league(facts.contracts.with_columns(pl.col("transfer_institution").fill_null("")), facts.payments, year)
    if hide:
        told_by = dict.fromkeys(("rank", *_LEAGUE), "contracts") | {"unplaced": "unplaced"}
        found = without_small(found, (), told_by)
    sheet = Sheet(
        code=f"league_{year}",
        title=say("stats.league", language, year=year),
        note=say("stats.league_note", language),
        columns=(
            Column("rank", say("stats.rank", language), "count"),
            Column("transfer_institution", say("cut.transfer_institution", language), "text"),
            *(Column(name, say(f"league.{name}", language), kind) for name, kind in _LEAGUE.items()),
        ),
        rows=found,
        plot=Plot("bars", "transfer_institution", ("total_fen",)),
    )
    return said_to_hide(sheet, language)


def subsidy_sheets(facts: Facts, language: str, *, hide: bool) -> list[Sheet]:
    """What contracts would earn by the rules in force on their day of signing: by rule, and contract by contract."""
    judged = judge_all(facts.contracts, facts.statements, facts.today)
    return [_by_rule(judged, language, hide=hide), _by_contract(facts, judged, language, hide=hide)]


def _by_rule(judged: pl.DataFrame, language: str, *, hide: bool) -> Sheet:
    law = judged.filter(pl.col("standing") != "draft")
    met = pl.col("met") & pl.col("in_force")
    rows = law.group_by("rule", "amount", maintain_order=True).agg(
        in_force=pl.col("deal_id").filter(pl.col("in_force")).n_unique().cast(pl.Int64),
        met=pl.col("deal_id").filter(met.fill_null(False)).n_unique().cast(pl.Int64),
        open=pl.col("deal_id").filter(pl.col("in_force") & pl.col("met").is_null()).n_unique().cast(pl.Int64),
        amount_fen=pl.col("amount_fen").sum(),
        estimate=pl.col("estimate").any(),
    )
    if hide:
        rows = without_small(rows, (), {"in_force": "in_force", "met": "met", "open": "open", "amount_fen": "met"})
    named = rows.with_columns(
        rule=pl.col("rule").replace_strict(_rule_names(language), return_dtype=pl.String()),
        amount=pl.col("amount").replace_strict(_amount_names(language), default="", return_dtype=pl.String()),
        source=pl.col("rule").replace_strict(_sources(language), return_dtype=pl.String()),
        estimate=_estimate(language),
    )
    sheet = Sheet(
        code="subsidies",
        title=say("stats.subsidies", language),
        note=say("stats.subsidies_note", language),
        columns=(
            Column("rule", say("stats.rule", language), "text"),
            Column("amount", say("stats.amount", language), "text"),
            *(Column(name, say(f"subsidy.{name}", language), "count") for name in ("in_force", "met", "open")),
            Column("amount_fen", say("subsidy.amount_fen", language), "amount"),
            Column("estimate", say("subsidy.estimate", language), "text"),
            Column("source", say("stats.source", language), "text"),
        ),
        rows=named,
    )
    return said_to_hide(sheet, language)


def _by_contract(facts: Facts, judged: pl.DataFrame, language: str, *, hide: bool) -> Sheet:
    """Contracts that meet a rule; those of private demands are not for readers from whom small counts are hidden."""
    contracts = facts.contracts.filter(pl.col("visibility") != "private") if hide else facts.contracts
    texts = {"buyer": _shown_name("buyer", language), "seller": _shown_name("seller", language)}
    met = judged.filter(pl.col("met") & pl.col("in_force")).join(
        contracts.select("deal_id", "signed_on", "achievement_title", **texts), on="deal_id", maintain_order="left"
    )
    return Sheet(
        code="subsidies_by_contract",
        title=say("stats.subsidies_by_contract", language),
        note=say("stats.subsidies_note", language),
        columns=(
            Column("deal", say("stats.deal", language), "text"),
            Column("signed_on", say("stats.signed_on", language), "date"),
            Column("achievement_title", say("column.achievement_title", language), "text"),
            Column("buyer", say("stats.buyer", language), "text"),
            Column("seller", say("stats.seller", language), "text"),
            Column("rule", say("stats.rule", language), "text"),
            Column("amount", say("stats.amount", language), "text"),
            Column("amount_fen", say("subsidy.amount_fen", language), "amount"),
            Column("estimate", say("subsidy.estimate", language), "text"),
        ),
        rows=met.select(
            "signed_on",
            "achievement_title",
            "buyer",
            "seller",
            "amount_fen",
            deal=pl.col("deal_id").cast(pl.String),
            rule=pl.col("rule").replace_strict(_rule_names(language), return_dtype=pl.String()),
            amount=pl.col("amount").replace_strict(_amount_names(language), default="", return_dtype=pl.String()),
            estimate=_estimate(language),
        ),
    )


def deadline_sheet(facts: Facts, language: str) -> Sheet:
    """Results past their conversion deadline, those that are exempt and those that come soon apart."""
    rules = load_rules()
    signed = as_counted(facts.pairs.filter(pl.col("signed").is_not_null()), facts.achievements, "achievement_id")
    rows = deadlines(facts.achievements, facts.today, signed["achievement_id"].unique())
    return Sheet(
        code="deadlines",
        title=say("stats.deadlines", language),
        note=say("stats.deadlines_note", language),
        columns=(
            Column("group", say("stats.group", language), "text"),
            Column("achievement_id", say("column.achievement_id", language), "text"),
            Column("title", say("column.achievement_title", language), "text"),
            Column("institute", say("cut.institute", language), "text"),
            Column("funding", say("column.funding", language), "text"),
            Column("conversion_deadline", say("column.conversion_deadline", language), "date"),
            Column("days_past", say("stats.days_past", language), "count"),
            Column("overdue_days", say("stats.overdue_days", language), "count"),
        ),
        rows=rows.with_columns(
            pl.col("group").replace_strict(
                {code: rules.word("deadline", code, language) for code in GROUPS}, return_dtype=pl.String()
            ),
            institute=_shown_name("institute", language),
        ),
    )


def rules_sheet(language: str) -> Sheet:
    """Every version of every rule: what it says, where it stands, when it is law."""
    rules = load_rules()
    rows = [
        {
            "rule": version.entry.name(language),
            "says": version.entry.says(language),
            "valid_from": version.entry.valid_from,
            "valid_to": version.entry.valid_to,
            "status": rules.word("status", version.entry.status, language),
            "estimate": rules.word("estimate", "estimate", language) if version.entry.estimate else "",
            "source": f"{version.document.title(language)} {version.entry.clause(language)}",
        }
        for versions in rules.versions.values()
        for version in versions
    ]
    texts = ("rule", "says", "status", "estimate", "source")
    schema = dict.fromkeys(texts, pl.String()) | dict.fromkeys(("valid_from", "valid_to"), pl.Date())
    return Sheet(
        code="rules",
        title=say("stats.rules", language),
        note="",
        columns=(
            Column("rule", say("stats.rule", language), "text"),
            Column("says", say("stats.says", language), "text"),
            Column("valid_from", say("stats.valid_from", language), "date"),
            Column("valid_to", say("stats.valid_to", language), "date"),
            Column("status", say("stats.status", language), "text"),
            Column("estimate", say("subsidy.estimate", language), "text"),
            Column("source", say("stats.source", language), "text"),
        ),
        rows=pl.DataFrame(rows, schema=schema),
    )


def _rule_names(language: str) -> dict[str, str]:
    return {code: versions[0].entry.name(language) for code, versions in load_rules().versions.items()}


def _amount_names(language: str) -> dict[str, str]:
    rules = [rule for versions in load_rules().versions.values() for rule in versions]
    return {amount.code: amount.name(language) for rule in rules for amount in rule.amounts}


def _sources(language: str) -> dict[str, str]:
    newest = {code: versions[0] for code, versions in load_rules().versions.items()}
    return {code: f"{rule.document.title(language)} {rule.entry.clause(language)}" for code, rule in newest.items()}


def _estimate(language: str) -> pl.Expr:
    word = load_rules().word("estimate", "estimate", language)
    return pl.when(pl.col("estimate")).then(pl.lit(word)).otherwise(pl.lit("")).alias("estimate")


def _shown_name(column: str, language: str) -> pl.Expr:
    """An organisation's name, or the words for one that is not stated or not shown."""
    words = {code: say(f"stats.{code}", language) for code in (UNKNOWN, "hidden")}
    return pl.col(column).replace(words).alias(column)
