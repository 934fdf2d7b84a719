"""``ledger.sqlite``: what a run's folder knows of its files, its observations, and its runs.

The records beside the outputs say what an observation was made from; the ledger makes that quick to find, and keeps
what no output tells: what waits, what failed and why. It can be deleted between two runs; the next one fills it again.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path

from icepipe.errors import ConfigError, IntegrityError, RunLocked
from icepipe.inputs.fingerprint import Identity, Seen

FILE = "ledger.sqlite"
BESIDE = tuple(f"{FILE}{ending}" for ending in ("", "-wal", "-shm", "-journal"))
"""Files that SQLite keeps."""

APPLICATION = 0x49434550
"""``ICEP``, in the file's header."""

PATIENCE_S = 10.0
"""Seconds to wait for another program that has the ledger open."""

KEPT_RUNS = 1000
SHARED_DISKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "lustre", "gpfs", "afs"})
"""File systems on which SQLite's write-ahead log, which needs shared memory, does not hold (sqlite.org/wal.html)."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE file (path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
        ctime_ns INTEGER NOT NULL, inode INTEGER NOT NULL, fingerprint TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE scene (key TEXT PRIMARY KEY, document BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE observation (key TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT NOT NULL, made TEXT NOT NULL,
        inputs TEXT NOT NULL, outputs TEXT NOT NULL, config_hash TEXT NOT NULL, model TEXT NOT NULL, ice_km2 REAL,
        revisions INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE run (id INTEGER PRIMARY KEY, started TEXT NOT NULL, ended TEXT, exit_code INTEGER,
        observations INTEGER, worked INTEGER, failed INTEGER, pixels INTEGER, seconds REAL, memory_mb REAL);
    CREATE TABLE outcome (name TEXT PRIMARY KEY, made TEXT NOT NULL, document BLOB NOT NULL) WITHOUT ROWID;
    """,
)
"""Each brings a ledger from one schema version to the next."""


@dataclass(frozen=True)
class Entry:
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
class Ran:
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


def _damaged(path: Path, why: object) -> IntegrityError:
    return IntegrityError(
        f"{path}: is not a whole ledger ({why})",
        "delete it: the next run makes it again from the records, and nothing of the series is lost",
    )


def file_system(path: Path) -> str:
    """Type of the file system that a path is on, as the kernel calls it; empty where it does not tell."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    where, best, kind = path.resolve(), Path(), ""
    for line in lines:
        left, _, right = line.partition(" - ")
        mount = Path(left.split()[4].replace("\\040", " "))
        if where.is_relative_to(mount) and len(mount.parts) >= len(best.parts):
            best, kind = mount, right.split()[0]
    return kind


def _packed(document: str) -> bytes:
    return zlib.compress(document.encode(), 1)


def _unpacked(content: bytes) -> str:
    try:
        return zlib.decompress(content).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise sqlite3.DatabaseError(f"a document cannot be read: {error}") from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check(path: Path, connection: sqlite3.Connection) -> None:
    """Stop at a file that is not a whole ledger of this version or an older one."""
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if application != APPLICATION:
        raise _damaged(path, "it is empty" if path.stat().st_size == 0 else "another program wrote it")
    if _version(connection) > len(MIGRATIONS):
        raise ConfigError(f"{path}: a newer icepipe wrote it", "use that version, or another publish.folder")
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise _damaged(path, str(found).splitlines()[0])


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema to this version, each step whole or not at all."""
    for number, script in enumerate(MIGRATIONS[_version(connection) :], start=_version(connection) + 1):
        steps = [step for step in script.split(";") if step.strip()]
        connection.execute("BEGIN IMMEDIATE")
        for step in [*steps, f"PRAGMA application_id = {APPLICATION}", f"PRAGMA user_version = {number}"]:
            connection.execute(step)
        connection.execute("COMMIT")


