"""A space that is fitted once: rows depend on their record alone, what is unknown is left out, arrays bring it back."""

from __future__ import annotations

from itertools import product
from math import sqrt
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
from records import records
from sklearn.feature_extraction.text import TfidfTransformer

from matching.fields.assignment import assign_fields
from matching.fields.lexicon import Group, Lexicon
from matching.intake.reading import Reading
from matching.ranking import space as space_module
from matching.ranking.counting import Counted, count
from matching.ranking.latent import directions_of
from matching.ranking.space import Placed, Space, fit, place
from matching.ranking.stored_space import space_arrays, space_of
from matching.ranking.vectors import Vectors, vectorize, vectors_of
from matching.ranking.weights import load_weights
from matching.schema import FIELDS, ID, KINDS, Kind

WEIGHTS: Final = load_weights()
# Of some words that the samples use: the program's own lexicon takes a second for each lot.
LEXICON: Final = Lexicon(
    (
        Group("检测", "process", ("检测", "识别"), ("技术",), "S1", 2),
        Group("技术", "concept", ("技术", "工艺"), (), "S1", 3),
    ),
    frozenset(),
    0.4,
)
NO_FIELDS: Final = pl.DataFrame(schema=FIELDS)


def counted(frame: pl.DataFrame, kind: Kind, lot: int = 50_000) -> Counted:
    return count(frame, kind, WEIGHTS.parts[kind], LEXICON, lot)


def fields(*rows: tuple[str, str, str, float]) -> pl.DataFrame:
    return pl.DataFrame([(*row, "text", []) for row in rows], schema=FIELDS, orient="row")


def assert_same_bits(found: sp.csr_matrix, expected: sp.csr_matrix) -> None:
    assert found.shape == expected.shape
    for part in ("indptr", "indices", "data"):
        left, right = getattr(found, part), getattr(expected, part)
        assert left.dtype == right.dtype
        assert left.tobytes() == right.tobytes()


class Lists:
    """The samples, with their fields, counted and fitted."""

    def __init__(self, demands: pl.DataFrame, achievements: pl.DataFrame) -> None:
        self.frames: dict[Kind, pl.DataFrame] = {"demands": demands, "achievements": achievements}
        self.fields: dict[Kind, pl.DataFrame] = {
            kind: assign_fields(frame, ID[kind]) for kind, frame in self.frames.items()
        }
        self.counted: dict[Kind, Counted] = {kind: counted(frame, kind) for kind, frame in self.frames.items()}
        self.space = self.fitted(50_000)
        self.placed: dict[Kind, Placed] = {
            kind: place(self.space, kind, self.counted[kind], self.fields[kind]) for kind in KINDS
        }

    def fitted(self, lot: int) -> Space:
        demands, achievements = (counted(self.frames[kind], kind, lot) for kind in KINDS)
        return fit(demands, achievements, self.fields["demands"], self.fields["achievements"], WEIGHTS)


@pytest.fixture(scope="module")
def lists(sample_demands: Reading, sample_achievements: Reading) -> Lists:
    return Lists(sample_demands.frame[:20], sample_achievements.frame[:23])


def test_vectorize_fits_and_places(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matching.ranking.vectors.load_lexicon", lambda: LEXICON)
    whole = vectorize(
        lists.frames["demands"],
        lists.frames["achievements"],
        lists.fields["demands"],
        lists.fields["achievements"],
        WEIGHTS,
    )
    found: Vectors = vectors_of(lists.space, lists.placed["demands"], lists.placed["achievements"])
    assert (found.demand_ids, found.achievement_ids) == (whole.demand_ids, whole.achievement_ids)
    assert (found.starts, found.shares) == (whole.starts, whole.shares)
    assert found.names.tolist() == whole.names.tolist()
    assert found.rarity.tobytes() == whole.rarity.tobytes()
    assert found.directions.tobytes() == whole.directions.tobytes()
    for name in ("demands", "achievements", "demand_titles", "achievement_titles"):
        assert_same_bits(getattr(found, name), getattr(whole, name))


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_alone_has_the_row_it_has_among_all(lists: Lists, kind: Kind) -> None:
    """To the last bit, its title too; records and fields of others do not reach it."""
    whole = lists.placed[kind]
    assert whole.rows[:, lists.space.starts[2] : lists.space.starts[3]].nnz > 10
    for row in range(len(whole.ids)):
        alone = lists.frames[kind].filter(pl.col(ID[kind]) == whole.ids[row])
        found = place(lists.space, kind, counted(alone, kind), lists.fields[kind])
        assert found.ids == whole.ids[row : row + 1]
        assert_same_bits(found.rows, whole.rows[row])
        assert_same_bits(found.titles, whole.titles[row])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("lot", "at_a_time"), [(7, 3), (50_000, 5)])
def test_rows_do_not_tell_how_many_were_taken_at_a_time(
    lists: Lists, kind: Kind, lot: int, at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space_module, "_AT_A_TIME", at_a_time)
    found = place(lists.space, kind, counted(lists.frames[kind], kind, lot), lists.fields[kind])
    assert_same_bits(found.rows, lists.placed[kind].rows)
    assert_same_bits(found.titles, lists.placed[kind].titles)


