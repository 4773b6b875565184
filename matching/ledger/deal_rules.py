"""What deals must have and when they are reminded of, from `datasets/deals/rules.toml`; and what breaks it."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cache
from itertools import combinations
from urllib.parse import urlsplit

from matching.data_files import data_path
from matching.errors import CallError, DataFileError, Problem
from matching.schema import CONTRACT_KINDS, DEAL_STATES


@dataclass(frozen=True)
class Terms:
    """What a deal is about. Amounts are in fen; what is not known is None, of the last four ""."""

    contract_kind: str | None = None
    total_fen: int | None = None
    technical_fen: int | None = None
    signed_on: date | None = None
    registered_on: date | None = None
    industrialised_on: date | None = None
    registration_number: str | None = None
    buyer: str = ""
    seller: str = ""
    transfer_institution: str = ""
    responsible: str = ""


TERMS = tuple(each.name for each in fields(Terms))


@dataclass(frozen=True)
class DealRules:
    """The data file: days and characters are counts, `needs` lists terms by state, `order` days that follow."""

    days_without_movement: Mapping[str, int]
    registration_due_after_days: int
    needs: Mapping[str, tuple[str, ...]]
    order: tuple[str, ...]
    web: tuple[str, ...]
    links: tuple[str, ...]
    lengths: Mapping[str, int]


@cache
def deal_rules() -> DealRules:
    """The rules. Raises `DataFileError` where the file names a state or a term that there is not."""
    with data_path("deals", "rules.toml").open("rb") as source:
        found = tomllib.load(source)
    needs = {state: tuple(terms) for state, terms in found["needs"].items()}
    order = tuple(found["order"]["days"])
    named = {*order, *(term for terms in needs.values() for term in terms)} - set(TERMS)
    named |= {*needs, *found["days_without_movement"]} - set(DEAL_STATES)
    if named:
        raise DataFileError(Problem("deal.unknown_in_rules", file="rules.toml", values={"names": sorted(named)}))
    return DealRules(
        days_without_movement=found["days_without_movement"],
        registration_due_after_days=found["registration"]["due_after_days"],
        needs=needs,
        order=order,
        web=tuple(found["links"]["web"]),
        links=(*found["links"]["web"], *found["links"]["other"]),
        lengths=found["lengths"],
    )


def local_today() -> date:
    """This day by the machine's clock."""
    return datetime.now().astimezone().date()


def lacking(state: str, terms: Terms) -> tuple[str, ...]:
    """Terms that a state needs and a deal has not."""
    return tuple(name for name in deal_rules().needs.get(state, ()) if getattr(terms, name) in (None, ""))


def wrong_terms(
    terms: Terms, reached: Collection[str], today: date, first_payment: date | None = None
) -> list[Problem]:
    """Everything that breaks a rule in the terms of a deal that has been in these states; empty where nothing does."""
    states = [state for state in DEAL_STATES if state in reached]
    missing = dict.fromkeys(name for state in states for name in lacking(state, terms))
    return [
        *(Problem(f"deal.needs_{name}") for name in missing),
        *_wrong_amounts(terms),
        *_wrong_days(terms, today, first_payment),
        *_too_long({name: getattr(terms, name) or "" for name in TERMS if name in deal_rules().lengths}),
    ]


def _wrong_amounts(terms: Terms) -> Iterator[Problem]:
    if terms.contract_kind is not None and terms.contract_kind not in CONTRACT_KINDS:
        yield Problem("deal.unknown_contract_kind", values={"kind": terms.contract_kind})
    if any(amount is not None and amount < 0 for amount in (terms.total_fen, terms.technical_fen)):
        yield Problem("deal.negative_amount")
    if terms.technical_fen is not None:
        if terms.total_fen is None:
            yield Problem("deal.technical_without_total")
        elif terms.technical_fen > terms.total_fen:
            yield Problem("deal.technical_above_total")


def _wrong_days(terms: Terms, today: date, first_payment: date | None) -> Iterator[Problem]:
    days = [(name, getattr(terms, name)) for name in deal_rules().order if getattr(terms, name) is not None]
    for name, day in days:
        if day > today:
            yield Problem(f"deal.future_{name}", values={"day": day})
    for (_, earlier), (name, later) in combinations(days, 2):
        if later < earlier:
            yield Problem(f"deal.early_{name}", values={"day": later, "before": earlier})
    if first_payment is not None and terms.signed_on is not None and terms.signed_on > first_payment:
        yield Problem("deal.signed_after_payment", values={"day": terms.signed_on, "paid": first_payment})


def check_texts(**texts: str) -> None:
    """Raise `CallError` for texts that are longer than the rules allow."""
    if wrong := list(_too_long(texts)):
        raise CallError(*wrong)


def _too_long(texts: Mapping[str, str]) -> Iterator[Problem]:
    for name, text in texts.items():
        if len(text) > (most := deal_rules().lengths[name]):
            yield Problem(f"deal.long_{name}", values={"length": len(text), "most": most})


def checked_link(link: str) -> str:
    """A document's link, trimmed. Raises `CallError` where it begins otherwise than the rules allow."""
    trimmed = link.strip()
    plain = trimmed.isprintable() and trimmed.casefold().startswith(deal_rules().links)
    if not plain or (_begins_as_web(trimmed) and not _has_host(trimmed)):
        raise CallError(Problem("deal.wrong_link", values={"starts": deal_rules().links}))
    check_texts(link=trimmed)
    return trimmed


def opens_in_browser(link: str) -> bool:
    """Whether a link may be offered as one to press."""
    return _begins_as_web(link) and _has_host(link)


def _begins_as_web(link: str) -> bool:
    return link.casefold().startswith(deal_rules().web)


def _has_host(link: str) -> bool:
    try:
        return bool(urlsplit(link).hostname)
    except ValueError:
        return False
