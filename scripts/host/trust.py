"""What a build behind a company proxy or a private certificate authority needs from its host.

Proxy variables, the CA bundle, the resolver and pip's configuration are lent to the tools tree while
something runs in it. None of it is written into the tree, and none of it reaches an image.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HOST_DIR = Path("/run/host")
"""Where, inside the tools tree, the borrowed files are seen."""

_PROXY = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
_BUNDLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_KEPT = ("CI", "TERM", "COLUMNS", "NO_COLOR",
         "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT")  # fmt: skip
_DEFAULT_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What is lent.

    Attributes:
        files: file on the host → path inside the tools tree, bind-mounted read-only.
        env: environment variables set inside the tools tree.
    """

    files: dict[Path, Path] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)


def read_trust(environ: Mapping[str, str], root: Path = Path("/")) -> Trust:
    """Collect what the host has; `root` is where its files are looked for."""
    env = {name: environ[name] for name in _KEPT if name in environ}
    for name in _PROXY:
        value = environ.get(name) or environ.get(name.upper()) or ""
        if value:
            env[name] = value
    if "http_proxy" not in env and (proxy := _apt_proxy()):
        env["http_proxy"] = proxy
    files: dict[Path, Path] = {}
    _lend_resolver(root, files)
    _lend_bundle(environ, root, files, env)
    _lend_pip(environ, root, files, env)
    _lend_screen(environ, root, files, env)
    return Trust(files=files, env=env)


def _lend_resolver(root: Path, files: dict[Path, Path]) -> None:
    resolver = (root / "etc/resolv.conf").resolve()
    if resolver.is_file():
        files[resolver] = Path("/etc/resolv.conf")


def _lend_bundle(
    environ: Mapping[str, str], root: Path, files: dict[Path, Path], env: dict[str, str]
) -> None:
    named = (Path(environ[name]) for name in _BUNDLES if environ.get(name))
    candidates = [*named, root / _DEFAULT_BUNDLE.relative_to("/")]
    bundle = next((path for path in candidates if path.is_file()), None)
    if bundle is None:
        return
    inside = HOST_DIR / "ca-certificates.crt"
    files[bundle.resolve()] = inside
    env.update(dict.fromkeys(_BUNDLES, os.fspath(inside)))


def _lend_pip(environ: Mapping[str, str], root: Path, files: dict[Path, Path], env: dict[str, str]) -> None:
    home = Path(environ.get("HOME", "/root"))
    places = (home / ".config/pip/pip.conf", home / ".pip/pip.conf", root / "etc/pip.conf")
    named = [Path(environ["PIP_CONFIG_FILE"])] if environ.get("PIP_CONFIG_FILE") else []
    config = next((path for path in [*named, *places] if path.is_file()), None)
    if config is not None:
        files[config.resolve()] = HOST_DIR / "pip.conf"
        env["PIP_CONFIG_FILE"] = os.fspath(HOST_DIR / "pip.conf")


def _lend_screen(
    environ: Mapping[str, str], root: Path, files: dict[Path, Path], env: dict[str, str]
) -> None:
    """The X display, so that `make vm` can open a window."""
    sockets = root / "tmp/.X11-unix"
    if not environ.get("DISPLAY") or not sockets.is_dir():
        return
    files[sockets] = Path("/tmp/.X11-unix")  # noqa: S108 - where X clients look
    env["DISPLAY"] = environ["DISPLAY"]
    cookie = Path(environ.get("XAUTHORITY") or Path(environ.get("HOME", "/root")) / ".Xauthority")
    if cookie.is_file():
        files[cookie.resolve()] = HOST_DIR / "Xauthority"
        env["XAUTHORITY"] = os.fspath(HOST_DIR / "Xauthority")


def _apt_proxy() -> str:
    """The proxy of the host's apt configuration, or an empty text."""
    try:
        answer = subprocess.run(
            ["apt-config", "shell", "proxy", "Acquire::http::Proxy"],
            capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip().removeprefix("proxy=").strip("'\"")
