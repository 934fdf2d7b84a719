"""The recipes for running unattended, checked by what they are for as far as a test can."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
ICEPIPE = Path(sys.executable).parent / "icepipe"


def test_systemd_takes_the_units(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on this machine")
    for unit in ("icepipe.service", "icepipe.timer"):
        text = (DEPLOY / unit).read_text().replace("/opt/icepipe/.venv/bin/icepipe", str(ICEPIPE))
        text = text.replace("file:///opt/icepipe", f"file://{ROOT}").replace("User=icepipe", "User=root")
        (tmp_path / unit).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", tmp_path / "icepipe.service", tmp_path / "icepipe.timer"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if "icepipe." in line]


def test_systemd_understands_the_hour():
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on this machine")
    hour = re.search(r"OnCalendar=(.*)", (DEPLOY / "icepipe.timer").read_text())[1]
    done = subprocess.run(["systemd-analyze", "calendar", hour], capture_output=True, text=True, check=True)
    assert "03:17:00" in done.stdout


def commands():
    """Every call of icepipe in the recipes, without the program's own name."""
    cron = (DEPLOY / "icepipe.cron").read_text().splitlines()[-1]
    assert re.match(r"\d+ \d+ \* \* \* icepipe icepipe ", cron)
    unit = re.search(r"ExecStart=(.*)", (DEPLOY / "icepipe.service").read_text())[1]
    podman = next(line for line in (DEPLOY / "Containerfile").read_text().splitlines() if "podman run" in line)
    yield from (cron.split(" icepipe icepipe ")[1], unit.split("bin/icepipe ")[1], podman.split(" icepipe ")[1])


@pytest.mark.parametrize("command", list(commands()))
def test_every_recipe_runs_a_command_that_there_is(icepipe, tmp_path, command):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    (tmp_path / "configs").mkdir()
    shutil.copy(ROOT / "configs/arctic.yaml", tmp_path / "configs")
    line = command.replace("/srv/icepipe/arctic.yaml", str(tmp_path / "configs/arctic.yaml"))
    done = icepipe(*shlex.split(line.replace("/var/log/icepipe", str(tmp_path))))
    assert (done.returncode, done.stderr if "-q" in command else "") == (0, "")
    assert (tmp_path / "out/arctic/series.csv").is_file()


def test_the_container_is_made_from_what_is_here():
    text = (DEPLOY / "Containerfile").read_text()
    copied = [name for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE) for name in line.split()[:-1]]
    assert {"requirements.lock", "pyproject.toml", "pipeline"} <= set(copied)
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert "USER icepipe" in text
    assert re.search(r"^FROM python:3\.1[1-3]-slim$", text, re.MULTILINE)
