"""``ledger.sqlite``: what a run's folder knows of its files, its observations, and its runs.

The records beside the outputs say what an observation was made from; the ledger makes that quick to find, and keeps
what no output tells: what waits, what failed and why. It can be deleted between two runs; the next one fills it again.
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


@dataclass(frozen=True)
class ObservationEntry:
    """What the ledger says of an observation.

    Attributes
    ----------
    key
        The observation.
    state
        ``waiting``, ``done``, ``failed``, ``stale`` (of other settings or another basis, not in the series) or ``gone``
        (in the series, its inputs no longer there).
    reason
        Why it failed.
    made
        Digest of everything that its outputs were made from; empty where there are none.
    inputs, outputs
        Names and fingerprints as JSON text.
    config_hash, model
        Of its rows.
    ice_km2
        Area of ice, where it has one region and that is known.
    revisions
        How often its rows were replaced.
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


@dataclass(frozen=True)
class RunEntry:
    """How a run went.

    Attributes
    ----------
    started, ended
        UTC, as ISO text; no end where it was stopped or failed as a whole.
    exit_code
        0, or 4 where inputs failed.
    observations, worked, failed
        Observations asked for, those that were worked on, and inputs that failed.
    pixels
        Of the run grid, in the observations worked on.
    seconds, memory_mb
        Its time, and the peak memory of the process.
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


def _packed(document: str) -> bytes:
    return zlib.compress(document.encode(), 1)


def _unpacked(content: bytes) -> str:
    try:
        return zlib.decompress(content).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise sqlite3.DatabaseError(f"a document cannot be read: {error}") from error


class Ledger:
    """An open ledger; for one thread, and for the run that holds the folder's lock.

    Parameters
    ----------
    folder
        Of the run.
    connection
        To its ledger.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self._folder, self._connection = folder, connection

    def _write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        with translate_errors(self._folder / FILE):
            self._connection.executemany(statement, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Changes that are written as one."""
        with translate_errors(self._folder / FILE):
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
        """Every file that was read before: inputs by their absolute path, outputs below the run's folder."""
        found, folder = {}, str(self._folder)
        with translate_errors(self._folder / FILE):
            for name, size, mtime_ns, ctime_ns, inode, fingerprint in self._connection.execute("SELECT * FROM file"):
                seen = KnownFile(FileStat(size, mtime_ns, ctime_ns, inode), fingerprint)
                found[os.path.join(folder, os.fsdecode(name))] = seen  # noqa: PTH118
        return found

    def _name(self, path: str) -> bytes:
        return os.fsencode(path.removeprefix(f"{self._folder}{os.sep}"))

    def save_files(self, seen: Mapping[str, KnownFile]) -> None:
        """Keep what was read of files; of inputs only where a later change would show."""
        rows = [
            (self._name(path), *vars(one.identity).values(), one.fingerprint)
            for path, one in seen.items()
            if one.identity.is_settled() or path.startswith(f"{self._folder}{os.sep}")
        ]
        self._write("REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?)", rows)

    def drop_files(self, paths: Iterable[str]) -> None:
        """Forget files."""
        self._write("DELETE FROM file WHERE path = ?", [(self._name(path),) for path in paths])

    def scenes(self) -> dict[str, str]:
        """Descriptions of scenes by the key of their files."""
        with translate_errors(self._folder / FILE):
            rows = self._connection.execute("SELECT key, document FROM scene")
            return {key: _unpacked(document) for key, document in rows}

    def save_scenes(self, documents: Mapping[str, str]) -> None:
        """Keep these descriptions and no others."""
        old = self.scenes()
        self._write("DELETE FROM scene WHERE key = ?", [(key,) for key in old.keys() - documents.keys()])
        new = [(key, _packed(text)) for key, text in documents.items() if old.get(key) != text]
        self._write("REPLACE INTO scene VALUES (?, ?)", new)

    def entries(self) -> dict[str, ObservationEntry]:
        """What is known of every observation, by key."""
        with translate_errors(self._folder / FILE):
            rows = self._connection.execute("SELECT * FROM observation ORDER BY key")
            return {row[0]: ObservationEntry(*row) for row in rows}

    def save_entries(self, entries: Iterable[ObservationEntry]) -> None:
        """Keep what is known of some observations."""
        self._write("REPLACE INTO observation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(astuple, entries))

    def drop_entries(self, keys: Iterable[str]) -> None:
        """Forget observations."""
        self._write("DELETE FROM observation WHERE key = ?", [(key,) for key in keys])

    def outcome(self, name: str) -> tuple[str, str] | None:
        """A document, and the digest of what it was made from."""
        with translate_errors(self._folder / FILE):
            rows = self._connection.execute("SELECT made, document FROM outcome WHERE name = ?", (name,))
            found = next(rows, None)
            return found and (found[0], _unpacked(found[1]))

    def save_outcome(self, name: str, made: str, document: str) -> None:
        """Keep a document; it replaces the one of the same name."""
        self._write("REPLACE INTO outcome VALUES (?, ?, ?)", [(name, made, _packed(document))])

    def begin_run(self, started: str) -> int:
        """Note that a run begins, and give it a number; the oldest of many are forgotten."""
        self._write("DELETE FROM run WHERE id <= (SELECT max(id) FROM run) - ?", [(KEPT_RUNS,)])
        with translate_errors(self._folder / FILE):
            return int(self._connection.execute("INSERT INTO run (started) VALUES (?)", (started,)).lastrowid or 0)

    def end_run(self, number: int, ran: RunEntry) -> None:
        """Note how a run went."""
        columns = ", ".join(f"{name} = ?" for name in RunEntry.__dataclass_fields__)
        self._write(f"UPDATE run SET {columns} WHERE id = ?", [(*astuple(ran), number)])  # noqa: S608

    def runs(self, count: int) -> list[RunEntry]:
        """The last runs, the latest first."""
        columns = ", ".join(RunEntry.__dataclass_fields__)
        with translate_errors(self._folder / FILE):
            rows = self._connection.execute(f"SELECT {columns} FROM run ORDER BY id DESC LIMIT ?", (count,))  # noqa: S608
            return [RunEntry(*row) for row in rows]


@contextmanager
def open_ledger(folder: Path) -> Iterator[Ledger]:
    """Open the ledger of a run's folder, or make one; see ``ledger_schema.opened`` for its errors."""
    with open_database(folder) as connection:
        yield Ledger(folder, connection)


@contextmanager
def read_ledger(folder: Path) -> Iterator[Ledger]:
    """Open a ledger to look at it; see :func:`icepipe.storage.ledger_schema.open_read_only` for its errors."""
    with open_read_only(folder) as connection:
        yield Ledger(folder, connection)
