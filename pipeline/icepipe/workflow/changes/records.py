"""``change.csv``, and what the folder ``change`` keeps so that a rerun leaves alone what has not changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from icepipe.classes import ClassCode
from icepipe.inputs.observation_key import ObservationKey, PublishedKey
from icepipe.measure.change.occlusion import Occlusion
from icepipe.measure.change.transitions import ChangeTable
from icepipe.storage.fingerprint import fingerprint
from icepipe.storage.json_document import JsonDocument


@dataclass(frozen=True)
class PairProvenance:
    """What a pair is made from.

    Attributes
    ----------
    rasters
        Fingerprints of the class rasters, the first observation's first.
    known
        Classes whose area is known on each day.
    basis
        Digest.
    code
        Versions of what decides the bytes.
    polygons
        Whether polygons are asked for.
    """

    rasters: tuple[str, str]
    known: tuple[tuple[ClassCode, ...], tuple[ClassCode, ...]]
    basis: str
    code: tuple[str, ...]
    polygons: bool


@dataclass(frozen=True)
class PairRecord:
    """What a pair was made from and what it gave; ``outputs`` are names and fingerprints of its files."""

    made: PairProvenance
    change: ChangeTable
    outputs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class OcclusionRecord:
    """What an observation hides, and what that was made from: class rasters, its own first."""

    rasters: tuple[str, ...]
    basis: str
    hidden: dict[str, Occlusion]


_PAIR = JsonDocument(PairRecord)
_HIDDEN = JsonDocument(dict[PublishedKey, OcclusionRecord])


def read_pair(path: Path, fingerprint: Callable[[Path], str] = fingerprint) -> PairRecord | None:
    """The record of a pair if every file it lists is there and as it says, or None."""
    record = _PAIR.load_or_none(path)
    files = [(path.with_name(name), held) for name, held in record.outputs] if record else []
    return record if all(file.is_file() and fingerprint(file) == held for file, held in files) else None


def write_pair(path: Path, record: PairRecord) -> None:
    """Write the record of a pair."""
    _PAIR.save(path, record)


def read_occlusion(path: Path) -> dict[ObservationKey, OcclusionRecord]:
    """What observations hide, by key; nothing where it cannot be read, so that it is made anew."""
    return _HIDDEN.load_or_none(path) or {}


def write_occlusion(path: Path, hidden: Mapping[ObservationKey, OcclusionRecord]) -> None:
    """Write what observations hide."""
    _HIDDEN.save(path, dict(hidden))


def drop_stale(there: Iterable[Path], records: Collection[Path]) -> None:
    """Remove the files of pairs that are no longer consecutive; files that no record names are left alone.

    Parameters
    ----------
    there, records
        Documents in the folder of changes, and records of the pairs that are consecutive.
    """
    for path in there:
        record = _PAIR.load_or_none(path)
        if path in records or record is None:
            continue
        for name, _ in record.outputs:
            path.with_name(Path(name).name).unlink(missing_ok=True)
        path.unlink()
