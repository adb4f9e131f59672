"""Which model may guess for which: as configured, else as the manifest says, where the file is there."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from sigmavault.core.errors import ModelError
from sigmavault.core.residency import Weight, need_bytes
from sigmavault.ryzan.catalog import Catalog, Entry
from sigmavault.ryzan.config import Speculation
from sigmavault.ryzan.vetting import Vetting

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A draft model whose file was checked.

    Attributes:
        file: of it.
        weight: what it takes.
    """

    file: Path
    weight: Weight

    def need(self, context: int) -> int:
        """Bytes that it takes beside a model with a context of so many tokens."""
        return need_bytes(self.weight, context=context, reuse=0)


class Drafts:
    """The draft models of this machine."""

    def __init__(self, catalog: Catalog, vetting: Vetting, settings: Speculation) -> None:
        self._catalog = catalog
        self._vetting = vetting
        self._settings = settings

    def find(self, entry: Entry) -> Draft | None:
        """The draft model for a model, checked; None: there is none. Blocks: call it in a thread."""
        if self._settings.mode == "off":
            return None
        told = self._settings.draft.get(entry.id)
        try:
            if told is None:
                return next((self._check(each) for each in self._catalog.drafts_for(entry.id)), None)
            return self._check(self._catalog.find(told)) if told else None
        except ModelError as error:
            _log.warning("model %s goes without a draft model: %s", entry.id, error)
            return None

    def _check(self, entry: Entry) -> Draft | None:
        file = self._catalog.locate(entry)
        if file is None:
            return None
        header = self._vetting.check(file, entry.expected)
        kv = entry.kv_per_token if entry.kv_per_token is not None else header.kv_bytes_per_token
        return Draft(
            file=file,
            weight=Weight(
                file=file.stat().st_size, context=entry.context, kv_per_token=kv, measured=entry.measured
            ),
        )
