"""``ledger.sqlite``: files, observations and runs of a run folder.

The records next to the outputs hold the provenance of each observation. The ledger is an index of them, and also holds
the state that no output has: which observations wait, and which failed and why. It can be deleted between two runs; the
next run fills it again.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path

from icepipe.storage.fingerprint import FileStat, KnownFile
from icepipe.storage.ledger_schema import FILE, open_database, open_read_only, translate_errors

KEPT_RUNS = 1000
"""Older runs are dropped, so that a folder that is updated for years does not grow."""


@dataclass(frozen=True)
class ObservationEntry:
    """State of an observation in the ledger.

    Attributes
    ----------
    key
        Key of the observation.
    state
        ``waiting``, ``done``, ``failed``, ``stale`` (made with other settings or another basis, not in the series) or
        ``gone`` (in the series, but its inputs no longer exist).
    reason
        Reason of a failure.
    made
        Digest of everything that its outputs were made from; empty without outputs.
    inputs, outputs
        Names and fingerprints as JSON text.
    config_hash, model
        Config and model of its rows.
    ice_km2
        Area of ice; None if it is unknown or there are several regions.
    revisions
        Number of times its rows were replaced.
    quantity
        Name of the quantity of ``ice_km2``; empty if an earlier version wrote the entry.
    """

    key: str
    state: str
    reason: str = ""
    made: str = ""
    inputs: str = "[]"
    outputs: str = "[]"
    config_hash: str = ""
    model: str = ""
    ice_km2: float | None = None
    revisions: int = 0
    quantity: str = ""


@dataclass(frozen=True)
class RunEntry:
    """Statistics of a run.

    Attributes
    ----------
    started, ended
        Times in UTC as ISO text; no end if the run was stopped or failed as a whole.
    exit_code
        0, or 4 if inputs failed.
    observations, worked, failed
        Number of configured observations, of processed observations, and of failed inputs.
    pixels
        Pixels of the run grid times processed observations.
    seconds, memory_mb
        Duration, and peak memory of the process.
    """

    started: str
    ended: str | None = None
    exit_code: int | None = None
    observations: int | None = None
    worked: int | None = None
    failed: int | None = None
    pixels: int | None = None
    seconds: float | None = None
    memory_mb: float | None = None


def _compress(document: str) -> bytes:
    # Level 1: higher levels take longer and save little on JSON.
    return zlib.compress(document.encode(), 1)


def _decompress(content: bytes) -> str:
    try:
        return zlib.decompress(content).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise sqlite3.DatabaseError(f"a document cannot be read: {error}") from error


class Ledger:
    """Open ledger; for one thread of the run that holds the lock of the folder.

    Parameters
    ----------
    folder
        Run folder.
    connection
        Connection to its ledger.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self._folder, self._connection = folder, connection

    def _write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        with translate_errors(self._folder / FILE):
            self._connection.executemany(statement, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all changes of a block, or none of them."""
        with translate_errors(self._folder / FILE):
            # IMMEDIATE takes the write lock at once; a later upgrade from a read lock could fail half-way.
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        with translate_errors(self._folder / FILE):
            self._connection.execute("COMMIT")

    def files(self) -> dict[str, KnownFile]:
        """Return every file that was read before, by path."""
        known, folder = {}, str(self._folder)
        with translate_errors(self._folder / FILE):
            for name, size, mtime_ns, ctime_ns, inode, fingerprint in self._connection.execute("SELECT * FROM file"):
                file = KnownFile(FileStat(size, mtime_ns, ctime_ns, inode), fingerprint)
                # os.path.join: tens of thousands of paths, for which pathlib is several times slower.
                known[os.path.join(folder, os.fsdecode(name))] = file  # noqa: PTH118
        return known

    def _name(self, path: str) -> bytes:
        # Inputs by absolute path; outputs relative to the folder, so that a moved folder keeps its fingerprints. Bytes,
        # because file names need not be valid UTF-8.
        return os.fsencode(path.removeprefix(f"{self._folder}{os.sep}"))

    def save_files(self, files: Mapping[str, KnownFile]) -> None:
        """Save files that were read; inputs only if a later change would have a new time."""
        rows = [
            (self._name(path), *vars(file.stat).values(), file.fingerprint)
            for path, file in files.items()
            if file.stat.is_settled() or path.startswith(f"{self._folder}{os.sep}")
        ]
        self._write("REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?)", rows)

    def drop_files(self, paths: Iterable[str]) -> None:
        """Delete files from the ledger."""
        self._write("DELETE FROM file WHERE path = ?", [(self._name(path),) for path in paths])

    def scenes(self) -> dict[str, str]:
        """Return the descriptions of scenes, by the key of their files."""
        with translate_errors(self._folder / FILE):
            rows = self._connection.execute("SELECT key, document FROM scene")
            return {key: _decompress(document) for key, document in rows}

    def save_scenes(self, documents: Mapping[str, str]) -> None:
        """Save these descriptions and delete all others."""
        old = self.scenes()
        self._write("DELETE FROM scene WHERE key = ?", [(key,) for key in old.keys() - documents.keys()])
        new = [(key, _compress(text)) for key, text in documents.items() if old.get(key) != text]
        self._write("REPLACE INTO scene VALUES (?, ?)", new)

    def entries(self) -> dict[str, ObservationEntry]:
        """Return the state of every observation, by key."""
        with translate_errors(self._folder / FILE):
            rows = self._connection.execute("SELECT * FROM observation ORDER BY key")
            return {row[0]: ObservationEntry(*row) for row in rows}

    def save_entries(self, entries: Iterable[ObservationEntry]) -> None:
        """Save the state of some observations."""
        self._write("REPLACE INTO observation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(astuple, entries))

    def drop_entries(self, keys: Iterable[str]) -> None:
        """Delete observations from the ledger."""
        self._write("DELETE FROM observation WHERE key = ?", [(key,) for key in keys])

    def outcome(self, name: str) -> tuple[str, str] | None:
        """Return the digest of what a document was made from, and the document; None if it was not saved."""
        with translate_errors(self._folder / FILE):
            rows = self._connection.execute("SELECT made, document FROM outcome WHERE name = ?", (name,))
            row = next(rows, None)
            return row and (row[0], _decompress(row[1]))

    def save_outcome(self, name: str, made: str, document: str) -> None:
        """Save a document in place of the one with the same name."""
        self._write("REPLACE INTO outcome VALUES (?, ?, ?)", [(name, made, _compress(document))])

    def begin_run(self, started: str) -> int:
        """Insert a run, delete the oldest of more than ``KEPT_RUNS``, and return the number of the new one."""
        self._write("DELETE FROM run WHERE id <= (SELECT max(id) FROM run) - ?", [(KEPT_RUNS,)])
        with translate_errors(self._folder / FILE):
            return int(self._connection.execute("INSERT INTO run (started) VALUES (?)", (started,)).lastrowid or 0)

    def end_run(self, number: int, entry: RunEntry) -> None:
        """Save the statistics of a run."""
        columns = ", ".join(f"{name} = ?" for name in RunEntry.__dataclass_fields__)
        self._write(f"UPDATE run SET {columns} WHERE id = ?", [(*astuple(entry), number)])  # noqa: S608

    def runs(self, count: int) -> list[RunEntry]:
        """Return the last runs, the latest first."""
        columns = ", ".join(RunEntry.__dataclass_fields__)
        with translate_errors(self._folder / FILE):
            rows = self._connection.execute(f"SELECT {columns} FROM run ORDER BY id DESC LIMIT ?", (count,))  # noqa: S608
            return [RunEntry(*row) for row in rows]


@contextmanager
def open_ledger(folder: Path) -> Iterator[Ledger]:
    """Open the ledger of a run folder, or create it; raises as :func:`icepipe.storage.ledger_schema.open_database`."""
    with open_database(folder) as connection:
        yield Ledger(folder, connection)


@contextmanager
def read_ledger(folder: Path) -> Iterator[Ledger]:
    """Open a ledger for reading only; raises as :func:`icepipe.storage.ledger_schema.open_read_only`."""
    with open_read_only(folder) as connection:
        yield Ledger(folder, connection)
