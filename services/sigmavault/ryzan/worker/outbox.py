"""What is to be sent to the service: parts of one answer that follow each other become one."""

from __future__ import annotations

from sigmavault.core.chat import Event, Piece, TokenLogprob
from sigmavault.ryzan import wire


class Outbox:
    """Frames that were not sent yet."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._pieces: dict[int, tuple[list[str], list[TokenLogprob]]] = {}
        self._known: set[int] = set()
        self.is_urgent = False
        """Whether something waits that must not: anything but more of an answer that has begun."""

    def put(self, frame: wire.Frame) -> None:
        """Send a frame at once."""
        self._data += wire.encode(frame)
        self.is_urgent = True

    def add(self, number: int, event: Event) -> None:
        """Send an event of a request: the first part of an answer at once, further ones gathered."""
        if isinstance(event, Piece):
            texts, logprobs = self._pieces.setdefault(number, ([], []))
            texts.append(event.text)
            logprobs.extend(event.logprobs)
            if number not in self._known:
                self._known.add(number)
                self.is_urgent = True
            return
        self._gather(number)
        self._known.discard(number)
        self.put(wire.event_frame(number, event))

    def forget(self, number: int) -> None:
        """The request was cancelled: nobody waits for more of it."""
        self._pieces.pop(number, None)
        self._known.discard(number)

    def take(self) -> bytes:
        """All that waits."""
        for number in list(self._pieces):
            self._gather(number)
        data = bytes(self._data)
        self._data.clear()
        self.is_urgent = False
        return data

    def _gather(self, number: int) -> None:
        if gathered := self._pieces.pop(number, None):
            texts, logprobs = gathered
            piece = Piece(text="".join(texts), logprobs=tuple(logprobs))
            self._data += wire.encode(wire.event_frame(number, piece))