def test_the_space_does_not_tell_in_which_lots_records_were_counted(lists: Lists) -> None:
    assert_same_arrays(space_arrays(lists.fitted(7)), space_arrays(lists.space))


def assert_same_arrays(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype != object
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes(), name


def test_weights_of_terms_are_scikit_learn_s(lists: Lists) -> None:
    columns = slice(0, len(lists.space.characters.names))
    rows = sp.vstack([lists.placed[kind].rows[:, columns] for kind in KINDS]).astype(np.float64)
    expected = TfidfTransformer().fit(rows).idf_
    np.testing.assert_allclose(lists.space.characters.idf, expected, rtol=1e-15)
    assert lists.space.fitted_on == tuple(lists.frames[kind].height for kind in KINDS)


@pytest.mark.parametrize(("step", "lot"), [(1, 7), (2, 50_000), (3, 7), (4, 1)])
def test_directions_are_those_of_every_nth_record(
    lists: Lists, step: int, lot: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = sp.vstack([lists.placed[kind].rows[:, : lists.space.starts[1]] for kind in KINDS], format="csr")
    monkeypatch.setattr(space_module, "_DIRECTIONS_FROM", -(-rows.shape[0] // step))
    assert lists.fitted(lot).directions.tobytes() == directions_of(rows[::step]).tobytes()


def test_what_the_space_does_not_know_is_left_out() -> None:
    """Terms, concepts, fields and taxonomies; the length of what is known is as if the others were not there."""
    demands = records("demands", {"title": "沼气脱硫"}, {"title": "沼气"})
    achievements = records("achievements", {"title": "脱硫塔"})
    of_demands = fields(("D1", "T", "a", 0.9), ("D2", "T", "b", 0.5))
    space = fit(counted(demands, "demands"), counted(achievements, "achievements"), of_demands, NO_FIELDS, WEIGHTS)
    plain = records("demands", {"title": "沼气"})
    more = records("demands", {"title": "沼气，zz石墨烯鞣"})
    extra = fields(("D1", "T", "a", 0.9), ("D1", "T", "zz", 0.9), ("D1", "V", "a", 1.0), ("D7", "T", "b", 1.0))
    found = place(space, "demands", counted(more, "demands"), extra)
    expected = place(space, "demands", counted(plain, "demands"), extra[:1])
    assert_same_bits(found.rows, expected.rows)
    assert_same_bits(found.titles, expected.titles)
    assert expected.rows[:, space.starts[3] :].nnz == 1
    assert expected.titles.nnz == 3 + 1


def test_a_field_of_the_other_list_alone_counts_as_if_one_record_had_it() -> None:
    """Of four achievements none has T:b; beside T:a, which two have for sure, it is twice as rare."""
    demands = records("demands", {"title": "甲"})
    achievements = records("achievements", *({"title": "乙"} for _ in range(4)))
    of_achievements = fields(("A1", "T", "a", 1.0), ("A2", "T", "a", 1.0))
    space = fit(
        counted(demands, "demands"),
        counted(achievements, "achievements"),
        fields(("D1", "T", "b", 0.3)),
        of_achievements,
        WEIGHTS,
    )
    assert space.fields.names.to_list() == ["T:a", "T:b"]
    assert space.fields.common.tolist() == [[1, 0.3], [0.5, 0.25]]
    both = fields(("A1", "T", "a", 0.6), ("A1", "T", "b", 0.6))
    found = place(space, "achievements", counted(achievements[:1], "achievements"), both)
    expected = np.sqrt(WEIGHTS.field) * np.array([sqrt(1 / 3), sqrt(2 / 3)])
    np.testing.assert_allclose(found.rows[:, space.starts[3] :].toarray(), [expected], rtol=1e-6)


def test_a_space_goes_into_a_file_and_back(lists: Lists, tmp_path: Path) -> None:
    np.savez(tmp_path / "space.npz", **space_arrays(lists.space))  # type: ignore[arg-type]
    with np.load(tmp_path / "space.npz", allow_pickle=False) as stored:
        back = space_of(dict(stored))
    assert_same_arrays(space_arrays(back), space_arrays(lists.space))
    assert (back.shares, back.starts, back.fitted_on) == (
        lists.space.shares,
        lists.space.starts,
        lists.space.fitted_on,
    )
    for view in ("characters", "words", "concepts", "fields"):
        assert getattr(back, view).names.to_list() == getattr(lists.space, view).names.to_list()
    for kind in KINDS:
        found = place(back, kind, lists.counted[kind], lists.fields[kind])
        assert_same_bits(found.rows, lists.placed[kind].rows)


@pytest.mark.parametrize(("number", "others"), list(product([0, 1], repeat=2)))
def test_a_space_of_nothing_goes_there_and_back(number: int, others: int) -> None:
    demands = counted(records("demands", *({"title": "，"} for _ in range(number))), "demands")
    achievements = counted(records("achievements", *({"title": ""} for _ in range(others))), "achievements")
    space = space_of(space_arrays(fit(demands, achievements, NO_FIELDS, NO_FIELDS, WEIGHTS)))
    assert space.starts == (0, 0, 0, 0, 0)
    assert space.fitted_on == (number, others)
    found = place(space, "achievements", counted(records("achievements", {"title": "沼气"}), "achievements"), NO_FIELDS)
    assert found.rows.shape == found.titles.shape == (1, 0)
