"""A file of answers: YAML, with a password in it, so that nobody else may read it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from sigmavault.core.errors import ConfigError
from sigmavault.core.setup.answers import Answers, parse_answers
from sigmavault.system.yaml_file import read_yaml

LONGEST: Final = 256 * 1024
"""Bytes of a file of answers; a wrong file is often longer."""


def read_answers(file: Path) -> Answers:
    """The answers of a file.

    Raises:
        ConfigError: it is not there, no YAML, wrong, or holds a password that others may read.
    """
    try:
        found = file.stat()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    if not stat.S_ISREG(found.st_mode) or found.st_size > LONGEST:
        raise ConfigError(f"{file}: is no file of answers")
    answers = parse_answers(read_yaml(file), file.name)
    has_password = answers.administrator is not None and answers.administrator.password is not None
    if has_password and found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"{file}: holds a password, and others may read it", hint=f"chmod 600 {file}")
    if has_password and found.st_uid not in (os.geteuid(), 0):
        raise ConfigError(f"{file}: holds a password, and belongs to somebody else")
    return answers
