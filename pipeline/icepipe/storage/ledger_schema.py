"""The file of a ledger: made whole, brought up to date, checked when it is opened, and its faults told."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from icepipe.errors import ConfigError, IntegrityError, RunLocked

FILE = "ledger.sqlite"
SQLITE_FILES = tuple(f"{FILE}{ending}" for ending in ("", "-wal", "-shm", "-journal"))
"""Files that SQLite keeps."""

APPLICATION = 0x49434550
"""``ICEP``, in the file's header."""

BUSY_TIMEOUT_S = 10.0
"""Seconds to wait for another program that has the ledger open."""

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


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
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
    for name in SQLITE_FILES:
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
def translate_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into a failure with a way out.

    Raises
    ------
    RunLocked
        If another program holds the file.
    IntegrityError
        If it cannot be written, or is damaged.
    """
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise RunLocked(f"{path}: another program holds it", "close that program") from error
        if isinstance(error, sqlite3.OperationalError) and "readonly" not in str(error):
            raise IntegrityError(f"{path}: cannot be used ({error})", "check free space and permissions") from error
        raise _damaged(path, error) from error


@contextmanager
def open_database(folder: Path) -> Iterator[sqlite3.Connection]:
    """Connection to the ledger of a run's folder, which is made where there is none.

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
    if any((folder / name).is_symlink() for name in SQLITE_FILES):
        raise ConfigError(f"{path}: is a link", "icepipe keeps its ledger in the run's own folder: remove the link")
    if not path.exists():
        _make(folder)
    with translate_errors(path), closing(_connect(path)) as connection:
        _check(path, connection)
        connection.execute(f"PRAGMA journal_mode = {'DELETE' if file_system(folder) in SHARED_DISKS else 'WAL'}")
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(connection)
        yield connection


@contextmanager
def open_read_only(folder: Path) -> Iterator[sqlite3.Connection]:
    """Connection that cannot write, also while a run is at work or where nothing may be written.

    Raises
    ------
    ConfigError
        If there is no ledger.
    IntegrityError
        If it is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        raise ConfigError(f"{folder}: no run has kept a ledger there", "run `icepipe run` first")
    mode = "mode=ro" if os.access(folder, os.W_OK) else "mode=ro&immutable=1"
    address = f"{path.absolute().as_uri()}?{mode}"
    with translate_errors(path), closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S)) as connection:
        _check(path, connection)
        yield connection
