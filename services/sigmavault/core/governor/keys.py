"""What may stand in `budget.toml` and `governor.toml`: sections, keys, what each may be.

The boot's oneshot and the governor read the same files, and each takes its own keys out of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sigmavault.core.errors import ConfigError

type Layers = Sequence[tuple[str, Mapping[str, object]]]
"""Name of each file (for messages) and its content, the weakest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key.

    Attributes:
        field: of the value it fills.
        least: smallest number; with `most`, only where there are no words.
        most: largest number.
        words: the words it may be; empty: it is a number.
    """

    field: str
    least: int = 1
    most: int = 100
    words: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """For messages."""
        if self.words:
            return ", ".join(f"`{each}`" for each in self.words)
        return f"a whole number from {self.least} to {self.most}"

    def accepts(self, value: object) -> bool:
        """Whether the key may be that."""
        if self.words:
            return value in self.words
        return isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most


type Table = Mapping[tuple[str, str], Key]

_SCAN_WORDS = ("ignore", "hold-back", "pause")

SHARE_KEYS: Table = {
    ("model", "cpu_percent_of_machine"): Key(field="model_cpu_percent"),
    ("model", "cpu_percent_while_serving"): Key(field="model_cpu_serving_percent"),
    ("model", "cpu_percent_least"): Key(field="model_cpu_least_percent"),
    ("model", "memory_percent"): Key(field="model_memory_percent"),
    ("model", "io_weight"): Key(field="model_io_weight"),
    ("arc", "percent"): Key(field="arc_percent"),
    ("arc", "keep_percent"): Key(field="arc_keep_percent"),
}
"""What `core.budget.Shares` is made of."""

CONTROL_KEYS: Table = {
    ("serving", "traffic_kib_per_s"): Key(field="traffic_kib_per_s", most=1_000_000),
    ("serving", "calls_per_s"): Key(field="calls_per_s", most=1_000_000),
    ("serving", "cpu_percent_of_core"): Key(field="cpu_percent_of_core"),
    ("serving", "pressure_percent"): Key(field="pressure_percent"),
    ("serving", "quiet_s"): Key(field="quiet_s", least=6, most=24),
    ("pools", "while_scrubbing"): Key(field="while_scrubbing", words=_SCAN_WORDS),
    ("pools", "while_resilvering"): Key(field="while_resilvering", words=_SCAN_WORDS),
}
"""What `core.governor.deciding.Control` is made of."""

_ALL: Table = {**SHARE_KEYS, **CONTROL_KEYS}


def numbers(layers: Layers, table: Table) -> dict[str, int]:
    """The numbers that the files give for the fields of a table; the last file wins, key by key.

    Raises:
        ConfigError: an unknown section or key, a value that is not allowed, or a key set nowhere.
    """
    return {field: value for field, value in _values(layers, table).items() if isinstance(value, int)}


def words(layers: Layers, table: Table) -> dict[str, str]:
    """As `numbers`, the words."""
    return {field: value for field, value in _values(layers, table).items() if isinstance(value, str)}


def _values(layers: Layers, table: Table) -> dict[str, int | str]:
    found: dict[str, int | str] = {}
    for name, document in layers:
        for section, keys in document.items():
            if not isinstance(keys, Mapping):
                raise ConfigError(f"{name}: `{section}` is no section; allowed: {_names(_ALL)}")
            for key, value in keys.items():
                found[_known(name, section, key).field] = _checked(name, section, key, value)
    for (section, key), wanted in table.items():
        if wanted.field not in found:
            files = " and ".join(name for name, _ in layers)
            raise ConfigError(f"{files}: {section}.{key} is set nowhere")
    return {wanted.field: found[wanted.field] for wanted in table.values()}


def _names(table: Table) -> str:
    return ", ".join(f"{section}.{key}" for section, key in table)


def _known(name: str, section: str, key: str) -> Key:
    found = _ALL.get((section, key))
    if found is None:
        raise ConfigError(f"{name}: unknown key {section}.{key}; allowed: {_names(_ALL)}")
    return found


def _checked(name: str, section: str, key: str, value: object) -> int | str:
    wanted = _known(name, section, key)
    if not wanted.accepts(value) or not isinstance(value, int | str):
        raise ConfigError(f"{name}: {section}.{key} = {value!r}; allowed: {wanted.allowed}")
    return value
