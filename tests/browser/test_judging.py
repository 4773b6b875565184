"""Levels on the review screen: how sure they are, what made them, and that a judgement moves the others at once."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from browser import settled
from playwright.sync_api import Page, expect

Open = Callable[..., Page]

pytestmark = pytest.mark.browser

# 三元复合驱集输管线…: two of its candidates are like each other.
ADDRESS = "?q=XQ2026022"
JUDGED = "钢质管道熔结粉末内涂及焊口内补涂小车"
OTHER = "在役旧管线不开挖清洗—挤涂内衬修复技术"


def score(page: Page, title: str) -> float:
    label = page.get_by_role("radiogroup", name="候选成果").get_by_text(title).first.inner_text()
    found = re.search(r"[01]\.\d{3}", label)
    assert found is not None, label
    return float(found[0])


def test_every_candidate_shows_its_level(sample_server: str, open_screen: Open) -> None:
    page = open_screen(f"{sample_server}/{ADDRESS}")
    labels = page.get_by_role("radiogroup", name="候选成果").locator("label").all_inner_texts()
    assert len(labels) == 10
    assert all(re.search(r"强相关|较强|弱|无关", label) for label in labels)
    scores = [float(re.findall(r"[01]\.\d{3}", label)[0]) for label in labels]
    assert scores == sorted(scores, reverse=True)
    expect(page.get_by_text(re.compile(r"^强相关，把握 \d+%$"))).to_be_visible()
    expect(page.get_by_text("一般的候选", exact=True)).to_be_visible()
    expect(page.get_by_text("文本与领域的相似度", exact=True)).to_be_visible()


def test_a_level_set_by_hand_moves_the_others_and_is_taken_back(sample_server: str, open_screen: Open) -> None:
    page = open_screen(f"{sample_server}/{ADDRESS}")
    before = score(page, OTHER), score(page, JUDGED)
    page.get_by_role("radiogroup", name="候选成果").get_by_text(JUDGED).click()
    settled(page)
    levels = page.get_by_test_id("stButtonGroup").filter(has_text="强相关")
    levels.get_by_text("无关", exact=True).click()
    settled(page)
    assert score(page, OTHER) < before[0]
    assert score(page, JUDGED) == before[1], "a pair's own judgement moved it"
    page.get_by_role("radiogroup", name="候选成果").get_by_text(OTHER).click()
    settled(page)
    expect(page.get_by_text(f"与评为无关的「{JUDGED}」相近")).to_be_visible()

    page.get_by_role("radiogroup", name="候选成果").get_by_text(JUDGED).click()
    settled(page)
    page.get_by_test_id("stButtonGroup").filter(has_text="强相关").get_by_text("无关", exact=True).click()
    settled(page)
    assert (score(page, OTHER), score(page, JUDGED)) == before


def test_an_acceptance_is_told_as_the_reason(sample_server: str, open_screen: Open) -> None:
    page = open_screen(f"{sample_server}/{ADDRESS}&language=English")
    page.get_by_role("radiogroup", name="Candidates").get_by_text(JUDGED).click()
    settled(page)
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Last decision: Accepted")).to_be_visible()
    settled(page)
    page.get_by_role("radiogroup", name="Candidates").get_by_text(OTHER).click()
    settled(page)
    expect(page.get_by_text(f"Like “{JUDGED}”, which was accepted")).to_be_visible()
