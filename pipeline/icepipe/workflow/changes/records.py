"""Read and write the records of the folder ``change``, by which a rerun sees which pairs are up to date."""

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
    """What the change between two observations is made from.

    Attributes
    ----------
    rasters
        Fingerprints of the class rasters, in order of time.
    known
        Classes whose area is known, for each observation.
    basis
        Digest of the basis.
    code
        Versions of the code that decides the bytes.
    polygons
        Whether polygons are written.
    """

    rasters: tuple[str, str]
    known: tuple[tuple[ClassCode, ...], tuple[ClassCode, ...]]
    basis: str
    code: tuple[str, ...]
    polygons: bool


@dataclass(frozen=True)
class PairRecord:
    """Provenance and table of a pair; ``outputs`` are names and fingerprints of its files."""

    made: PairProvenance
    change: ChangeTable
    outputs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class OcclusionRecord:
    """Occlusion of an observation by region, and what it was made from: class rasters, its own first."""

    rasters: tuple[str, ...]
    basis: str
    hidden: dict[str, Occlusion]


_PAIR = JsonDocument(PairRecord)
_HIDDEN = JsonDocument(dict[PublishedKey, OcclusionRecord])


def read_pair(path: Path, fingerprint: Callable[[Path], str] = fingerprint) -> PairRecord | None:
    """Return the record of a pair; None unless every file that it lists has the bytes that were published."""
    record = _PAIR.load_or_none(path)
    files = [(path.with_name(name), published) for name, published in record.outputs] if record else []
    return record if all(file.is_file() and fingerprint(file) == published for file, published in files) else None


def write_pair(path: Path, record: PairRecord) -> None:
    """Write the record of a pair."""
    _PAIR.save(path, record)


def read_occlusion(path: Path) -> dict[ObservationKey, OcclusionRecord]:
    """Return the occlusion of observations by key; nothing if it cannot be read, so that it is computed again."""
    return _HIDDEN.load_or_none(path) or {}


def write_occlusion(path: Path, hidden: Mapping[ObservationKey, OcclusionRecord]) -> None:
    """Write the occlusion of observations."""
    _HIDDEN.save(path, dict(hidden))


def drop_stale(documents: Iterable[Path], current: Collection[Path]) -> None:
    """Remove the files of pairs that are no longer consecutive; files that no record names are left alone.

    Parameters
    ----------
    documents, current
        Documents in the folder ``change``, and the records of pairs that are consecutive now.
    """
    for path in documents:
        record = _PAIR.load_or_none(path)
        if path in current or record is None:
            continue
        # Only the last part of a name is used: a record that was edited must not lead out of the folder.
        for name, _ in record.outputs:
            path.with_name(Path(name).name).unlink(missing_ok=True)
        path.unlink()
