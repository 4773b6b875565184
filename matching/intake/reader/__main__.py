"""The process: limit, read, answer. Exits with 0 when it could say what is in the file or what is wrong with it."""

from __future__ import annotations

import json
import resource
import sys

from matching.intake.reader.answer import Found, Limits, Unreadable, refusal, sheets_answer
from matching.intake.reader.signatures import FileKind


def _read(content: bytes, kind: FileKind, limits: Limits) -> list[Found]:
    # Each kind loads what it needs alone: libraries take longer to load than a small file to read.
    if kind == "text":
        from matching.intake.reader.texts import read_text

        return read_text(content, limits)
    from matching.intake.reader.workbooks import read_workbook

    return read_workbook(content, kind, limits)


def main() -> None:
    """Read what standard input holds, of the kind and under the limits that the only argument gives as JSON."""
    given = json.loads(sys.argv[1])
    kind: FileKind = given.pop("kind")
    limits = Limits(**given)
    memory = limits.megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    content = sys.stdin.buffer.read()
    try:
        answer = sheets_answer(_read(content, kind, limits))
    except Unreadable as error:
        answer = refusal(error)
    sys.stdout.buffer.write(answer)


main()