def _make(folder: Path) -> None:
    """Write a new ledger whole: an empty file in its place is then always damage.

    What an old one left beside it goes first, since SQLite would take a log that it finds for the new one's.
    """
    for name in BESIDE:
        (folder / name).unlink(missing_ok=True)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        _migrate(connection)
        content = connection.serialize()
    part = folder / f".{FILE}.part"
    try:
        with part.open("wb") as file:
            file.write(content)
            os.fsync(file.fileno())
        part.replace(folder / FILE)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise IntegrityError(f"{folder / FILE}: cannot be written ({error})", "check free space") from error


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise RunLocked(f"{path}: another program holds it", "close that program") from error
        if isinstance(error, sqlite3.OperationalError) and "readonly" not in str(error):
            raise IntegrityError(f"{path}: cannot be used ({error})", "check free space and permissions") from error
        raise _damaged(path, error) from error


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
        with _told(self._folder / FILE):
            self._connection.executemany(statement, rows)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Changes that are written as one."""
        with _told(self._folder / FILE):
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        with _told(self._folder / FILE):
            self._connection.execute("COMMIT")

    def files(self) -> dict[str, Seen]:
        """Every file that was read before: inputs by their absolute path, outputs below the run's folder."""
        found, folder = {}, str(self._folder)
        with _told(self._folder / FILE):
            for name, size, mtime_ns, ctime_ns, inode, fingerprint in self._connection.execute("SELECT * FROM file"):
                seen = Seen(Identity(size, mtime_ns, ctime_ns, inode), fingerprint)
                found[os.path.join(folder, os.fsdecode(name))] = seen  # noqa: PTH118
        return found

    def _name(self, path: str) -> bytes:
        return os.fsencode(path.removeprefix(f"{self._folder}{os.sep}"))

    def save_files(self, seen: Mapping[str, Seen]) -> None:
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
        with _told(self._folder / FILE):
            rows = self._connection.execute("SELECT key, document FROM scene")
            return {key: _unpacked(document) for key, document in rows}

    def save_scenes(self, documents: Mapping[str, str]) -> None:
        """Keep these descriptions and no others."""
        old = self.scenes()
        self._write("DELETE FROM scene WHERE key = ?", [(key,) for key in old.keys() - documents.keys()])
        new = [(key, _packed(text)) for key, text in documents.items() if old.get(key) != text]
        self._write("REPLACE INTO scene VALUES (?, ?)", new)

    def entries(self) -> dict[str, Entry]:
        """What is known of every observation, by key."""
        with _told(self._folder / FILE):
            rows = self._connection.execute("SELECT * FROM observation ORDER BY key")
            return {row[0]: Entry(*row) for row in rows}

    def save_entries(self, entries: Iterable[Entry]) -> None:
        """Keep what is known of some observations."""
        self._write("REPLACE INTO observation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(astuple, entries))

    def drop_entries(self, keys: Iterable[str]) -> None:
        """Forget observations."""
        self._write("DELETE FROM observation WHERE key = ?", [(key,) for key in keys])

    def outcome(self, name: str) -> tuple[str, str] | None:
        """A document, and the digest of what it was made from."""
        with _told(self._folder / FILE):
            rows = self._connection.execute("SELECT made, document FROM outcome WHERE name = ?", (name,))
            found = next(rows, None)
            return found and (found[0], _unpacked(found[1]))

    def save_outcome(self, name: str, made: str, document: str) -> None:
        """Keep a document; it replaces the one of the same name."""
        self._write("REPLACE INTO outcome VALUES (?, ?, ?)", [(name, made, _packed(document))])

    def begin_run(self, started: str) -> int:
        """Note that a run begins, and give it a number; the oldest of many are forgotten."""
        self._write("DELETE FROM run WHERE id <= (SELECT max(id) FROM run) - ?", [(KEPT_RUNS,)])
        with _told(self._folder / FILE):
            return int(self._connection.execute("INSERT INTO run (started) VALUES (?)", (started,)).lastrowid or 0)

    def end_run(self, number: int, ran: Ran) -> None:
        """Note how a run went."""
        columns = ", ".join(f"{name} = ?" for name in Ran.__dataclass_fields__)
        self._write(f"UPDATE run SET {columns} WHERE id = ?", [(*astuple(ran), number)])  # noqa: S608

    def runs(self, count: int) -> list[Ran]:
        """The last runs, the latest first."""
        columns = ", ".join(Ran.__dataclass_fields__)
        with _told(self._folder / FILE):
            rows = self._connection.execute(f"SELECT {columns} FROM run ORDER BY id DESC LIMIT ?", (count,))  # noqa: S608
            return [Ran(*row) for row in rows]


@contextmanager
def open_ledger(folder: Path) -> Iterator[Ledger]:
    """Open the ledger of a run's folder, or make one.

    Raises
    ------
    IntegrityError
        If it is damaged; it is left as it is.
    RunLocked
        If another program holds it for long.
    ConfigError
        If a newer icepipe wrote it, or a link stands in its place.
    """
    path = folder / FILE
    if any((folder / name).is_symlink() for name in BESIDE):
        raise ConfigError(f"{path}: is a link", "icepipe keeps its ledger in the run's own folder: remove the link")
    if not path.exists():
        _make(folder)
    with _told(path), closing(_connect(path)) as connection:
        _check(path, connection)
        connection.execute(f"PRAGMA journal_mode = {'DELETE' if file_system(folder) in SHARED_DISKS else 'WAL'}")
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(connection)
        yield Ledger(folder, connection)


@contextmanager
def read_ledger(folder: Path) -> Iterator[Ledger]:
    """Open a ledger to look at it, also while a run is at work or where nothing may be written.

    Raises
    ------
    ConfigError
        If there is none.
    IntegrityError
        If it is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        raise ConfigError(f"{folder}: no run has kept a ledger there", "run `icepipe run` first")
    mode = "mode=ro" if os.access(folder, os.W_OK) else "mode=ro&immutable=1"
    address = f"{path.absolute().as_uri()}?{mode}"
    with _told(path), closing(sqlite3.connect(address, uri=True, timeout=PATIENCE_S)) as connection:
        _check(path, connection)
        yield Ledger(folder, connection)
