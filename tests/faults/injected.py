"""Real faults for a real run: kills and failing system calls at a chosen place, and a look at what is left."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from icepipe.publish.run_folder.record import read_record

ICEPIPE = str(Path(sys.executable).parent / "icepipe")

LOGS = {"run.json", "report.html", "record.json", "manifest.json", "collection.json", ".lock"}
"""Files that tell how and when, and not only what."""


@cache
def _can_trace() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


def need_strace() -> None:
    """Skip where system calls cannot be reached."""
    if not _can_trace():
        pytest.skip("strace is not on this machine, or may not trace")


@dataclass(frozen=True)
class Call:
    """A system call of a run's main thread: its name, which one of that name it is from 1, and its arguments."""

    name: str
    number: int
    arguments: str


def calls(config: Path, names: Sequence[str], log: Path) -> list[Call]:
    """The calls of a whole run that touch its output folder; the folder is left as the run left it."""
    trace = ["strace", "--seccomp-bpf", "-f", "-y", "-o", str(log), "-e", f"trace={','.join(names)}"]
    subprocess.run([*trace, ICEPIPE, "run", str(config)], capture_output=True, check=True)
    lines = re.findall(r"^(\d+) +(\w+)\((.*)$", log.read_text(errors="replace"), re.MULTILINE)
    main, counted, found = lines[0][0], Counter[str](), []
    for thread, name, arguments in lines:
        if thread == main:
            counted[name] += 1
            if str(config.parent / "out") in arguments:
                found.append(Call(name, counted[name], arguments))
    return found


def run_with(config: Path, name: str, inject: str) -> subprocess.CompletedProcess[str]:
    """A run one of whose calls is met by a fault, as strace's ``inject`` tells."""
    trace = ["strace", "--seccomp-bpf", "-f", "-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:{inject}"]
    return subprocess.run([*trace, ICEPIPE, "run", str(config)], capture_output=True, text=True, check=False)


def rerun(config: Path) -> subprocess.CompletedProcess[str]:
    """A run that nothing disturbs."""
    return subprocess.run([ICEPIPE, "run", str(config)], capture_output=True, text=True, check=False)


def tree(folder: Path) -> dict[Path, bytes]:
    """Files of a run whose bytes are promised, by path."""
    kept = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in LOGS)
    return {path.relative_to(folder): path.read_bytes() for path in kept if not path.name.startswith("ledger.sqlite")}


def differences(found: dict[Path, bytes], whole: dict[Path, bytes]) -> list[str]:
    """Names of files that are not the same bytes on both sides."""
    return [str(name) for name in sorted(found.keys() | whole.keys()) if found.get(name) != whole.get(name)]


def _faults_of_one(path: Path) -> Iterator[str]:
    match path.suffix:
        case ".json":
            json.loads(path.read_bytes())
        case ".csv":
            text = path.read_text()
            if not text.endswith("\n") or len({len(row) for row in csv.reader(text.splitlines())}) != 1:
                yield "torn"
        case ".parquet":
            pq.read_table(path)
        case ".qgs" | ".qml":
            ET.parse(path)
        case ".gpkg":
            told = sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute("pragma integrity_check").fetchone()
            if told != ("ok",):
                yield str(told)


def torn(folder: Path) -> list[str]:
    """Everything a reader of the folder would find half-written."""
    places = sorted((folder / "observations").glob("[!.]*"))
    found = [f"{place}: not what its record says" for place in places if read_record(place) is None]
    for path in sorted(folder.rglob("[!.]*")):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        try:
            found += [f"{path}: {fault}" for fault in _faults_of_one(path)]
        except (ValueError, OSError, ET.ParseError, sqlite3.Error) as error:
            found.append(f"{path}: {error}")
    return found


def leftovers(folder: Path) -> list[Path]:
    """Temporary files."""
    return [path for path in folder.rglob(".*") if path.name != ".lock"]


def check_goes_on(config: Path, whole: dict[Path, bytes]) -> None:
    """Nothing is torn, and the next run ends as one that was never disturbed."""
    folder = config.parent / "out/bay"
    assert not (found := torn(folder)), found
    done = rerun(config)
    assert done.returncode == 0, done.stderr
    assert not (found := differences(tree(folder), whole)), found
    assert not (left := leftovers(folder)), left
