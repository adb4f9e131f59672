"""One-time tokens that let a plan be applied. Pure: the clock and the dice are passed in.

A token stands for one plan, one caller and a short time. It is taken out of the book when it is shown, right
or wrong: nobody gets a second try.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sigmavault.core.errors import TokenError
from sigmavault.core.operation.plan import Plan

LIFETIME_S = 300.0
"""How long a person may think about a plan."""
_MOST = 256
"""Tokens at once; the oldest goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks.

    Attributes:
        name: unique name on the bus: gone for ever when the caller is.
        uid: its user.
    """

    name: str
    uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Issued:
    plan: Plan
    digest: str
    caller: Caller
    expires_at: float


class TokenBook:
    """The tokens that are out."""

    def __init__(self, dice: Callable[[], str], clock: Callable[[], float]) -> None:
        """`dice` gives text that nobody can guess, `clock` seconds that only go forward."""
        self._dice = dice
        self._clock = clock
        self._issued: dict[str, _Issued] = {}

    def issue(self, plan: Plan, caller: Caller) -> str:
        """A token for a plan."""
        self._drop_expired()
        while len(self._issued) >= _MOST:
            del self._issued[next(iter(self._issued))]
        token = self._dice()
        expires_at = self._clock() + LIFETIME_S
        self._issued[token] = _Issued(plan=plan, digest=plan.digest(), caller=caller, expires_at=expires_at)
        return token

    def redeem(self, token: str, caller: Caller) -> Plan:
        """The plan of a token, once.

        Raises:
            TokenError: no such token, used already, of somebody else, or too old.
        """
        issued = self._issued.pop(token, None)
        if issued is None:
            raise TokenError("this token is not known, or was used already", hint="make the plan again")
        if issued.caller != caller:
            raise TokenError("this token was given to somebody else", hint="make the plan yourself")
        if self._clock() >= issued.expires_at:
            raise TokenError("this token is too old", hint="make the plan again, and look at it again")
        return issued.plan

    def forget(self, name: str) -> None:
        """Drop the tokens of a caller that has left the bus."""
        gone = [token for token, issued in self._issued.items() if issued.caller.name == name]
        for token in gone:
            del self._issued[token]

    def _drop_expired(self) -> None:
        now = self._clock()
        for token in [token for token, issued in self._issued.items() if now >= issued.expires_at]:
            del self._issued[token]
