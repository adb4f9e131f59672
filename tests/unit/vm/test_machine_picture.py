"""Screenshots: a PNG encoder of our own, with every line filter, against the decoder."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vm.machine.picture import SIGNATURE, _lines, look_at


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def filtered(lines: list[bytes], kinds: list[int], step: int) -> bytes:
    """The lines with PNG's filters applied, by the words of the specification."""
    out = b""
    above = bytes(len(lines[0]))
    for line, kind in zip(lines, kinds, strict=True):
        coded = bytearray()
        for i, byte in enumerate(line):
            a, b = (line[i - step] if i >= step else 0), above[i]
            c = above[i - step] if i >= step else 0
            p = a + b - c
            paeth = a if abs(p - a) <= min(abs(p - b), abs(p - c)) else b if abs(p - b) <= abs(p - c) else c
            coded.append((byte - [0, a, b, (a + b) // 2, paeth][kind]) & 255)
        out += bytes([kind]) + coded
        above = line
    return out


def png(lines: list[bytes], *, colour: int = 2, step: int = 3, kind: int = 0, interlaced: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", len(lines[0]) // step, len(lines), 8, colour, 0, 0, interlaced)
    packed = zlib.compress(filtered(lines, [kind] * len(lines), step))
    half = len(packed) // 2
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", packed[:half]), chunk(b"IDAT", packed[half:])]
    return SIGNATURE + b"".join(parts) + chunk(b"IEND", b"")


@given(st.data(), st.sampled_from([1, 2, 3, 4]), st.integers(1, 6), st.integers(1, 6))
def test_every_filter_is_undone(data, step, width, height):
    length = width * step
    lines = data.draw(st.lists(st.binary(min_size=length, max_size=length), min_size=height, max_size=height))
    kinds = data.draw(st.lists(st.integers(0, 4), min_size=height, max_size=height))
    assert list(_lines(filtered(lines, kinds, step), length, step)) == lines


def test_black_is_flat(tmp_path):
    file = tmp_path / "black.png"
    file.write_bytes(png([bytes(3 * 64)] * 48))
    look = look_at(file)
    assert (look.width, look.height, look.mean, look.variance, look.colours) == (64, 48, 0.0, 0.0, 1)


@pytest.mark.parametrize("kind", range(5))
def test_half_white_half_black(tmp_path, kind):
    file = tmp_path / "half.png"
    file.write_bytes(png([b"\xff" * 96 + bytes(96)] * 10, kind=kind))
    look = look_at(file, step=1)
    assert (look.mean, look.variance, look.colours) == (127.5, 127.5**2, 2)


@pytest.mark.parametrize(
    "content",
    [b"GIF89a", png([bytes(3 * 8)] * 8, interlaced=1), png([bytes(8)] * 8, colour=3, step=1)],
)
def test_what_is_not_understood_is_refused(tmp_path, content):
    file = tmp_path / "x.png"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="PNG"):
        look_at(file)
