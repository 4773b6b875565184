"""The list for the registration of contracts, of the facts of a period."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import polars as pl

from matching.fields import seller_kinds
from matching.reporting.code_names import code_name
from matching.reporting.codes import HIDDEN, UNKNOWN
from matching.reporting.facts import CONTRACT_FIELDS, Facts
from matching.reporting.period import Period
from matching.reporting.registration import registration_list
from matching.reporting.sheets import Sheet


def registration_sheet(facts: Facts, period: Period, language: str, *, hide: bool) -> Sheet:
    """Contracts signed in the period; `hide` leaves out those of private demands."""
    contracts = facts.contracts.filter(period.holds(pl.col("signed_on")))
    if hide:
        contracts = contracts.filter(pl.col("visibility") != "private")
    dimensions = {"buyer_city": "city", "contract_field": CONTRACT_FIELDS, "ip_kind": "ip_kind"}
    words: dict[str, Callable[[str], str]] = {
        column: partial(_name, dimension, language) for column, dimension in dimensions.items()
    }
    words["seller_kind"] = lambda code: code if code in (UNKNOWN, HIDDEN) else seller_kinds.name(code, language)
    return registration_list(contracts, language, words)


def _name(dimension: str, language: str, code: str) -> str:
    return code_name(dimension, code, language)
