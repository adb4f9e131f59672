"""Which models this machine has: those of the manifest whose files are there, and files put beside them.

A file that the manifest does not know is served as `local/<its name>`: whoever may write into a models
folder is root, or the model downloads. Nothing vouches for its content but the check of its header.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sigmavault.core.errors import ModelRefusedError, UnknownModelError
from sigmavault.core.gguf import Header, Pooling
from sigmavault.core.manifest import Manifest, Model, Purpose, SamplingDefaults
from sigmavault.ryzan.vetting import Expected, Identity, Vetting, identify

LOCAL = "local/"

_LOCAL_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,120}\.gguf")
_LOCAL_CONTEXT = 4096
"""Where a file does not say what it was trained for."""

_LOCAL_SAMPLING = SamplingDefaults(temperature=0.7, top_p=0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A model that this machine may serve.

    Attributes:
        id: what callers name it.
        name: what people read.
        file: name of its file.
        purpose: what it is good for.
        context: longest context it was trained for, in tokens.
        expected: what its file must be.
        sampling: what is used when a request does not say.
        kv_per_token: bytes of keys and values per token; None where nobody knows.
        measured: resident bytes at 4,096 tokens, where the manifest knows; else None.
        from_manifest: whether the manifest vouches for its content.
    """

    id: str
    name: str
    file: str
    purpose: tuple[Purpose, ...]
    context: int
    expected: Expected
    sampling: SamplingDefaults
    kv_per_token: int | None
    measured: int | None
    from_manifest: bool


def entry_of(model: Model) -> Entry:
    """A model of the manifest."""
    return Entry(
        id=model.id,
        name=model.name,
        file=model.file,
        purpose=model.purpose,
        context=model.context,
        expected=Expected(size=model.size, sha256=model.sha256),
        sampling=model.sampling,
        kv_per_token=model.kv_bytes_per_token,
        measured=model.needs.memory_bytes,
        from_manifest=True,
    )


def local_entry(file: Path, header: Header) -> Entry:
    """A file that the manifest does not know, with cautious defaults."""
    embeds = header.pooling not in (None, Pooling.NONE)
    return Entry(
        id=LOCAL + file.stem,
        name=header.name or file.stem,
        file=file.name,
        purpose=(Purpose.EMBEDDING if embeds else Purpose.CHAT,),
        context=header.context_length or _LOCAL_CONTEXT,
        expected=Expected(),
        sampling=_LOCAL_SAMPLING,
        kv_per_token=header.kv_bytes_per_token,
        measured=None,
        from_manifest=False,
    )


class Catalog:
    """What the models folders hold."""

    def __init__(self, manifest: Manifest, folders: Sequence[Path], vetting: Vetting) -> None:
        self._folders = folders
        self._vetting = vetting
        self._known = {model.id: entry_of(model) for model in manifest.models if not model.needs.unsupported}
        self._refused = {model.id: model.needs.unsupported for model in manifest.models}
        self._files = {model.file for model in manifest.models}
        self._drafts = {
            target: tuple(each.id for each in manifest.models if target in each.draft_for)
            for target in self._known
        }
        self._seen: dict[Path, tuple[Identity, Entry | ModelRefusedError]] = {}

    def find(self, model_id: str) -> Entry:
        """The model of this id, whether or not its file is there.

        Raises:
            UnknownModelError: there is none.
            ModelRefusedError: it cannot be loaded: the manifest says so, or the header of its file.
        """
        if model_id in self._known:
            return self._known[model_id]
        if reason := self._refused.get(model_id):
            raise ModelRefusedError(f"{model_id}: {reason}")
        for file, found in self._locals():
            if LOCAL + file.stem == model_id:
                if isinstance(found, Entry):
                    return found
                raise ModelRefusedError(found.message)
        raise UnknownModelError(f"no model is called {model_id!r}")

    def drafts_for(self, model_id: str) -> Iterator[Entry]:
        """The models that the manifest lets guess for one, and whose files are there."""
        known = (self._known[each] for each in self._drafts.get(model_id, ()) if each in self._known)
        return (each for each in known if self.locate(each) is not None)

    def locate(self, entry: Entry) -> Path | None:
        """The model's file; None when no folder has it."""
        found = (folder / entry.file for folder in self._folders)
        return next((file for file in found if _is_file(file)), None)

    def trouble(self) -> str:
        """Why a models folder cannot be read; empty: all can that are there."""
        for folder in self._folders:
            try:
                with os.scandir(folder):
                    os.stat(f"{folder}/.")  # noqa: PTH116  # a Path drops the dot, which asks for the right to enter
            except FileNotFoundError:
                continue
            except OSError as error:
                return f"{folder} cannot be read: {error.strerror}"
        return ""

    def present(self) -> Iterator[Entry]:
        """The models whose files are there: those of the manifest in its order, then the others."""
        for entry in self._known.values():
            if self.locate(entry) is not None:
                yield entry
        yield from (found for _, found in self._locals() if isinstance(found, Entry))

    def _locals(self) -> Iterator[tuple[Path, Entry | ModelRefusedError]]:
        """The files that the manifest does not know, with what they are or why they are refused."""
        taken: set[str] = set()
        for folder in self._folders:
            for file in sorted(folder.glob("*.gguf")):
                if file.name in self._files or file.name in taken or not _LOCAL_FILE.fullmatch(file.name):
                    continue
                taken.add(file.name)
                if found := self._survey(file):
                    yield file, found

    def _survey(self, file: Path) -> Entry | ModelRefusedError | None:
        """What the header says; read again only when the file is another one."""
        identity = identify(file)
        if identity is None:
            return None
        seen = self._seen.get(file)
        if seen is None or seen[0] != identity:
            self._seen[file] = seen = (identity, self._judge(file))
        return seen[1]

    def _judge(self, file: Path) -> Entry | ModelRefusedError:
        try:
            return local_entry(file, self._vetting.check(file, Expected()))
        except ModelRefusedError as error:
            return ModelRefusedError(error.message)  # without the frames that the other one holds


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # a folder that may not be entered: `Catalog.trouble` tells
        return False
