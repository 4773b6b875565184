"""The field model: probabilities, confidences, corrections, and the file it is stored in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from matching.data_files import data_path
from matching.fields.grams import Vocabulary, prepared
from matching.fields.model import (
    UNKNOWN,
    Classifier,
    FieldModel,
    chances,
    load_model,
    log_odds,
    read_model,
    tf_idf,
    with_corrections,
    write_model,
)
from matching.fields.rules import load_rules
from matching.fields.taxonomies import load_taxonomies

TEXTS = ["光纤激光器", "滚动轴承座", "水稻和大豆", "光纤与轴承", "技术需求", "毫不相干", ""]


def features(model: FieldModel, *texts: str) -> sp.csr_matrix:
    return model.features([(1.0, prepared(pl.Series(texts, dtype=pl.String())))])


def best(classifier: Classifier, read: sp.csr_matrix) -> list[str]:
    return [classifier.codes[column] for column in classifier.probabilities(read).argmax(axis=1)]


@pytest.fixture(scope="module")
def stored(tiny_model: FieldModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("model") / "folder" / "tiny.npz"
    write_model(tiny_model, "these tests", file)
    return file


def test_a_stored_model_says_the_same(tiny_model: FieldModel, stored: Path) -> None:
    read = read_model(stored)
    assert read.vocabulary.grams == tiny_model.vocabulary.grams
    assert np.array_equal(read.idf, tiny_model.idf)
    before, after = tiny_model.classifiers["tiny"], read.classifiers["tiny"]
    assert (after.codes, after.sharpness, after.slope, after.offset) == (
        before.codes,
        before.sharpness,
        before.slope,
        before.offset,
    )
    held, given_back = features(tiny_model, *TEXTS), features(read, *TEXTS)
    assert np.abs(before.probabilities(held) - after.probabilities(given_back)).max() < 1e-2
    assert np.abs(before.confidences(held) - after.confidences(given_back)).max() < 1e-2
    assert best(before, held) == best(after, given_back)


def test_storing_what_was_stored_changes_nothing_more(stored: Path, tmp_path: Path) -> None:
    first = read_model(stored)
    write_model(first, "these tests", tmp_path / "again.npz")
    again = read_model(tmp_path / "again.npz")
    assert np.allclose(first.classifiers["tiny"].weights, again.classifiers["tiny"].weights, rtol=1e-5)


def test_equal_models_make_equal_bytes(tiny_model: FieldModel, stored: Path, tmp_path: Path) -> None:
    write_model(tiny_model, "these tests", tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == stored.read_bytes()
    write_model(tiny_model, "other tests", tmp_path / "other.npz")
    assert (tmp_path / "other.npz").read_bytes() != stored.read_bytes()


def test_a_node_without_any_weight_is_stored(tmp_path: Path) -> None:
    weights = np.array([[1.0, 0.0], [-0.5, 0.0]], dtype=np.float32)
    classifier = Classifier(("A", ""), weights, np.array([0.25, -1.0], dtype=np.float32), 2.0, 3.0, -0.5)
    model = FieldModel(Vocabulary(("光", "光纤")), np.array([1.0, 2.0], dtype=np.float32), {"own": classifier})
    write_model(model, "by hand", tmp_path / "own.npz")
    read = read_model(tmp_path / "own.npz").classifiers["own"]
    assert np.allclose(read.weights, weights, atol=1e-3)
    assert read.intercepts.tolist() == [0.25, -1.0]
    assert (read.codes, read.sharpness, read.slope, read.offset) == (("A", ""), 2.0, 3.0, -0.5)


def test_the_shipped_model_is_small_and_knows_the_fields_of_all_taxonomies() -> None:
    assert data_path("model", "fields.npz").stat().st_size < 5_000_000
    shipped = load_model()
    assert {code: classifier.codes for code, classifier in shipped.classifiers.items()} == {
        code: (*(node.code for node in taxonomy.fields), UNKNOWN) for code, taxonomy in load_taxonomies().items()
    }
    for classifier in shipped.classifiers.values():
        assert classifier.weights.shape == (len(shipped.vocabulary.grams), len(classifier.codes))
        assert classifier.slope > 0
        assert classifier.sharpness > 0


@pytest.mark.parametrize("code", ["province_4567", "contract_fields", "strategic_2018", "national_high_tech"])
def test_a_field_no_likelier_than_the_others_is_not_believed(code: str) -> None:
    # All margins equal, as where a text says nothing: each of n nodes has the probability 1/n.
    shipped = load_model().classifiers[code]
    flat = replace(
        shipped, weights=np.zeros((1, len(shipped.codes)), np.float32), intercepts=np.zeros(len(shipped.codes))
    )
    [confidences] = flat.confidences(sp.csr_matrix((1, 1), dtype=np.float32))
    assert confidences.max() < load_rules().sure


def test_a_term_speaks_for_its_field_more_than_for_any_other() -> None:
    shipped = load_model()
    for code, taxonomy in load_taxonomies().items():
        classifier = shipped.classifiers[code]
        own = [(term, node.code) for node in taxonomy.fields for term, weight in node.terms.items() if weight == 1]
        found = best(classifier, features(shipped, *(term for term, _ in own)))
        right = sum(said == field for said, (_, field) in zip(found, own, strict=True))
        assert right > 0.9 * len(own), code


def test_probabilities_sum_to_one(tiny_model: FieldModel) -> None:
    for model, code in ((tiny_model, "tiny"), (load_model(), "strategic_2018"), (load_model(), "province_4567")):
        found = model.classifiers[code].probabilities(features(model, *TEXTS))
        assert found.shape == (len(TEXTS), len(model.classifiers[code].codes))
        assert np.allclose(found.sum(axis=1), 1)
        assert found.min() >= 0


@given(
    st.lists(st.floats(-50, 50), min_size=2, max_size=6),
    st.floats(0.01, 20),
    st.floats(0.01, 3),
    st.floats(-3, 3),
)
def test_confidences_rise_with_probability(margins: list[float], sharpness: float, slope: float, offset: float) -> None:
    codes = tuple(map(str, range(len(margins))))
    classifier = Classifier(codes, np.zeros((1, len(codes))), np.array(margins), sharpness, slope, offset)
    nothing = sp.csr_matrix((1, 1), dtype=np.float32)
    [probabilities], [confidences] = classifier.probabilities(nothing), classifier.confidences(nothing)
    assert probabilities.sum() == pytest.approx(1)
    order = np.argsort(probabilities)
    assert (np.diff(confidences[order]) >= 0).all()
    assert ((confidences >= 0) & (confidences <= 1)).all()


def test_chances_are_the_softmax_of_the_sharpened_margins() -> None:
    assert chances(np.array([[0.0, np.log(3) / 2]]), 2.0)[0].tolist() == pytest.approx([0.25, 0.75])
    assert chances(np.array([[1000.0, 0.0]]), 5.0)[0].tolist() == [1.0, 0.0]


def test_log_odds_are_finite_at_both_ends() -> None:
    assert log_odds(np.array([0.75])).tolist() == pytest.approx([np.log(3)])
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()


def test_features_are_sublinear_and_of_length_one() -> None:
    idf = np.array([1.0, 2.0], dtype=np.float32)
    [row] = tf_idf(sp.csr_matrix(np.array([[3.0, 1.0]], dtype=np.float32)), idf).toarray()
    plain = np.array([1 + np.log(3), 2.0])
    assert row == pytest.approx(plain / np.linalg.norm(plain), abs=1e-6)
    assert tf_idf(sp.csr_matrix((0, 2), dtype=np.float32), idf).shape == (0, 2)


def test_what_nothing_is_known_of_has_no_features(tiny_model: FieldModel) -> None:
    assert features(tiny_model, "𠀀𠀁", "").getnnz(axis=1).tolist()[1] == 0
    assert load_model().features([(1.0, pl.Series([""]))]).nnz == 0


def corrected(model: FieldModel, said: dict[str, list[str]], caution: float) -> Classifier:
    return with_corrections(model.classifiers["tiny"], features(model, *said), list(said.values()), caution)


def test_a_correction_moves_its_record_and_its_like(tiny_model: FieldModel) -> None:
    before = tiny_model.classifiers["tiny"]
    after = corrected(tiny_model, {"光纤激光器": ["B"]}, load_rules().caution)
    same, like = features(tiny_model, "光纤激光器"), features(tiny_model, "激光器与光纤")
    assert best(before, same) == best(before, like) == ["A1"]
    assert best(after, same) == ["B"]
    column = before.codes.index("B")
    assert after.probabilities(like)[0, column] > before.probabilities(like)[0, column] + 0.1


def test_a_correction_leaves_what_it_does_not_speak_of(tiny_model: FieldModel) -> None:
    before = tiny_model.classifiers["tiny"]
    after = corrected(tiny_model, {"光纤激光器": ["B"]}, load_rules().caution)
    other = features(tiny_model, "滚动轴承", "水稻育秧")
    assert np.abs(after.probabilities(other) - before.probabilities(other)).max() < 0.02


def test_no_corrections_change_nothing(tiny_model: FieldModel) -> None:
    before = tiny_model.classifiers["tiny"]
    after = with_corrections(before, features(tiny_model), [], 0.5)
    assert np.array_equal(after.weights, before.weights)
    assert after.codes == before.codes


def test_saying_what_is_known_changes_little(tiny_model: FieldModel) -> None:
    before = tiny_model.classifiers["tiny"]
    after = corrected(tiny_model, {"光纤激光器": ["A1"]}, 0.5)
    others = features(tiny_model, *TEXTS)
    assert best(after, others) == best(before, others)


def test_several_right_nodes_are_all_learned(tiny_model: FieldModel) -> None:
    after = corrected(tiny_model, {"光纤激光器": ["A2", "B"]}, 0.5)
    [found] = after.margins(features(tiny_model, "光纤激光器"))
    first, second, *_ = np.argsort(-found)
    assert {after.codes[first], after.codes[second]} == {"A2", "B"}


def test_a_record_of_no_field_is_learned_to_be_of_none(tiny_model: FieldModel) -> None:
    before = tiny_model.classifiers["tiny"]
    after = corrected(tiny_model, {"光纤激光器": []}, 0.5)
    same = features(tiny_model, "光纤激光器")
    column = before.codes.index("A1")
    assert after.probabilities(same)[0, column] < before.probabilities(same)[0, column]
    assert best(after, same) == [UNKNOWN]


@pytest.mark.parametrize(("caution", "way"), [(1.0, 1 / 2), (0.5, 2 / 3), (3.0, 1 / 4)])
def test_one_correction_goes_as_far_as_caution_lets_it(tiny_model: FieldModel, caution: float, way: float) -> None:
    before = tiny_model.classifiers["tiny"]
    same = features(tiny_model, "光纤激光器")
    column = before.codes.index("B")
    from_here = before.margins(same)[0, column]
    moved = corrected(tiny_model, {"光纤激光器": ["B"]}, caution).margins(same)[0, column] - from_here
    assert moved == pytest.approx(way * (1 - from_here), rel=1e-3)


def test_repeated_corrections_go_further(tiny_model: FieldModel) -> None:
    same = features(tiny_model, "光纤激光器")
    column = tiny_model.classifiers["tiny"].codes.index("B")
    chance = []
    for times in (1, 2, 5):
        repeated = sp.vstack([same] * times, format="csr")
        after = with_corrections(tiny_model.classifiers["tiny"], repeated, [["B"]] * times, 3.0)
        chance.append(after.probabilities(same)[0, column])
    assert chance == sorted(chance)
    assert chance[-1] > chance[0]
