"""A model of a manifest, and its transfer from servers of the tests."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

from sigmavault.core.downloads.mirrors import Sources, candidates, merge, parse_mirror_file
from sigmavault.core.manifest import Model
from sigmavault.system.fetch import Control, Way
from sigmavault.system.transfer import Ears, Transfer

from tests.services.model_server import Behaviour, ModelServer, Request

SIZE = 3_000_017
CONTENT = b"GGUF" + random.Random(7).randbytes(SIZE - 4)  # noqa: S311  # no secret
OTHER = b"GGUF" + random.Random(8).randbytes(SIZE - 4)  # noqa: S311
PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"


def model(size: int = SIZE, content: bytes = CONTENT) -> Model:
    url = f"https://hub.invalid/owner/repository/resolve/{'a' * 40}/Tiny.gguf"
    entry = {
        "id": "tiny", "name": "Tiny", "purpose": ["chat"], "tier": "tiny", "file": "Tiny.gguf", "size": size,
        "sha256": hashlib.sha256(content).hexdigest(), "source": {"kind": "https", "url": url},
        "licence": "MIT", "architecture": "llama", "quantisation": "Q8_0", "context": 4096,
        "chat_template": True,
    }  # fmt: skip
    return Model.model_validate_json(json.dumps(entry))


class Heard:
    """What a transfer told."""

    def __init__(self) -> None:
        self.bytes: list[int] = []
        self.said: list[tuple[str, str]] = []
        self.verified = 0

    def _verifies(self) -> None:
        self.verified += 1

    @property
    def ears(self) -> Ears:
        return Ears(
            bytes_here=self.bytes.append,
            says=lambda source, reason: self.said.append((source, reason)),
            verifies=self._verifies,
        )


def sources(*servers: ModelServer, lan: bool = True, trust: bool = True) -> Sources:
    told = []
    for number, each in enumerate(servers):
        ca_file = str(each.certificate[0]) if each.certificate and trust else ""
        told.append({"name": f"m{number}", "kind": "files", "url": each.url, "lan": lan, "ca_file": ca_file})
    return merge([parse_mirror_file({"mirrors": told, "hub": False}, "test.yaml")])


def fetched(
    folder: Path, *servers: ModelServer, wanted: Model | None = None, control: Control | None = None,
    heard: Heard | None = None, limit: int = 0, told: Sources | None = None, proxy: str = "",
) -> Path:  # fmt: skip
    found = told or sources(*servers)
    wanted = wanted or model()
    transfer = Transfer(
        model=wanted, folder=folder, candidates=candidates(wanted, found),
        way=Way(lan=found.lan, proxy=proxy), limit=limit, rest_s=lambda *_: 0.01,
    )  # fmt: skip
    return transfer.run(control or Control(), (heard or Heard()).ears)


def left(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def page(request: Request) -> None:
    request.send("200 OK", {"Content-Type": "text/html", "Content-Length": len(PAGE)}, PAGE)


def small(request: Request) -> None:
    request.send("200 OK", {"Content-Length": 1000}, CONTENT[:1000])


def redirect(location: str) -> Behaviour:
    return lambda request: request.send("302 Found", {"Location": location, "Content-Length": 0})
