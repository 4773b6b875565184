"""Many texts as two arrays, which processes can map from one file; a list of strings would be copied into each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np


@dataclass(frozen=True)
class Texts(Sequence[str]):
    """Texts one after the other in UTF-8, and where each begins, with the end of the last."""

    encoded: np.ndarray
    begins: np.ndarray

    def __len__(self) -> int:
        return len(self.begins) - 1

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...

    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        """The text at a place, counted from the end where it is negative."""
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        each = place + len(self) if place < 0 else place
        if not 0 <= each < len(self):
            raise IndexError(place)
        return bytes(self.encoded[self.begins[each] : self.begins[each + 1]]).decode()


def texts_of(texts: Iterable[str]) -> Texts:
    """Texts in their order."""
    encoded = [text.encode() for text in texts]
    begins = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(each) for each in encoded], out=begins[1:])
    return Texts(np.frombuffer(b"".join(encoded), np.uint8), begins)
