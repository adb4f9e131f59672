"""Every error a build can end with, and its exit code.

BuildError (1)            a step failed
├── SpecError (2)         image.yaml is wrong: nothing was touched
├── HostError (3)         this machine cannot build: not root, no space, no apt
├── MirrorError (4)       the package archive does not answer, or lacks a package
└── LockedError (5)       another build holds the checkout and waiting was refused
"""

from __future__ import annotations


class BuildError(Exception):
    """A step failed.

    Attributes:
        message: what went wrong, with which object.
        hint: one thing to do about it; empty where there is none.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SpecError(BuildError):
    """`image.yaml` (or a file it refers to) is wrong; nothing was touched."""

    exit_code = 2


class HostError(BuildError):
    """The building machine lacks something: rights, space, a program."""

    exit_code = 3


class MirrorError(BuildError):
    """The package archive does not answer or does not have what is asked of it."""

    exit_code = 4


class LockedError(BuildError):
    """Another build holds the lock."""

    exit_code = 5
