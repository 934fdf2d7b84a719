"""SQLite file of the ledger: creation, migration, checks on opening, and translation of its errors."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from icepipe.errors import ConfigError, IntegrityError, RunLocked

FILE = "ledger.sqlite"
SQLITE_FILES = tuple(f"{FILE}{ending}" for ending in ("", "-wal", "-shm", "-journal"))
"""Names of the database and of the files that SQLite keeps next to it."""

APPLICATION = 0x49434550
"""``ICEP`` in ASCII, the application id in the file header."""

BUSY_TIMEOUT_S = 10.0
"""Seconds to wait for another program that has the ledger locked."""

SHARED_DISKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "lustre", "gpfs", "afs"})
"""File systems without the shared memory that the write-ahead log of SQLite needs (sqlite.org/wal.html)."""

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
    "ALTER TABLE observation ADD COLUMN quantity TEXT NOT NULL DEFAULT ''",
)
"""Scripts that each migrate a ledger from one schema version to the next."""


def _damaged(path: Path, reason: object) -> IntegrityError:
    return IntegrityError(
        f"{path}: is not a whole ledger ({reason})",
        "delete it: the next run creates it again from the records, and nothing of the series is lost",
    )


def file_system(path: Path) -> str:
    """Return the type of the file system of a path, by the name that the kernel uses; empty if it is unknown."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    resolved, best, kind = path.resolve(), Path(), ""
    # The longest mount point above the path wins; of equal ones the last, which hides the others.
    for line in lines:
        left, _, right = line.partition(" - ")
        # Spaces are escaped as octal codes (proc(5)).
        mount = Path(left.split()[4].replace("\\040", " "))
        if resolved.is_relative_to(mount) and len(mount.parts) >= len(best.parts):
            best, kind = mount, right.split()[0]
    return kind


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check_ledger(path: Path, connection: sqlite3.Connection) -> None:
    """Check that a file is a whole ledger of this schema version or an older one.

    Raises
    ------
    IntegrityError
        If the file is damaged or no ledger.
    ConfigError
        If a newer icepipe wrote it.
    """
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if application != APPLICATION:
        raise _damaged(path, "it is empty" if path.stat().st_size == 0 else "another program wrote it")
    if _version(connection) > len(MIGRATIONS):
        raise ConfigError(f"{path}: a newer icepipe wrote it", "use that version, or another publish.folder")
    problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise _damaged(path, str(problem).splitlines()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Migrate the schema to this version, each step in a transaction of its own."""
    for number, script in enumerate(MIGRATIONS[_version(connection) :], start=_version(connection) + 1):
        # Not executescript, which commits before it starts; the version is set within the transaction of its step.
        steps = [step for step in script.split(";") if step.strip()]
        connection.execute("BEGIN IMMEDIATE")
        for step in [*steps, f"PRAGMA application_id = {APPLICATION}", f"PRAGMA user_version = {number}"]:
            connection.execute(step)
        connection.execute("COMMIT")


def create_ledger(folder: Path) -> None:
    """Write a new ledger to a temporary file and rename it; an empty file under its name is thus always damage.

    Raises
    ------
    IntegrityError
        If the file cannot be written.
    """
    # SQLite would apply the leftover log of a deleted ledger to the new one.
    for name in SQLITE_FILES:
        (folder / name).unlink(missing_ok=True)
    # Built in memory, so that the file on disk is complete from its first byte.
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
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
    """Translate the errors of SQLite into failures with advice.

    Raises
    ------
    RunLocked
        If another program has the file locked.
    IntegrityError
        If the file cannot be written, or is damaged.
    """
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise RunLocked(f"{path}: another program holds it", "close that program") from error
        # A damaged header makes SQLite report a read-only database; the rest of this class is space and permissions.
        if isinstance(error, sqlite3.OperationalError) and "readonly" not in str(error):
            raise IntegrityError(f"{path}: cannot be used ({error})", "check free space and permissions") from error
        raise _damaged(path, error) from error


@contextmanager
def open_database(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger of a run folder for writing, and create it if it does not exist.

    Raises
    ------
    IntegrityError
        If the ledger is damaged; the file is left as it is.
    RunLocked
        If another program keeps it locked for longer than ``BUSY_TIMEOUT_S``.
    ConfigError
        If a newer icepipe wrote it, or it is a link.
    """
    path = folder / FILE
    if any((folder / name).is_symlink() for name in SQLITE_FILES):
        raise ConfigError(f"{path}: is a link", "icepipe keeps its ledger in the run's own folder: remove the link")
    if not path.exists():
        create_ledger(folder)
    with (
        translate_errors(path),
        closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as connection,
    ):
        # A crafted file could otherwise run functions from its schema.
        connection.execute("PRAGMA trusted_schema = OFF")
        check_ledger(path, connection)
        journal = "DELETE" if file_system(folder) in SHARED_DISKS else "WAL"
        connection.execute(f"PRAGMA journal_mode = {journal}")
        # FULL: a committed run survives a power cut, as its outputs do.
        connection.execute("PRAGMA synchronous = FULL")
        migrate(connection)
        yield connection


@contextmanager
def open_read_only(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger of a run folder for reading, also during a run or on read-only media.

    Raises
    ------
    ConfigError
        If there is no ledger.
    IntegrityError
        If the ledger is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        raise ConfigError(f"{folder}: no run has written a ledger here", "run `icepipe run` first")
    # Without write access SQLite cannot create its shared-memory file; immutable does without it.
    mode = "mode=ro" if os.access(folder, os.W_OK) else "mode=ro&immutable=1"
    uri = f"{path.absolute().as_uri()}?{mode}"
    with translate_errors(path), closing(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S)) as connection:
        check_ledger(path, connection)
        yield connection
