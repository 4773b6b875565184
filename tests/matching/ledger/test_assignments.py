"""Whose work a demand is: taken when free, given by whoever holds it, and who may do either."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest
from sqlalchemy import Engine, func, select

from matching.errors import LedgerError, NotPermitted
from matching.ledger.assignments import HOLDERS, assign, claim, holders
from matching.ledger.database import reading
from matching.ledger.rights import Viewer, as_viewer
from matching.ledger.tables import assignment

DEMANDS = ("D1", "D2", "D3")


def held(engine: Engine) -> dict[str, str]:
    return dict(holders(engine).select("demand_id", "holder").iter_rows())


def entries(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(assignment)).scalar_one()


def seen_by(engine: Engine, name: str, role: str = "agent") -> Engine:
    return as_viewer(engine, Viewer(name, role, "示例研究所" if role == "institute" else ""))


def test_nobody_holds_anything_at_first(ledger: Engine) -> None:
    assert holders(ledger).equals(pl.DataFrame(schema=HOLDERS))


def test_a_claim_takes_free_demands_only(ledger: Engine) -> None:
    assert claim(ledger, ["D1"], "甲") == 1
    assert claim(ledger, DEMANDS, "乙") == 2
    assert held(ledger) == {"D1": "甲", "D2": "乙", "D3": "乙"}


def test_the_same_claim_again_writes_nothing(ledger: Engine) -> None:
    claim(ledger, DEMANDS, "甲")
    assert claim(ledger, DEMANDS, "甲") == 0
    assert claim(ledger, [], "甲") == 0
    assert entries(ledger) == 3


def test_a_demand_named_twice_is_taken_once(ledger: Engine) -> None:
    assert claim(ledger, ["D1", "D1"], "甲") == 1
    assert entries(ledger) == 1


def test_since_when_a_demand_is_held(ledger: Engine) -> None:
    claim(ledger, ["D2", "D1"], "甲")
    found = holders(ledger)
    assert found.schema == HOLDERS
    assert found["demand_id"].to_list() == ["D1", "D2"]
    assert all(at.endswith("+00:00") for at in found["at"])


def test_giving_back_frees_a_demand(ledger: Engine) -> None:
    claim(ledger, DEMANDS, "甲")
    assert assign(ledger, ["D2"], None, "甲") == 1
    assert held(ledger) == {"D1": "甲", "D3": "甲"}
    assert claim(ledger, DEMANDS, "乙") == 1
    assert held(ledger)["D2"] == "乙"


def test_what_is_given_to_its_holder_does_not_change_hands(ledger: Engine) -> None:
    claim(ledger, ["D1"], "甲")
    assert assign(ledger, ["D1", "D2", "D2"], "甲", "甲") == 1
    assert assign(ledger, ["D3"], None, "甲") == 0
    assert entries(ledger) == 2


def test_an_agent_gives_what_is_free_or_the_agents_own(ledger: Engine) -> None:
    jia = seen_by(ledger, "甲")
    claim(jia, ["D1"], "甲")
    assert assign(jia, ["D1", "D2"], "乙", "甲") == 2
    assert held(ledger) == {"D1": "乙", "D2": "乙"}


def test_what_another_holds_is_not_given_away(ledger: Engine) -> None:
    claim(ledger, ["D2"], "甲")
    before = held(ledger)
    for holder in ("丙", None, "乙"):
        with pytest.raises(LedgerError) as refused:
            assign(seen_by(ledger, "乙"), ["D1", "D2"], holder, "乙")
        assert refused.value.problems[0].key == "assignment.held"
        assert "D2" in refused.value.text("zh_CN")
        assert "甲" in refused.value.text("en")
    assert held(ledger) == before, "nothing of it was written"


def test_an_administrator_gives_everything(ledger: Engine) -> None:
    claim(ledger, ["D1", "D2"], "甲")
    admin = seen_by(ledger, "管理员", "admin")
    assert assign(admin, ["D1"], "乙", "管理员") == 1
    assert assign(admin, ["D2"], None, "管理员") == 1
    assert held(ledger) == {"D1": "乙"}


@pytest.mark.parametrize("role", ["institute", "official"])
def test_others_neither_take_nor_give_nor_see(ledger: Engine, role: str) -> None:
    other = seen_by(ledger, "外人", role)
    for refused in (
        lambda: claim(other, ["D1"], "外人"),
        lambda: assign(other, ["D1"], "外人", "外人"),
        lambda: holders(other),
    ):
        with pytest.raises(NotPermitted):
            refused()
    assert entries(ledger) == 0


@pytest.mark.parametrize("role", ["agent", "admin"])
def test_nobody_acts_in_anothers_name(ledger: Engine, role: str) -> None:
    jia = seen_by(ledger, "甲", role)
    for refused in (lambda: claim(jia, ["D1"], "乙"), lambda: assign(jia, ["D1"], "甲", "乙")):
        with pytest.raises(NotPermitted):
            refused()
    assert entries(ledger) == 0


def test_two_who_claim_at_once_never_hold_the_same(ledger: Engine) -> None:
    wanted = [f"D{number}" for number in range(40)]
    names = ("甲", "乙", "丙", "丁")
    with ThreadPoolExecutor(len(names)) as pool:
        taken = list(pool.map(lambda name: claim(ledger, wanted, name), names))
    assert sum(taken) == entries(ledger) == len(wanted)
    counted = holders(ledger)["holder"].value_counts()
    assert dict(counted.iter_rows()) == {name: count for name, count in zip(names, taken, strict=True) if count}
