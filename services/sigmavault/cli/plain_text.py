"""Text from models, files and other servers, made fit for a terminal.

A terminal obeys control characters: they move the cursor, hide and fake text, change its title, answer for
the person at the keyboard. What a model says may come from a file that somebody else wrote.
"""

from __future__ import annotations

import codecs

_PICTURES = 0x2400
"""Unicode's pictures of the control characters, in their order."""
_KEPT = frozenset("\n\t")
_HARMFUL = (*range(0x2028, 0x202F), *range(0x2066, 0x206A))
"""Separators of lines, and what turns the direction of writing: text is then shown in another order."""

_TABLE: dict[int, str] = {
    **{code: chr(_PICTURES + code) for code in range(0x20) if chr(code) not in _KEPT},
    ord("\r"): "",  # before a line's end it is nothing, alone it would overwrite the line
    0x7F: "␡",
    **dict.fromkeys([*range(0x80, 0xA0), *_HARMFUL, *range(0xD800, 0xE000)], "\N{REPLACEMENT CHARACTER}"),
}


def plain(text: str) -> str:
    """The text with control characters shown instead of obeyed; line ends and tabs stay."""
    return text.translate(_TABLE)


def plain_line(text: str) -> str:
    """The same on one line."""
    return plain(" ".join(text.split()))


class Decoder:
    """Bytes of UTF-8, cut anywhere, to plain text."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def feed(self, piece: bytes) -> str:
        """The text that is complete with this piece."""
        return plain(self._decode(piece))

    def end(self) -> str:
        """What is left: a replacement for a character that never became whole."""
        return plain(self._decode(b"", final=True))
