"""What the program says, in Chinese and in English, from the gettext catalogues of `datasets/wording`."""

from __future__ import annotations

import gettext
from functools import cache
from io import BytesIO
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from matching.data_files import data_path

DEFAULT_LANGUAGE: Final = "zh_CN"
LANGUAGES: Final = ("zh_CN", "en")


@cache
def catalogue(language: str) -> gettext.GNUTranslations:
    """The compiled catalogue of a language; compiled in memory, so that the text file is the only source."""
    with data_path("wording", f"{language}.po").open("rb") as source:
        messages = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def say(key: str, language: str = DEFAULT_LANGUAGE, /, **values: object) -> str:
    """The wording of `key` with `{name}` places filled from `values`; several words are listed as the language does."""
    words = catalogue(language)
    listed = {
        name: words.gettext("list.separator").join(map(str, value)) if isinstance(value, tuple | list) else value
        for name, value in values.items()
    }
    return words.gettext(key).format(**listed)
