"""Fields and concepts of single texts are those that whole lists get."""

from __future__ import annotations

from typing import Final

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from matching.fields.assignment import assign_fields
from matching.fields.lexicon import concepts_in, load_lexicon
from matching.fields.narrowing import forms_of, narrowed
from matching.fields.terms import normalised_texts
from matching.fields.typed import field_models, fields_of_texts
from matching.intake.reading import Reading

ORDER: Final = ["taxonomy", "record_id", "code"]
WITHOUT_TERMS: Final = pl.exclude("terms")


@pytest.fixture(scope="module")
def demands(sample_demands: Reading) -> pl.DataFrame:
    """What is typed of a demand; one says nothing."""
    records = sample_demands.frame.select("demand_id", "title", "problem").sort("demand_id").head(20)
    nothing = records[:1].with_columns(demand_id=pl.lit("NONE"), title=pl.lit("?"), problem=pl.lit(""))
    return pl.concat([records, nothing])


def one_by_one(demands: pl.DataFrame, corrections: pl.DataFrame | None) -> pl.DataFrame:
    models = field_models(corrections)
    return pl.concat(fields_of_texts(demands[row], "demand_id", models) for row in range(demands.height))


@pytest.mark.parametrize("corrected", [False, True])
def test_fields_of_a_text_are_those_of_a_list(demands: pl.DataFrame, corrected: bool) -> None:
    said = pl.DataFrame(
        {
            "title": demands["title"][:2],
            "problem": demands["problem"][:2],
            "taxonomy": ["province_4567"] * 2,
            "codes": [["N1"], []],
        }
    )
    corrections = said if corrected else None
    expected = assign_fields(demands, "demand_id", corrections)
    found = one_by_one(demands, corrections)
    assert found.height > 20
    assert_frame_equal(
        found.select(WITHOUT_TERMS).sort(ORDER), expected.select(WITHOUT_TERMS).sort(ORDER), abs_tol=1e-6
    )
    assert "NONE" not in found["record_id"]


def test_corrections_change_what_is_read(demands: pl.DataFrame) -> None:
    """The test of corrected models would prove nothing were it otherwise."""
    said = pl.DataFrame({"title": demands["title"][:1], "taxonomy": ["province_4567"], "codes": [["T6"]]})
    assert not one_by_one(demands[:3], said).equals(one_by_one(demands[:3], None))


def test_a_narrowed_lexicon_finds_what_the_whole_one_does(demands: pl.DataFrame) -> None:
    lexicon = load_lexicon()
    forms = forms_of(lexicon)
    texts = [*demands["title"], *demands["problem"], "ＣＦＲＰ 板材 碳 纤 维", "controlled LED", ""]
    for text in texts:
        normal = normalised_texts(pl.Series([text]))
        few = narrowed(forms, [text])
        assert_frame_equal(concepts_in(normal, few), concepts_in(normal, lexicon))
        assert len(few.groups) < len(lexicon.groups) / 20
    assert concepts_in(normalised_texts(pl.Series(texts[-3:])), narrowed(forms, texts[-3:])).height > 1
