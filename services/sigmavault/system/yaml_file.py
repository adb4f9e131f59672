"""YAML files, read safely."""

from __future__ import annotations

from pathlib import Path

import yaml

from sigmavault.core.errors import ConfigError


def read_yaml(file: Path) -> object:
    """What the file holds.

    Raises:
        ConfigError: the file is not there, or no YAML.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(file.read_bytes(), Loader=loader)  # noqa: S506  # it is a safe loader
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: {error}") from error
