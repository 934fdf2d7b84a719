"""The page on the architecture shows the packages as they import each other, and names only files that exist."""

from __future__ import annotations

import re
from itertools import product

import grimp
import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs/explanation/architecture.md").read_text()
PACKAGE = ROOT / "pipeline/icepipe"


def imports_of_packages():
    """Pairs (importer, imported) of packages and top-level modules, by import-linter's own graph."""
    graph = grimp.build_graph("icepipe")
    found = set()
    for importer in graph.modules - {"icepipe"}:
        for imported in graph.find_modules_directly_imported_by(importer) - {"icepipe"}:
            pair = importer.split(".")[1], imported.split(".")[1]
            if pair[0] != pair[1]:
                found.add(pair)
    return found


def without_implied(pairs):
    """Pairs that do not follow from a path over other pairs."""
    reach = set(pairs)
    nodes = {node for pair in pairs for node in pair}
    for middle, start, end in product(nodes, nodes, nodes):
        if (start, middle) in reach and (middle, end) in reach:
            reach.add((start, end))
    return {
        (start, end)
        for start, end in pairs
        if not any((start, middle) in reach and (middle, end) in reach for middle in nodes - {start, end})
    }


def test_the_drawing_shows_the_imports_and_no_others():
    drawing = re.search(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)[1]
    arrows = set(re.findall(r"^ *(\w+)(?:\[.*?\])? --> (\w+)", drawing, re.MULTILINE))
    assert arrows == without_implied(imports_of_packages())


def test_every_package_is_in_the_drawing():
    names = {path.stem for path in PACKAGE.iterdir() if path.stem not in {"__init__", "__pycache__", "py"}}
    assert names <= set(re.findall(r"\w+", re.search(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)[1]))


@pytest.mark.parametrize("place", sorted(set(re.findall(r"`([a-z][a-z_]*(?:/[a-z_]+)*(?:\.py|/))`", PAGE))))
def test_every_place_that_the_page_names_exists(place):
    assert (PACKAGE / place).exists() or (ROOT / place).exists()


def test_a_folder_can_be_taken_in_at_a_glance():
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert max(len(list(folder.glob("*.py"))) for folder in folders) <= 13
