"""A conversation with a model, and the commands that a line of it may be. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from sigmavault.core.errors import InvalidRequestError

_COMMAND = re.compile(r"/([a-z]+)(?:\s+(.*))?")


class Verb(StrEnum):
    """What a line that begins with a slash asks for."""

    NEW = "new"
    MODEL = "model"
    HELP = "help"
    QUIT = "quit"


HELP = """/new        begin a new conversation: the model forgets what was said
/model      the models that can be asked
/model ID   ask another model from here on
/help       this
/quit       end, as Ctrl-D does
Ctrl-C stops an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A line that is no question."""

    verb: Verb
    argument: str = ""


def parse_command(line: str) -> Command | None:
    """The command that a line is; None: it is a question, as `/etc/fstab, what is it?` is.

    Raises:
        InvalidRequestError: it looks like a command, but there is none of this name.
    """
    found = _COMMAND.fullmatch(line.strip())
    if found is None:
        return None
    if found[1] not in Verb:
        raise InvalidRequestError(f"there is no /{found[1]}; /help lists the commands")
    return Command(verb=Verb(found[1]), argument=(found[2] or "").strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What was said so far.

    Attributes:
        model: who is asked; empty: the default one.
        system: instructions before everything; empty: none.
        turns: questions and answers, also answers that were stopped.
    """

    model: str = ""
    system: str = ""
    turns: tuple[tuple[str, str], ...] = ()

    def asking(self, question: str) -> list[tuple[str, str]]:
        """What the model is given, role and content each."""
        said = [("system", self.system)] if self.system else []
        for asked, answered in self.turns:
            said += [("user", asked), ("assistant", answered)]
        return [*said, ("user", question)]

    def told(self, question: str, answer: str) -> Conversation:
        """With one more turn."""
        return replace(self, turns=(*self.turns, (question, answer)))

    def anew(self) -> Conversation:
        """The same model and instructions, nothing said."""
        return replace(self, turns=())


def check_question(text: str) -> str:
    """A question fit to be sent.

    Raises:
        InvalidRequestError: it is empty, or no text.
    """
    if not text.strip():
        raise InvalidRequestError("there is no question")
    if "\0" in text or any("\ud800" <= each <= "\udfff" for each in text):
        raise InvalidRequestError("the question is no UTF-8 text")
    return text
