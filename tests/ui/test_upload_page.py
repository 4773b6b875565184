"""The screen that loads and matches: what it says of the weights that lists were ranked by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest
import streamlit as st
from places import ROOT
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from matching.intake.reading import read_bytes
from matching.ledger.database import open_ledger
from matching.pipeline import load
from matching.ranking.refitting import RefitRule
from matching.settings import Settings


@pytest.fixture
def ledger(sample_ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The samples as the ledger of the screens; weights are fitted anew when more than half of the records differ."""
    copied = tmp_path / "ledger.sqlite"
    copyfile(sample_ledger, copied)
    monkeypatch.setenv("DUIJIE_DATABASE_URL", f"sqlite:///{copied}")
    monkeypatch.setattr("matching.pipeline.keeping.load_refit_rule", lambda: RefitRule(0.5, 0, 8))
    st.cache_resource.clear()
    engine = open_ledger(f"sqlite:///{copied}")
    yield engine
    engine.dispose()
    st.cache_resource.clear()


def said(app: AppTest) -> str:
    assert not app.exception
    assert not app.error
    return "\n".join(each.value for each in app.text)


def test_it_says_how_far_the_weights_are_behind(ledger: Engine) -> None:
    app = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=60)
    # Pages that are functions have no file to switch to.
    app._page_hash = calc_hash("upload")
    app.run()
    app.button(key="match").click().run()
    assert "权重按" not in said(app)
    more = read_bytes("more.csv", "登记号,成果名称\nN1,沼气脱硫塔\n".encode(), "achievements", Settings())
    load(ledger, more, "周某")
    app.run()
    app.button(key="match").click().run()
    assert "条记录拟合，此后变动 1 条" in said(app)
