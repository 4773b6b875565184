"""What the rules of policy say of a deal, and the facts that people state for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from matching.errors import CallError, Problem
from matching.ledger import statements
from matching.ledger.rights import may
from matching.ledger.statement_kinds import NO, YES, StatementKind, fitting, statement_kinds
from matching.reporting.deal_policy import amounts_of, conditions_of, deal_policy, policy_sheet, result_of
from matching.reporting.policy.judging import Judged
from matching.reporting.sheets import Report
from matching.reporting.workbook import workbook
from ui.access import agent, language, ledger, settings, t, worded_key
from ui.components.deal_fields import act, nonce_of
from ui.components.moments import today
from ui.components.plain import plain

_CHOICES: Final = ("", YES, NO)
_WORDS: Final = {"": "policy.not_stated", YES: "policy.yes", NO: "policy.no"}
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def show_policy(deal_id: int) -> None:
    """Each rule with its conditions and amounts; below, what has to be stated."""
    judged = deal_policy(ledger(), deal_id, today())
    # Whether it is open belongs to the session: a message above it does not close it.
    with st.expander(t("deals.policy"), expanded=False, key=worded_key(f"policy:{deal_id}"), on_change="rerun"):
        st.caption(t("policy.note"))
        for each in judged:
            _show_rule(each)
        _show_download(deal_id, judged)
        if may(ledger(), "move_deal"):
            _show_facts(deal_id)


def _show_rule(judged: Judged) -> None:
    name, result = judged.rule.entry.name(language()), result_of(judged, language())
    st.markdown(f"**{plain(name)}** · {plain(result)}")
    lines = [*amounts_of(judged, language()), *conditions_of(judged, language()), " ".join(judged.source(language()))]
    st.text("\n".join(lines))


def _show_download(deal_id: int, judged: tuple[Judged, ...]) -> None:
    now = datetime.now(ZoneInfo(settings().timezone))
    sheet = policy_sheet(deal_id, judged, language())
    cover = ((t("report.moment"), f"{now:%Y-%m-%d %H:%M:%S}"),)
    report = Report(sheet.title, cover, (sheet,), now, language())
    st.download_button(
        t("deals.policy_sheet"),
        lambda: workbook(report),
        file_name=f"duijie-policy-{deal_id}.xlsx",
        mime=_XLSX,
        key=f"policy_sheet:{deal_id}",
        on_click="ignore",
    )


def _show_facts(deal_id: int) -> None:
    stated = statements.statements_of(ledger(), deal_id)
    # Another state of what is stated is another form.
    key = f"facts:{deal_id}:{hash(tuple(stated.items()))}"
    with st.form(f"form:{key}", border=False):
        st.markdown(f"**{t('deals.policy_facts')}**")
        places = st.columns(2)
        for number, kind in enumerate(statement_kinds().values()):
            with places[number % 2]:
                _show_fact(kind, stated.get(kind.name, ""), key)
        st.form_submit_button(t("deals.policy_save"), key=f"save:{key}", on_click=_save, args=(deal_id, key, stated))


def _show_fact(kind: StatementKind, value: str, key: str) -> None:
    label, field = plain(kind.called(language())), _field(key, kind)
    if kind.type == "yes_no":
        st.selectbox(
            label,
            _CHOICES,
            index=_CHOICES.index(value),
            format_func=lambda choice: t(_WORDS[choice]),
            help=plain(kind.question(language())),
            key=field,
        )
    else:
        st.text_input(label, value=value, help=plain(kind.question(language())), key=field)


def _field(key: str, kind: StatementKind) -> str:
    return worded_key(f"{key}:{kind.name}")


def _save(deal_id: int, key: str, stated: dict[str, str]) -> None:
    entered = {kind.name: str(st.session_state.get(_field(key, kind)) or "") for kind in statement_kinds().values()}

    def save() -> None:
        # All of them are checked before any is written.
        _check(entered)
        for name, value in entered.items():
            if value != stated.get(name, ""):
                statements.state(ledger(), deal_id, name, value, agent(), nonce=nonce_of(f"{key}:{name}"))

    act(save)


def _check(entered: dict[str, str]) -> None:
    """Raise `CallError` for all values that do not fit, under the names that the form has for them."""
    problems: list[Problem] = []
    for name, value in entered.items():
        try:
            fitting(name, value)
        except CallError as error:
            called = statement_kinds()[name].called(language())
            problems += [replace(each, values={**each.values, "name": called}) for each in error.problems]
    if problems:
        raise CallError(*problems)
