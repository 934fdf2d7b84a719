"""What the documents show is what the commands print."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from icepipe.config import Config
from icepipe.reference import config_reference, rules_reference
from tests.conftest import ROOT

BLOCK = re.compile(r"```console\n\$ icepipe (?P<command>[^\n]*)\n(?P<output>.*?)```", re.DOTALL)


def test_commands_in_the_readme_print_what_it_shows(icepipe, tmp_path):
    for folder in ("configs", "data"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    blocks = list(BLOCK.finditer((ROOT / "README.md").read_text()))
    assert len(blocks) == 3
    for block in blocks:
        done = icepipe(*shlex.split(block["command"]), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout == block["output"], block["command"]


def test_the_reference_is_generated():
    assert (ROOT / "docs/reference/rules.md").read_text() == rules_reference()
    assert (ROOT / "docs/reference/config.md").read_text() == config_reference(Config)


@pytest.mark.parametrize("page", [p.relative_to(ROOT) for p in (ROOT / "docs").rglob("*.md")] + [Path("README.md")])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / target).exists(), target


@pytest.mark.parametrize("page", ["faults", "threats"])
def test_every_test_that_a_page_names_is_there(page):
    named = set(re.findall(r"`(test_\w+)`", (ROOT / f"docs/explanation/{page}.md").read_text()))
    there = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert len(named) > 20
    assert named <= there, named - there
