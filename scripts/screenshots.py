"""Take the README's screenshots: the review with a few decisions, statistics of three years: `make screenshots`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from shutil import copyfile

from browser import browser, chromium_path, duijie, open_page, served, settled
from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SAMPLES = ROOT / "datasets" / "samples"
# A demand whose list begins with good matches and goes on with near misses.
DEMAND = "XQ2026022"
LANGUAGES = {"zh-CN": "中文", "en": "English"}
# The parts of the statistics that are shown: the picture's name, the part in each language, the height.
PARTS = (
    ("statistics", {"zh-CN": "总览", "en": "Overview"}, 1010),
    ("statistics-crossed", {"zh-CN": "交叉", "en": "Crossed"}, 910),
    ("statistics-plan", {"zh-CN": "规划", "en": "Plan"}, 1130),
)


def main() -> None:
    """Write docs/images/review and statistics, statistics-crossed, statistics-plan, each .zh-CN.png and .en.png."""
    if chromium_path() is None:
        sys.exit("needs Chromium and a Chinese font: apt-get install chromium fonts-noto-cjk")
    # The ledger with three years of deals is that of the tests.
    sys.path.insert(0, str(ROOT / "tests"))
    from lively_ledger import lively_ledger

    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        matched, reviewed, lively = (Path(folder) / f"{name}.sqlite" for name in ("matched", "reviewed", "lively"))
        ledger = f"sqlite:///{matched}"
        duijie("load", str(SAMPLES / "demands.xlsx"), "--as", "demands", ledger=ledger)
        duijie("load", str(SAMPLES / "achievements.csv"), "--as", "achievements", ledger=ledger)
        duijie("match", ledger=ledger)
        copyfile(matched, reviewed)
        lively_ledger(matched, lively)
        with served(f"sqlite:///{reviewed}", Path(folder) / "review.log") as address:
            _review(chromium, address)
        with served(f"sqlite:///{lively}", Path(folder) / "statistics.log") as address:
            _statistics(chromium, address)


def _review(chromium: Browser, address: str) -> None:
    for name, language in LANGUAGES.items():
        page = open_page(chromium, f"{address}/?language={language}&q={DEMAND}", 1440, 860)
        settled(page)
        if name == "zh-CN":
            for count, key in enumerate(("a", "a", "2"), start=1):
                page.keyboard.press(key)
                page.get_by_text(f"已审 {count} / ").first.wait_for()
                settled(page)
        page.screenshot(path=IMAGES / f"review.{name}.png")


def _statistics(chromium: Browser, address: str) -> None:
    for name, language in LANGUAGES.items():
        page = open_page(chromium, f"{address}/statistics?language={language}")
        settled(page)
        for picture, part, height in PARTS:
            page.set_viewport_size({"width": 1440, "height": height})
            page.get_by_test_id("stButtonGroup").get_by_role("radio", name=part[name]).click()
            settled(page)
            # Charts and tables are drawn after the script has ended.
            page.locator("canvas").first.wait_for()
            page.wait_for_timeout(2000)
            page.screenshot(path=IMAGES / f"{picture}.{name}.png")


if __name__ == "__main__":
    main()
