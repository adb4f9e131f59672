"""From text to the keys that type it on an American keyboard, by QEMU's names."""

from __future__ import annotations

import string

_PLAIN = {
    " ": "spc", "\n": "ret", "\t": "tab", "-": "minus", "=": "equal", "[": "bracket_left",
    "]": "bracket_right", ";": "semicolon", "'": "apostrophe", ",": "comma", ".": "dot", "/": "slash",
    "\\": "backslash", "`": "grave_accent",
}  # fmt: skip
_SHIFTED = dict(zip('_+{}:"<>?|~!@#$%^&*()', "-=[];',./\\`1234567890", strict=True))


def keys_of(character: str) -> list[str]:
    """The keys held together for one character.

    Raises:
        ValueError: no key of an American keyboard types it.
    """
    if character in _SHIFTED:
        return ["shift", *keys_of(_SHIFTED[character])]
    if character in _PLAIN:
        return [_PLAIN[character]]
    if character in string.ascii_lowercase + string.digits:
        return [character]
    if character in string.ascii_uppercase:
        return ["shift", character.lower()]
    raise ValueError(f"no key types {character!r}")
