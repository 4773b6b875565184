"""Take the README's screenshots on the samples, with a few decisions made: `make screenshots`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from browser import browser, chromium_path, duijie, open_page, served, settled

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SAMPLES = ROOT / "datasets" / "samples"
# A demand whose list begins with good matches and goes on with near misses.
DEMAND = "XQ2026022"
LANGUAGES = {"zh-CN": "中文", "en": "English"}


def main() -> None:
    """Write docs/images/review.zh-CN.png, review.en.png, statistics.zh-CN.png and statistics.en.png."""
    if chromium_path() is None:
        sys.exit("needs Chromium and a Chinese font: apt-get install chromium fonts-noto-cjk")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        ledger = f"sqlite:///{Path(folder) / 'ledger.sqlite'}"
        duijie("load", str(SAMPLES / "demands.xlsx"), "--as", "demands", ledger=ledger)
        duijie("load", str(SAMPLES / "achievements.csv"), "--as", "achievements", ledger=ledger)
        duijie("match", ledger=ledger)
        with served(ledger, Path(folder) / "server.log") as address, browser() as chromium:
            for name, language in LANGUAGES.items():
                page = open_page(chromium, f"{address}/?language={language}&q={DEMAND}", 1440, 860)
                settled(page)
                if name == "zh-CN":
                    for count, key in enumerate(("a", "a", "2"), start=1):
                        page.keyboard.press(key)
                        page.get_by_text(f"已审 {count} / ").first.wait_for()
                        settled(page)
                page.screenshot(path=IMAGES / f"review.{name}.png")
                page.goto(f"{address}/statistics?language={language}")
                settled(page)
                # Charts are drawn after the script has ended.
                page.locator("canvas").first.wait_for()
                page.wait_for_timeout(2000)
                page.screenshot(path=IMAGES / f"statistics.{name}.png")


if __name__ == "__main__":
    main()
