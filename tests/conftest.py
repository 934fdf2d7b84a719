"""Fixtures shared by all tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from icepipe.config.schema import Config
from icepipe.workflow.result import RunResult
from icepipe.workflow.run import run
from tests.forked import Forker

ROOT = Path(__file__).resolve().parents[1]

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real rasters and published truth; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/data with real rasters is not on this machine")
    return folder


@pytest.fixture
def run_scenes(tmp_path: Path) -> Callable[..., RunResult]:
    """Run icepipe on some files with settings, into the test's own folder."""

    def call(
        scenes: Path | str | Sequence[Path], name: str = "test", only: Collection[str] = (), **sections: Any
    ) -> RunResult:
        patterns = [str(path) for path in scenes] if isinstance(scenes, list) else str(scenes)
        inputs = {"scenes": patterns} | sections.pop("inputs", {})
        publish = {"folder": str(tmp_path / "out")} | sections.pop("publish", {})
        return run(Config.model_validate({"name": name, "inputs": inputs, "publish": publish} | sections), only=only)

    return call


@pytest.fixture(scope="session")
def forker() -> Iterator[Forker]:
    """Does commands without their start; it begins with the first test that wants it."""
    waiting = Forker()
    yield waiting
    waiting.close()


@pytest.fixture
def started() -> Command:
    """The real command in a process of its own, from its start."""

    def call(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / "icepipe"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **options)

    return call


@pytest.fixture
def icepipe(request: pytest.FixtureRequest, started: Command) -> Command:
    """The real command, in a process of its own; where the module is FORKED, in one that has its libraries already."""
    if not getattr(request.module, "FORKED", False):
        return started
    forker: Forker = request.getfixturevalue("forker")

    def call(*arguments: object, cwd: Path | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
        if options:
            return started(*arguments, cwd=cwd, **options)
        return forker.run(list(map(str, arguments)), cwd or Path.cwd())

    return call
