"""From the bytes of tokens to the text that a caller may see. Pure."""

from __future__ import annotations

import codecs


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a beginning of `stop`."""
    for size in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:size]):
            return size
    return 0


class AnswerText:
    """Collects bytes; gives out whole characters, and nothing at or after a stop text.

    What might be the beginning of a stop text is held back until that is decided.
    """

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = stops
        self._held = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.stopped = False
        """Whether a stop text has come: the answer is over."""

    def feed(self, data: bytes) -> str:
        """Take the bytes of a token; return what can be shown now."""
        return self._release(self._decoder.decode(data), final=False)

    def end(self) -> str:
        """The answer ends here: return what was held back; half a character is dropped."""
        return self._release("", final=True)

    def _release(self, new: str, *, final: bool) -> str:
        if self.stopped:
            return ""
        text = self._held + new
        found = [at for at in (text.find(stop) for stop in self._stops) if at >= 0]
        if found:
            self.stopped = True
            self._held = ""
            return text[: min(found)]
        keep = 0 if final else max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]
