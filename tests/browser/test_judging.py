"""Levels on the review screen: how sure they are, what made them, and that a judgement moves the others at once."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from browser import settled
from playwright.sync_api import Locator, Page, expect

Open = Callable[..., Page]

pytestmark = pytest.mark.browser

# 三元复合驱集输管线…: two of its candidates are like each other.
ADDRESS = "?q=XQ2026022"
JUDGED = "钢质管道熔结粉末内涂及焊口内补涂小车"
OTHER = "在役旧管线不开挖清洗—挤涂内衬修复技术"


def line(page: Page, title: str) -> Locator:
    """The line of a candidate."""
    return page.get_by_role("option").filter(has_text=title)


def score(page: Page, title: str) -> float:
    label = line(page, title).inner_text()
    found = re.search(r"[01]\.\d{3}", label)
    assert found is not None, label
    return float(found[0])


def test_every_candidate_shows_its_level(sample_server: str, open_screen: Open) -> None:
    page = open_screen(f"{sample_server}/{ADDRESS}")
    labels = page.get_by_role("listbox", name="候选成果").get_by_role("option").all_inner_texts()
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
    line(page, JUDGED).click()
    settled(page)
    unrelated = page.get_by_role("button", name="无关")
    unrelated.click()
    expect(unrelated).to_have_attribute("aria-pressed", "true")
    settled(page)
    assert score(page, OTHER) < before[0]
    assert score(page, JUDGED) == before[1], "a pair's own judgement moved it"
    line(page, OTHER).click()
    settled(page)
    expect(page.get_by_text(f"与评为无关的「{JUDGED}」相近")).to_be_visible()

    line(page, JUDGED).click()
    settled(page)
    unrelated.click()
    expect(unrelated).to_have_attribute("aria-pressed", "false")
    settled(page)
    assert (score(page, OTHER), score(page, JUDGED)) == before


def test_an_acceptance_is_told_as_the_reason(sample_server: str, open_screen: Open) -> None:
    page = open_screen(f"{sample_server}/{ADDRESS}&language=English")
    line(page, JUDGED).click()
    settled(page)
    page.get_by_role("button", name="Accept A", exact=True).click()
    expect(page.locator(".recent .plain").first).to_contain_text("Accepted")
    settled(page)
    line(page, OTHER).click()
    settled(page)
    expect(page.get_by_text(f"Like “{JUDGED}”, which was accepted")).to_be_visible()
