"""Every figure is defined, in both languages, in the document as in the program."""

from __future__ import annotations

import pytest
from places import ROOT

from matching.reporting.conversion import CONVERSION
from matching.reporting.coverage import COVERAGE
from matching.reporting.definitions import DEFINED, definition, definitions_sheet
from matching.reporting.figures import FIGURES
from matching.wording import LANGUAGES, say


def told() -> dict[str, list[str]]:
    """The table of the document: cells by code."""
    lines = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_the_document_defines_the_figures_that_there_are_and_no_other() -> None:
    assert list(told()) == list(DEFINED)
    # Rows that days are counted over stand beside the days.
    assert {*FIGURES, *COVERAGE, *CONVERSION} - {"step", "timed"} == set(DEFINED)


@pytest.mark.parametrize("figure", DEFINED)
def test_the_document_says_what_the_program_says(figure: str) -> None:
    words = [
        text for language in LANGUAGES for text in (say(f"figure.{figure}", language), definition(figure, language))
    ]
    assert told()[figure] == words


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_has_the_definitions(language: str) -> None:
    rows = definitions_sheet(language).rows
    assert rows["means"].to_list() == [definition(figure, language) for figure in DEFINED]
