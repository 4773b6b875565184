"""Names of engines, and what is brought to other processes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from matching.errors import CallError
from matching.ranking.engines.engine import Here, blocks
from matching.ranking.engines.files import filed, unfiled
from matching.ranking.engines.named import Named, named
from matching.ranking.engines.opening import opened
from matching.ranking.engines.texts import texts_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("local", Named()),
        ("local:1", Named(workers=1)),
        ("local:16", Named(workers=16)),
        ("dask://node-1:8786", Named(address="tcp://node-1:8786")),
        ("dask://[::1]:8786/", Named(address="tcp://[::1]:8786")),
        ("dask+tls://10.0.0.1:1", Named(address="tls://10.0.0.1:1")),
    ],
)
def test_names_are_read(text: str, expected: Named) -> None:
    assert named(text) == expected


@pytest.mark.parametrize(
    "text", ["", "Local", "local:", "local:0", "local:-1", "local:2 ", "dask://", "dask://host", "dask://host:99999"]
)
def test_other_names_are_refused_with_those_that_there_are(text: str) -> None:
    with pytest.raises(CallError) as refused:
        named(text)
    for language in ("zh_CN", "en"):
        assert f"“{text}”" in refused.value.text(language)
        assert "local:N" in refused.value.text(language)


def test_without_dask_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CallError) as refused, opened("local:2"):
        pass
    assert 'pip install "duijie[cluster]"' in refused.value.text("zh_CN")
    assert 'pip install "duijie[cluster]"' in refused.value.text("en")
    with opened("local") as engine:
        assert isinstance(engine, Here)


def test_texts_are_those_that_were_given() -> None:
    given = ["大豆色选", "", "é\n", "𠮷"]
    texts = texts_of(given)
    assert list(texts) == given
    assert texts[-1] == "𠮷"
    assert texts[1:3] == given[1:3]
    assert list(texts_of([])) == []
    with pytest.raises(IndexError):
        texts[4]


def test_a_value_comes_back_from_its_files_and_what_is_written_to_it_stays_here(tmp_path: Path) -> None:
    numbers = np.arange(1_000, dtype=np.float32)
    value = {"numbers": numbers, "again": numbers, "none": np.zeros(0), "text": "a"}
    where = filed(value, tmp_path / "value")
    found = unfiled(where)
    assert isinstance(found, dict)
    np.testing.assert_array_equal(found["numbers"], numbers)
    assert found["numbers"].base is not None
    assert np.shares_memory(found["numbers"], found["again"])
    assert (len(found["none"]), found["text"]) == (0, "a")
    found["numbers"][0] = 7
    unfiled.cache_clear()
    np.testing.assert_array_equal(unfiled(where)["numbers"], numbers)  # type: ignore[index]


def test_blocks_hold_each_row_once() -> None:
    assert [each.tolist() for each in blocks(5, 2)] == [[0, 1], [2, 3], [4]]
    assert [each.tolist() for each in blocks(4, 2)] == [[0, 1], [2, 3]]
    assert blocks(0, 2) == []
