"""The screen that finds: what it lists for what is written, narrowed down by a field, and when the ledger changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from typing import Final

import polars as pl
import pytest
import streamlit as st
from places import ROOT
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from matching.fields.believed import believed
from matching.fields.taxonomies import load_taxonomy
from matching.ledger.catalogue import current_fields
from matching.ledger.database import open_ledger
from matching.ledger.withdrawal import withdraw
from matching.pipeline import find, loaded
from matching.ranking.weights import load_weights
from matching.wording import say

TEXT: Final = "寒区风电叶片除冰"
PROVINCE: Final = "province_4567"
LISTED: Final = say("column.achievement_title")


@pytest.fixture
def path(sample_ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The samples as the ledger of the screens."""
    copied = tmp_path / "ledger.sqlite"
    copyfile(sample_ledger, copied)
    monkeypatch.setenv("DUIJIE_DATABASE_URL", f"sqlite:///{copied}")
    st.cache_resource.clear()
    yield copied
    st.cache_resource.clear()


def opened() -> AppTest:
    app = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=60)
    # Pages that are functions have no file to switch to.
    app._page_hash = calc_hash("find")
    return app.run()


def titles(app: AppTest) -> list[str]:
    """What is listed, of a page on which nothing went wrong."""
    assert not app.exception
    assert not app.error
    return list(app.dataframe[0].value[LISTED]) if app.dataframe else []


def test_what_is_written_is_found_filtered_and_found_anew(path: Path) -> None:
    engine = open_ledger(f"sqlite:///{path}")
    catalogue = loaded(engine)
    app = opened()
    assert titles(app) == []
    assert [each.value for each in app.info] == [say("find.hint")]

    app.text_input(key="find_title").set_value(TEXT).run()
    whole = find(catalogue, TEXT, 10)
    assert titles(app) == whole["achievement_title"].to_list()

    # A problem alone is a demand too.
    app.text_input(key="find_title").set_value("")
    app.text_area(key="find_problem").set_value(TEXT).run()
    assert titles(app) == whole["achievement_title"].to_list()

    assigned = believed(current_fields(engine, "achievements", PROVINCE))
    code = assigned.filter(pl.col("record_id") == whole["achievement_id"][0])["code"][0]
    having = assigned.filter(pl.col("code") == code)["record_id"]
    field = app.selectbox(key=f"field_{PROVINCE}")
    field.select_index(1 + [node.code for node in load_taxonomy(PROVINCE).nodes].index(code)).run()
    considered = find(catalogue, TEXT, load_weights().retrieved)
    narrow = considered.filter(pl.col("achievement_id").is_in(having.implode()))["achievement_title"].to_list()
    assert titles(app) == narrow[:10]
    assert set(narrow) < set(considered["achievement_title"])
    app.selectbox(key=f"field_{PROVINCE}").select_index(0).run()

    # What is withdrawn is not found any more, without the screen being opened anew.
    withdraw(engine, "achievements", whole["achievement_id"][0], "甲", "已自行转化")
    engine.dispose()
    app.run()
    assert whole["achievement_title"][0] not in titles(app)
    assert whole["achievement_title"][1] in titles(app)
