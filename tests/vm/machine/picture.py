"""Just enough of PNG to tell whether a screenshot shows something."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture is like.

    Attributes:
        width, height: in pixels.
        mean: brightness, 0 (black) to 255.
        variance: of the brightness; 0 for one flat colour.
        colours: number of different colours (of the pixels looked at).
    """

    width: int
    height: int
    mean: float
    variance: float
    colours: int


def look_at(file: Path, *, step: int = 7) -> Look:
    """Measure a PNG (8 bits a channel, not interlaced), every `step`-th pixel of every `step`-th line.

    Raises:
        ValueError: not such a file.
    """
    width, height, channels, data = _read(file.read_bytes())
    samples: list[bytes] = []
    for number, line in enumerate(_lines(data, width * channels, channels)):
        if number % step == 0:
            samples += [line[i : i + channels] for i in range(0, len(line), channels * step)]
    bright = [sum(pixel[:3]) / len(pixel[:3]) for pixel in samples]
    mean = sum(bright) / len(bright)
    variance = sum((value - mean) ** 2 for value in bright) / len(bright)
    return Look(width, height, mean, variance, len(set(samples)))


def _read(data: bytes) -> tuple[int, int, int, bytes]:
    if not data.startswith(SIGNATURE):
        raise ValueError("not a PNG")
    header, packed, at = b"", b"", len(SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        at += length + 12
        if kind == b"IHDR":
            header = body
        elif kind == b"IDAT":
            packed += body
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if depth != 8 or interlaced or colour not in CHANNELS:
        raise ValueError(f"a PNG of {depth} bits, colour type {colour} is not supported")
    return width, height, CHANNELS[colour], zlib.decompress(packed)


def _lines(data: bytes, length: int, channels: int) -> Iterator[bytes]:
    """The picture's lines with PNG's line filters undone."""
    above = bytearray(length)
    for at in range(0, len(data), length + 1):
        line = bytearray(data[at + 1 : at + 1 + length])
        _unfilter(data[at], line, above, channels)
        yield bytes(line)
        above = line


def _unfilter(kind: int, line: bytearray, above: bytearray, step: int) -> None:
    if kind == 0:
        return
    for i in range(len(line)):
        left = line[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = above[i]
        elif kind == 3:
            guess = (left + above[i]) // 2
        else:
            guess = _paeth(left, above[i], corner)
        line[i] = (line[i] + guess) & 255


def _paeth(left: int, above: int, corner: int) -> int:
    """The neighbour nearest to left + above - corner (PNG specification, filter type 4)."""
    want = left + above - corner
    return min((left, above, corner), key=lambda value: abs(value - want))
