"""A model of the manifest, as the downloads see it."""

from __future__ import annotations

import json

from sigmavault.core.manifest import Model

HUB = "https://hub.example/owner/repository/resolve/" + "a" * 40 + "/Tiny.gguf"


def model(**changed: object) -> Model:
    entry: dict[str, object] = {
        "id": "tiny", "name": "Tiny", "purpose": ["chat"], "tier": "tiny", "file": "Tiny.gguf",
        "size": 1000, "sha256": "0" * 64, "source": {"kind": "https", "url": HUB}, "licence": "MIT",
        "architecture": "llama", "quantisation": "Q8_0", "context": 4096, "chat_template": True,
    }  # fmt: skip
    return Model.model_validate_json(json.dumps(entry | changed))
