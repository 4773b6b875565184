"""Training of the field model, on a taxonomy of three fields."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from matching.errors import DataFileError
from matching.fields.grams import prepared
from matching.fields.model import UNKNOWN, FieldModel
from matching.fields.rules import load_rules
from matching.fields.taxonomies import Taxonomy, load_taxonomies, load_taxonomy
from matching.fields.training import EXAMPLES, examples_of, read_products, train

HELD_OUT = {
    "光纤激光切割的激光器": "A1",
    "多模光缆": "A1",
    "滚动轴承与齿轮箱": "A2",
    "斜齿轮轴承": "A2",
    "水稻田和玉米": "B",
    "大豆玉米育种": "B",
}


def said(model: FieldModel, *texts: str, code: str = "tiny") -> list[str]:
    """Best node of each text."""
    classifier = model.classifiers[code]
    found = classifier.probabilities(model.features([(1.0, prepared(pl.Series(texts)))]))
    return [classifier.codes[column] for column in found.argmax(axis=1)]


def examples(*rows: tuple[str, str], judged: bool = False, weight: float = 1.0) -> pl.DataFrame:
    return pl.DataFrame([(*row, weight, judged) for row in rows], schema=EXAMPLES, orient="row")


def trained(tiny: Taxonomy, *more: pl.DataFrame) -> FieldModel:
    return train({"tiny": pl.concat([examples_of(tiny), *more])}, {"tiny": tiny})


def test_held_out_texts_get_their_field(tiny_model: FieldModel, tiny: Taxonomy) -> None:
    assert not set(HELD_OUT) & set(examples_of(tiny)["text"])
    assert said(tiny_model, *HELD_OUT) == list(HELD_OUT.values())


def test_what_every_record_says_is_of_no_field(tiny_model: FieldModel) -> None:
    assert said(tiny_model, "技术需求", "产业化应用", "主要技术指标") == [UNKNOWN] * 3


def test_training_twice_gives_the_same(tiny_model: FieldModel, tiny: Taxonomy) -> None:
    again = trained(tiny)
    first, second = tiny_model.classifiers["tiny"], again.classifiers["tiny"]
    assert again.vocabulary.grams == tiny_model.vocabulary.grams
    assert np.array_equal(again.idf, tiny_model.idf)
    assert np.array_equal(first.weights, second.weights)
    assert np.array_equal(first.intercepts, second.intercepts)
    assert (first.sharpness, first.slope, first.offset) == (second.sharpness, second.slope, second.offset)


def test_the_codes_are_the_fields_and_what_is_unknown(tiny_model: FieldModel) -> None:
    assert tiny_model.classifiers["tiny"].codes == ("A1", "A2", "B", UNKNOWN)


def test_an_n_gram_of_one_text_alone_is_not_learned(tiny: Taxonomy) -> None:
    grams = trained(tiny, examples(("鹦鹉螺号", "B"))).vocabulary.grams
    assert load_rules().training.least_texts == 2
    assert "光纤" in grams
    assert not {"鹦", "鹉", "鹦鹉"} & set(grams)


def test_an_example_of_a_parent_is_learned_for_its_likeliest_child(tiny: Taxonomy, tiny_model: FieldModel) -> None:
    more = examples(*((f"光纤鹦鹉{end}", "A") for end in "甲乙丙丁戊己"), judged=True)
    assert "鹦鹉" not in tiny_model.vocabulary.grams
    assert said(trained(tiny, more), "鹦鹉", "鹦鹉光纤", "轴承") == ["A1", "A1", "A2"]


def test_an_example_of_a_parent_never_goes_outside_of_it(tiny: Taxonomy) -> None:
    more = examples(*((f"大豆鹦鹉{end}", "A") for end in "甲乙丙丁戊己"), judged=True)
    assert said(trained(tiny, more), "鹦鹉")[0] in {"A1", "A2"}


def test_whole_records_teach_how_common_an_n_gram_is(tiny: Taxonomy, tiny_model: FieldModel) -> None:
    texts = pl.Series(["光纤一", "光纤二", "光纤三", "光纤四"] * 50)
    model = train({"tiny": examples_of(tiny)}, {"tiny": tiny}, texts)
    place = model.vocabulary.grams.index
    assert model.vocabulary.grams == tiny_model.vocabulary.grams
    before = tiny_model.idf[place("光纤")] - tiny_model.idf[place("轴承")]
    assert model.idf[place("光纤")] - model.idf[place("轴承")] < before - 1


def test_a_taxonomy_of_one_field_learns_its_terms(tiny: Taxonomy) -> None:
    alone = replace(tiny, nodes=(tiny.node("B"),))
    model = train({"tiny": examples_of(alone)}, {"tiny": alone})
    classifier = model.classifiers["tiny"]
    read = model.features([(1.0, prepared(pl.Series(["大豆育种", "水稻田", "技术需求", "主要技术指标"])))])
    # What the machine learned tells the field from what is unknown: their margins lie far apart.
    apart = np.diff(classifier.margins(read), axis=1).ravel()
    assert classifier.codes == ("B", UNKNOWN)
    assert (apart[:2] < -0.5).all()
    assert (apart[2:] > 0.5).all()


def test_a_field_without_examples_is_never_the_likeliest(tiny: Taxonomy) -> None:
    rest = examples_of(tiny).filter(pl.col("code") != "A2")
    model = train({"tiny": rest}, {"tiny": tiny})
    assert said(model, "光纤激光器", "大豆育种", "技术需求") == ["A1", "B", UNKNOWN]


def test_several_taxonomies_share_n_grams_and_keep_their_own_fields(tiny: Taxonomy) -> None:
    nodes = tuple(replace(node, code=node.code.lower(), parent=node.parent.lower()) for node in tiny.nodes)
    other = replace(tiny, code="other", nodes=nodes)
    model = train({"tiny": examples_of(tiny), "other": examples_of(other)}, {"tiny": tiny, "other": other})
    assert said(model, "滚动轴承") == ["A2"]
    assert said(model, "滚动轴承", code="other") == ["a2"]


def test_examples_are_names_aliases_terms_and_background(tiny: Taxonomy) -> None:
    rules = load_rules().training
    named = replace(tiny.node("B"), aliases=("农业",), terms={"大豆": 1.0, "玉米": 0.5})
    frame = examples_of(replace(tiny, nodes=(named,)))
    assert frame.schema == pl.Schema(EXAMPLES)
    assert not frame["judged"].any()
    weights = dict(frame.filter(pl.col("code") == "B").select("text", "weight").iter_rows())
    assert weights == {
        "农": rules.name,
        "Crops": rules.name,
        "农业": rules.name,
        "大豆": rules.term,
        "玉米": rules.term * 0.5,
    }
    background = frame.filter(pl.col("code") == UNKNOWN)
    assert "技术需求" in set(background["text"])
    assert set(background["weight"]) == {rules.background}


@pytest.mark.parametrize("code", ["province_4567", "contract_fields", "strategic_2018", "national_high_tech"])
def test_the_shipped_examples_are_of_known_fields_each_once(code: str) -> None:
    taxonomy = load_taxonomies()[code]
    frame = examples_of(taxonomy)
    assert set(frame["code"]) == {*(node.code for node in taxonomy.fields), UNKNOWN}
    assert not frame.select("text", "code").is_duplicated().any()
    assert frame["weight"].is_between(0, 1, closed="right").all()


def test_the_lexicon_teaches_the_taxonomy_that_it_is_named_by() -> None:
    forms = examples_of(load_taxonomy("province_4567")).filter(pl.col("text") == "还原氧化石墨烯")
    assert forms["code"].to_list() == ["S3"]
    assert "还原氧化石墨烯" not in set(examples_of(load_taxonomy("contract_fields"))["text"])


def products(folder: Path, *rows: str) -> Path:
    file = folder / "products.csv"
    file.write_text("\n".join(["product,industry,sub_industry", *rows]) + "\n", encoding="utf-8")
    return file


def test_products_take_the_closest_node_that_is_known(tmp_path: Path, tiny: Taxonomy) -> None:
    part, optics, bearings, crops = tiny.nodes
    named = replace(tiny, nodes=(replace(part, aliases=("甲部产业",)), optics, bearings, crops))
    file = products(tmp_path, "激光笔,甲部,光", "万向节,甲部产业,轴", "不明之物,甲部,", "豆饼,农,")
    frame = read_products(file, named)
    assert frame.schema == pl.Schema(EXAMPLES)
    assert frame.rows() == [
        ("激光笔", "A1", 1.0, True),
        ("万向节", "A2", 1.0, True),
        ("不明之物", "A", 1.0, True),
        ("豆饼", "B", 1.0, True),
    ]


@pytest.mark.parametrize("row", ["激光笔,甲部,电", "激光笔,丙部,", "豆饼,甲部,农", "激光笔,农,光", "激光笔,丙部,光"])
def test_products_of_an_unknown_or_misplaced_field_are_refused(tmp_path: Path, tiny: Taxonomy, row: str) -> None:
    with pytest.raises(DataFileError) as refused:
        read_products(products(tmp_path, row), tiny)
    assert [problem.key for problem in refused.value.problems] == ["taxonomy.no_code"]
    assert refused.value.problems[0].file == "products.csv"


def test_the_judged_products_are_read(field_products: Path) -> None:
    taxonomy = load_taxonomy("strategic_2018")
    frame = read_products(field_products, taxonomy)
    assert frame.height == 2158
    assert frame["judged"].all()
    assert set(frame["weight"]) == {1.0}
    assert {taxonomy.top(code).code for code in set(frame["code"])} == set("123456789")
    tops = frame.filter(~pl.col("code").str.contains(".", literal=True))
    assert tops.height == 608
    assert set(tops["code"]) == {"3"}
