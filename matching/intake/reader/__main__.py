"""The process: limit, read, answer. Exits with 0 when it could say what is in the file or what is wrong with it."""

from __future__ import annotations

import json
import os
import resource
import sys

# Before polars is loaded: a thread pool per core would only take memory from the limit.
os.environ["POLARS_MAX_THREADS"] = "1"

from matching.intake.reader.answer import Limits, Unreadable, refusal, sheets_answer
from matching.intake.reader.signatures import FileKind
from matching.intake.reader.texts import read_text
from matching.intake.reader.workbooks import read_workbook


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
        read = read_text if kind == "text" else read_workbook
        answer = sheets_answer(read(content, kind, limits))
    except Unreadable as error:
        answer = refusal(error)
    sys.stdout.buffer.write(answer)


main()
