"""The benchmark suite: what it is measured on, its processes' limits, its peers' answers, its document."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
from bench import catalogue, tables
from bench.document import write
from bench.made_records import records
from bench.matrices import keep, kept
from bench.measuring import medians
from bench.peers import METHODS
from bench.serving import COMPARED, serve
from bench.workers import Failed, Limits, once
from places import ROOT

from matching.schema import DEMAND, ID, PROVENANCE

LIMITS = Limits(megabytes=4_000, first=60, later=60)


def test_a_longer_list_begins_with_a_shorter_one() -> None:
    longer = records(5_020)
    assert records(40).equals(longer.head(40))
    assert records(30, first=4_990).equals(longer.slice(4_990, 30))
    assert longer["text"].n_unique() > 5_000
    assert not records(40, seed=1).equals(longer.head(40))


def test_made_demands_are_clean_frames() -> None:
    made = catalogue.demands(50)
    assert made.schema == pl.Schema({**DEMAND, **PROVENANCE})
    assert made[ID["demands"]].n_unique() == 50
    assert made.select(pl.col(pl.String()).null_count().max()).row(0) == (0,) * len(
        made.select(pl.col(pl.String())).columns
    )
    assert made["content_hash"].n_unique() == 50
    assert made["problem"].str.len_chars().min() > 0


def filled(megabytes: int) -> int:
    kept = np.ones(megabytes * 1_000_000 // 8)
    time.sleep(30)
    return len(kept)


def test_a_process_that_fails_says_why() -> None:
    with pytest.raises(Failed, match="ValueError: invalid literal"):
        once(int, "x", limits=LIMITS)
    with pytest.raises(Failed, match=r"took more than 1 s"):
        once(time.sleep, 30, limits=Limits(4_000, first=1, later=1))
    with pytest.raises(Failed, match=r"needs more than 1\.0 GB"):
        once(filled, 1_500, limits=Limits(1_000, first=60, later=60))
    assert once(int, "7", limits=LIMITS) == 7


def some_rows(chance: np.random.Generator, height: int) -> sp.csr_matrix:
    """Rows of unequal lengths, as those of the ranking are."""
    rows = sp.random(height, 300, density=0.1, format="csr", dtype=np.float32, random_state=chance)
    rows.data = rows.data.astype(np.float32)
    return rows


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if not method.reads_text])
def test_every_matrix_method_finds_the_same_scores(name: str) -> None:
    chance = np.random.default_rng(5)
    documents, queries = some_rows(chance, 400), some_rows(chance, 12)
    expected = -np.sort(-(queries @ documents.T).toarray(), axis=1)[:, :20]
    for threads in METHODS[name].threads:
        found = METHODS[name].make(documents)(queries, 20, threads)
        assert found is not None
        rows, columns, scores = found
        by_query = [np.sort(scores[rows == row])[::-1] for row in range(12)]
        np.testing.assert_allclose(by_query, expected, atol=1e-5)
        np.testing.assert_allclose(scores, np.asarray((queries @ documents.T)[rows, columns]).ravel(), atol=1e-5)


def test_a_method_answers_per_query_and_with_scores(tmp_path: Path) -> None:
    chance = np.random.default_rng(6)
    assert not kept(tmp_path, "words")
    keep(tmp_path / "words", some_rows(chance, 60), some_rows(chance, 700))
    assert kept(tmp_path, "words")
    question = {"queries": COMPARED, "times": 2, "threads": 1, "scores": True}
    answers = []
    for name in ("ours", "sparse_dot_topn"):
        serving = serve(name, tmp_path, "words", 10)
        assert next(serving)["memory"] > 1
        answers.append(serving.send(question))
    assert all(0 < each["cpu"] < 1 for each in answers)
    assert answers[0]["scores"].shape == (COMPARED, 10)
    assert answers[0]["scores"].min() > 0
    np.testing.assert_allclose(answers[0]["scores"], answers[1]["scores"], atol=1e-5)


def test_figures_are_medians_of_the_rounds() -> None:
    rounds = [{"stage": "fit", "cpu": cpu, "wall": cpu / 2, "memory": 9 - cpu} for cpu in (7.0, 1.0, 2.0)]
    assert medians(rounds) == {"stage": "fit", "cpu": 2.0, "wall": 1.0, "memory": 8.0, "rounds": 3}
    failed = {"stage": "fit", "failed": "needs more than 1.0 GB"}
    assert medians([*rounds, failed]) == failed


def test_growth_is_the_power_of_the_size() -> None:
    sizes = [10_000, 100_000, 1_000_000]
    assert tables.exponent(sizes, [3.0 * size**1.5 for size in sizes]) == pytest.approx(1.5)
    assert tables.exponent(sizes, [2.0, 0.0, 20.0]) == pytest.approx(0.5)
    assert tables.exponent(sizes, [2.0, 0.0, 0.0]) is None


def test_a_peer_that_failed_stands_in_the_table_with_its_reason() -> None:
    [row] = tables.peer_rows(
        [{"method": "scikit_learn", "matrix": "full", "size": 9, "threads": 1, "failed": "needs more than 20.0 GB"}]
    )
    assert "needs more than 20.0 GB" in row
    assert len(row) == 11


def test_other_scores_are_said_to_be_other(tmp_path: Path) -> None:
    row = {
        **{"method": "sparse_dot_topn", "matrix": "full", "size": 10_000, "threads": 2, "queries": 40},
        **{"cpu": 0.004, "wall": 0.002, "ratio": 4.04, "wall_ratio": 3.9, "difference": 2e-3},
        **{"build_cpu": 0.5, "build_wall": 0.5, "build_memory": 900.0, "memory": 800.0},
    }
    write({"peers": {"full": {"10000": [row]}}}, tmp_path / "performance.md")
    text = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert "| 2 | 4 | 2 | 4.0 | 3.9 | 0.50 | 0.90 | 0.80 | 40 | no (2e-03) |" in text
    assert (tmp_path / "images" / "performance-full.png").stat().st_size > 1_000
    assert "Not measured yet" in text


def test_the_document_is_what_its_figures_make(tmp_path: Path) -> None:
    documents = ROOT / "docs"
    write(json.loads((documents / "performance.json").read_text(encoding="utf-8")), tmp_path / "performance.md")
    written = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert written == (documents / "performance.md").read_text(encoding="utf-8")
    for picture in (tmp_path / "images").iterdir():
        assert (documents / "images" / picture.name).is_file()
