"""What the documents show is what the commands print."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image

from icepipe.cli.reference import config_reference, flags_reference, rules_reference
from icepipe.config.schema import Config
from icepipe.flags import Flag
from icepipe.measure.area.series import COLUMNS
from icepipe.publish.tables.writers import HISTORY_COLUMNS
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


def test_the_cells_of_the_notebook_page_run(tmp_path, monkeypatch):
    for folder in ("configs", "data"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    Image.effect_noise((40, 30), 60).convert("RGB").save("bay.png")
    shell = InteractiveShell()
    cells = re.findall(r"```python\n(.*?)```", (ROOT / "docs/how-to/notebook.md").read_text(), re.DOTALL)
    results = [shell.run_cell(cell) for cell in cells]
    assert [done.success for done in results] == [True] * len(cells)
    shown = [shell.display_formatter.format(done.result)[0].keys() for done in results]
    expected = ("text/html", "image/png", "image/png", "text/html", "text/plain", "text/html")
    assert [kind in keys for kind, keys in zip(expected, shown, strict=True)] == [True] * 6


def test_the_reference_is_generated():
    assert (ROOT / "docs/reference/rules.md").read_text() == rules_reference()
    assert (ROOT / "docs/reference/config.md").read_text() == config_reference(Config)
    assert (ROOT / "docs/reference/flags.md").read_text() == flags_reference()


def test_the_page_on_the_series_lists_every_column_in_order():
    page = (ROOT / "docs/reference/series.md").read_text()
    table, _, history = page.partition("## Surface or pixel area")
    named = [
        name for line in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", line)
    ]
    assert named == list(COLUMNS)
    history = history.partition("## Replaced rows")[2]
    assert [name for name in HISTORY_COLUMNS if name not in COLUMNS and f"`{name}`" not in history] == []


def test_the_flags_that_a_page_explains_are_flags():
    page = (ROOT / "docs/how-to/change.md").read_text()
    section = page.partition("## Flags")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert len(named) == 3
    assert all(map(Flag, named))


@pytest.mark.parametrize("page", [p.relative_to(ROOT) for p in (ROOT / "docs").rglob("*.md")] + [Path("README.md")])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / target).exists(), target


@pytest.mark.parametrize("page", ["faults", "threats"])
def test_every_test_that_a_page_names_is_there(page):
    named = set(re.findall(r"`(test_\w+)`", (ROOT / f"docs/explanation/{page}.md").read_text()))
    existing = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert len(named) > 20
    assert named <= existing, named - existing
