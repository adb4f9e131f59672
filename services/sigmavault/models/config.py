"""Reads the mirror files: `models.d/*.yaml` below `/usr/lib/sigmavault` and `/etc/sigmavault`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sigmavault.core.downloads.mirrors import Sources, merge, parse_mirror_file
from sigmavault.core.errors import ConfigError
from sigmavault.system import env
from sigmavault.system.fetch import Way
from sigmavault.system.yaml_file import read_yaml

FOLDER = "models.d"
_PROXY = re.compile(r"http://([^@/\s]+@)?[A-Za-z0-9.\[\]:-]+/?")


def read_sources() -> Sources:
    """All files together; asked for each download, so that a change needs no restart.

    Raises:
        ConfigError: one is wrong: then nothing is fetched from anywhere.
    """
    return merge(parse_mirror_file(read_yaml(file), file.name) for file in _files())


def _files() -> Iterator[Path]:
    for folder in env.config_files(FOLDER):
        yield from sorted(folder.glob("*.yaml"))


def way_out(sources: Sources) -> Way:
    """How the outside is reached: the proxy of the files, or that of the environment.

    Raises:
        ConfigError: the environment names a proxy of a kind that we do not use.
    """
    proxy = sources.proxy
    if proxy is None:
        proxy = env.text("https_proxy") or env.text("HTTPS_PROXY")
        if proxy and not _PROXY.fullmatch(proxy):
            raise ConfigError("https_proxy is no http://HOST:PORT: no other proxy can be used")
    return Way(lan=sources.lan, proxy=proxy)
