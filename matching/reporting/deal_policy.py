"""What the rules of policy say of one deal: met or not and why, amounts, sources."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
from sqlalchemy import Engine

from matching.errors import LedgerError
from matching.fields.ip_kinds import ip_kind_of, is_invention_patent
from matching.fields.regions import in_province, region_of
from matching.fields.seller_kinds import seller_kind_of
from matching.ledger import catalogue
from matching.ledger.deal_payments import payment_entries, standing_payments
from matching.ledger.deal_terms import terms_of
from matching.ledger.deals import all_deals
from matching.ledger.rights import permit
from matching.ledger.statements import statements_of
from matching.reporting.policy.deal_values import deal_values
from matching.reporting.policy.expressions import Value
from matching.reporting.policy.judging import Judged, judge
from matching.reporting.policy.rule_files import load_rules
from matching.reporting.sheets import Column, Sheet, yuan
from matching.schema import CONTRACT_KINDS, Kind
from matching.wording import say


def deal_policy(engine: Engine, deal_id: int, today: date) -> tuple[Judged, ...]:
    """Every rule about deals, judged for one deal as it stands now; amounts are of what was paid.

    Raises `LedgerError` for a deal that is not there or not shown to the viewer.
    """
    permit(engine, "read_deals")
    terms = terms_of(engine, deal_id).terms
    row = all_deals(engine).row(by_predicate=pl.col("deal_id") == deal_id, named=True)
    demand = _record(engine, "demands", row["demand_id"])
    achievement = _record(engine, "achievements", row["achievement_id"])
    written = str(achievement.get("ip_kind") or "")
    contract = {
        "contract_kind": terms.contract_kind,
        "total_fen": terms.total_fen,
        "technical_fen": terms.technical_fen,
        "paid_fen": int(standing_payments(payment_entries(engine, deal_id))["amount_fen"].sum()),
        "registered_on": terms.registered_on,
        "buyer_in_province": in_province(region_of(str(demand.get("city") or ""))),
        "seller_kind": seller_kind_of(terms.seller),
        "ip_kind": ip_kind_of(written),
        "invention_patent": is_invention_patent(written),
    }
    values = deal_values(contract, statements_of(engine, deal_id), load_rules())
    return judge(values, terms.signed_on, today)


def _record(engine: Engine, kind: Kind, record_id: str) -> dict[str, object]:
    """A record as the viewer may see it; nothing of one that it may not."""
    try:
        return catalogue.record(engine, kind, record_id)
    except LedgerError:
        return {}


def policy_sheet(deal_id: int, judged: tuple[Judged, ...], language: str) -> Sheet:
    """A row for each rule and amount."""
    rules = load_rules()
    rows = []
    for each in judged:
        amounts = each.amounts or (None,)
        for amount in amounts:
            rows.append(
                {
                    "rule": each.rule.entry.name(language),
                    "standing": rules.word("standing", each.standing, language),
                    "result": result_of(each, language),
                    "amount": "" if amount is None else amount.amount.name(language),
                    "bound": "" if amount is None else rules.word("bound", amount.amount.bound, language),
                    "amount_fen": None if amount is None or amount.yuan is None else int(amount.yuan * 100),
                    "estimate": rules.word("estimate", "estimate", language) if each.estimate else "",
                    "why": "\n".join(conditions_of(each, language)),
                    "source": " ".join(each.source(language)),
                }
            )
    texts = ("rule", "standing", "result", "why", "amount", "bound", "estimate", "source")
    headings = {
        "rule": say("stats.rule", language),
        "standing": say("policy.standing", language),
        "result": say("policy.result", language),
        "why": say("policy.why", language),
        "amount": say("stats.amount", language),
        "bound": say("stats.bound", language),
        "estimate": say("subsidy.estimate", language),
        "source": say("stats.source", language),
    }
    columns = [Column(name, headings[name], "text") for name in texts]
    columns.insert(texts.index("bound") + 1, Column("amount_fen", say("subsidy.amount_fen", language), "amount"))
    schema = {column.name: pl.Int64() if column.kind == "amount" else pl.String() for column in columns}
    return Sheet(
        code=f"policy_{deal_id}",
        title=say("policy.title", language, deal=deal_id),
        note=say("policy.note", language),
        columns=tuple(columns),
        rows=pl.DataFrame(rows, schema=schema),
    )


def result_of(judged: Judged, language: str) -> str:
    """Whether a rule is met, in words; what has to be stated where that is open."""
    if not judged.in_force:
        return say("policy.not_in_force", language)
    if judged.missing:
        values = load_rules().values
        return say("policy.open", language, names=[values[name].words(language) for name in judged.missing])
    return say("policy.met" if judged.met else "policy.not_met", language)


def conditions_of(judged: Judged, language: str) -> list[str]:
    """Each condition with what it saw, and whether it is met."""
    values = load_rules().values
    lines = []
    for each in judged.conditions:
        seen = [
            say("policy.value", language, name=values[name].words(language), value=value_words(value, language))
            for name, value in each.seen.items()
            if name in values
        ]
        standing = {True: "met", False: "not_met", None: "open"}[each.met]
        key = f"policy.condition_{standing}" if seen else f"policy.bare_{standing}"
        lines.append(say(key, language, condition=each.condition.name(language), seen=seen))
    return lines


def amounts_of(judged: Judged, language: str) -> list[str]:
    """What a rule gives, each amount with its bound; an estimate is called so."""
    rules = load_rules()
    wording = "policy.amount_estimate" if judged.estimate else "policy.amount"
    return [
        say(
            wording,
            language,
            name=each.amount.name(language),
            bound=rules.word("bound", each.amount.bound, language),
            amount=yuan(int(each.yuan * 100)),
        )
        for each in judged.amounts
        if each.yuan is not None
    ]


def value_words(value: Value, language: str) -> str:
    """A value that a rule saw, in words."""
    match value:
        case None:
            return say("policy.not_stated", language)
        case bool():
            return say("policy.yes" if value else "policy.no", language)
        case Decimal():
            return yuan(int(value * 100))
        case tuple():
            return say("list.separator", language).join(map(str, value))
        case _:
            return say(f"contract.{value}", language) if value in CONTRACT_KINDS else str(value)
