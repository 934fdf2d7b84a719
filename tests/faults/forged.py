"""TIFF files written by hand, for headers that no library would write."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

SHORT, LONG, DOUBLE = 3, 4, 12
SIZES = {SHORT: "H", LONG: "I", DOUBLE: "d"}

GEO_KEYS = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 3413)
"""Projected, pixels are areas, EPSG:3413."""

Entry = tuple[int, Sequence[float]]


def picture(width: int, height: int, bands: int, block: int, offset: int, size: int, **more: Entry) -> dict[int, Entry]:
    """Tags of a deflated picture in one tile or strip, which begins at ``offset``."""
    tags: dict[int, Entry] = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [8] * bands),
        259: (SHORT, [8]),
        262: (SHORT, [2 if bands >= 3 else 1]),
        273: (LONG, [offset]),
        277: (SHORT, [bands]),
        278: (LONG, [block]),
        279: (LONG, [size]),
        284: (SHORT, [1]),
        33550: (DOUBLE, [250, 250, 0]),
        33922: (DOUBLE, [0, 0, 0, -650_000, -1_350_000, 0]),
        34735: (SHORT, GEO_KEYS),
    }
    if bands > 3:
        tags[338] = (SHORT, [0] * (bands - 3))
    return tags | {int(name[1:]): entry for name, entry in more.items()}


def tiff(path: Path, tags: Mapping[int, Entry], body: bytes = b"", next_directory: int = 0) -> Path:
    """A little-endian TIFF: header, ``body`` from byte 8, then one directory; ``next_directory`` may point anywhere."""
    start = 8 + len(body) + len(body) % 2
    far = start + 2 + 12 * len(tags) + 4
    rows, extra = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        packed = struct.pack(f"<{len(values)}{SIZES[kind]}", *values)
        held = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<I", far + len(extra))
        extra += b"" if len(packed) <= 4 else packed
        rows += struct.pack("<HHI", tag, kind, len(values)) + held
    directory = struct.pack("<H", len(tags)) + rows + struct.pack("<I", next_directory)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"II*\0" + struct.pack("<I", start) + body.ljust(start - 8, b"\0") + directory + extra)
    return path
