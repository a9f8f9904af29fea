"""Ids of problems and of students, as they are compared: what no eye tells apart is one id."""

from __future__ import annotations

import unicodedata
from typing import Any


def identified(word: Any) -> str:
    """An id without what cannot be seen: composed characters, no format characters, one space for any white space.

    >>> identified(" a\u00a0\tb\u200b ")
    'a b'
    """
    text = "".join(c for c in unicodedata.normalize("NFC", str(word)) if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFC", " ".join(text.split()))
