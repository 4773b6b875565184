"""What the screens load is kept from the search for garbage that follows every run of one."""

from __future__ import annotations

from own_process import output_of


def test_what_a_screen_brings_is_not_looked_through_again() -> None:
    script = (
        "import gc\n"
        "from ui import warming\n"
        "gc.collect()\n"
        "before = gc.get_freeze_count()\n"
        "warming.load('ui.screens.lists')\n"
        "kept = gc.get_freeze_count() - before\n"
        "assert kept > 100_000, kept\n"
        "assert len(gc.get_objects()) < kept / 100, len(gc.get_objects())\n"
        "warming.load('ui.screens.lists')\n"
        "assert gc.get_freeze_count() - before <= kept\n"
    )
    output_of(script)
