"""What the servers are asked. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass

_COMMON = (
    "time year people way day man thing woman life child world school state family student group country "
    "problem hand part place case week company system program question work government number night point "
    "home water room mother area money story fact month lot right study book eye job word business issue "
    "side kind head house service friend father power hour game line end"
)
_WORDS = _COMMON.split()
"""Each is one token, with the blank before it, in the vocabularies of both models."""

_SUBJECTS = (
    "the sea", "a mountain", "a lost city", "the last winter", "a clever fox", "an old ship", "two sisters",
    "a strange clock",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What is asked.

    Attributes:
        text: the question, or the text to go on with.
        system: what stands before it.
        key: name under which the server may keep the state of the prompt.
    """

    text: str
    system: str = ""
    key: str = ""


def words(count: int, seed: str) -> str:
    """So many words, and as many tokens: the same for the same seed, others for any other."""
    chosen = random.Random(seed)  # noqa: S311 - it is no secret
    return " ".join(chosen.choice(_WORDS) for _ in range(count))


def story(number: int, seed: str) -> Prompt:
    """Something that takes long to answer; eight in a row differ, and so does every seed.

    No question is asked twice: a server may keep its answers.
    """
    subject = _SUBJECTS[number % len(_SUBJECTS)]
    return Prompt(text=f"Write a very long and detailed story about {subject} and a {words(2, seed)}.")


def reading(tokens: int, seed: str) -> Prompt:
    """About so many tokens to read, different from the first word on for every seed."""
    return Prompt(text=words(tokens, seed))


def agent(tokens: int, seed: str, question: str, *, key: str = "") -> Prompt:
    """An agent's instructions of about so many tokens, and a short question."""
    return Prompt(text=question, system=words(tokens, seed), key=key)
