"""Config files that would eat time or memory, or say what cannot be meant: refused within a second, the line named."""

from __future__ import annotations

import time

import pytest

from icepipe.config.loader import load
from tests.faults.runs import noisy

FORKED = True

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

GOOD = "name: bay\ninputs: {scenes: tiles}\npublish: {folder: out}\n"

TEXTS = {
    "bomb": (BOMB, "line 2"),
    "deep": ("a: " + "[" * 5000 + "]" * 5000, "line 1"),
    "twice": (GOOD + "name: bay\n", "line 4"),
    "python": ("name: !!python/object/apply:os.system ['true']\n", ""),
    "unknown": (GOOD + "segmnt: {k: 3}\n", "line 4: unknown key segmnt, did you mean segment?"),
    "type": (GOOD + "segment: {k: many}\n", "line 4: segment.k"),
    "no": (GOOD + "segment: {k: no}\n", "line 4: segment.k"),
    "exponent": (GOOD + "segment: {k: 1e3}\n", "line 4: segment.k"),
    "nan": (GOOD + "measure: {min_patch_m2: .nan}\n", "line 4: measure.min_patch_m2"),
    "zero": (GOOD + "segment: {k: 0}\n", "line 4: segment.k"),
    "negative": (GOOD + "measure: {min_patch_m2: -1}\n", "line 4: measure.min_patch_m2"),
    "infinite": (GOOD.replace("out}", "out, polygons: {simplify_m: .inf}}"), "line 3: publish.polygons.simplify_m"),
    "list": ("- name: bay\n", "not a mapping"),
    "nothing": ("", "not a mapping"),
    "bytes": ("\0\1\2", ""),
    "two": (GOOD + "---\n" + GOOD, ""),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_config_that_cannot_be_meant_is_refused_at_once(icepipe, config, tmp_path, kind):
    text, told = TEXTS[kind]
    config.write_text(text)
    start = time.process_time()
    done = icepipe("run", config)
    assert done.returncode == 2, done.stderr
    assert time.process_time() - start < 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_config_of_50_megabytes_is_not_read(icepipe, config):
    config.write_text("# " + "x" * 50_000_000)
    done = icepipe("run", config)
    assert done.returncode == 2
    assert "larger than 1000000 bytes" in done.stderr


def test_a_number_with_a_leading_zero_is_no_octal_and_no_is_a_name(config):
    config.write_text(GOOD.replace("bay", "no") + "segment: {k: 012}\n")
    found = load(config)
    assert (found.name, found.segment.k) == ("no", 12)


@pytest.mark.parametrize("text", [b"\x80\x04\x95pickled", b"{", b"[]", b'{"centroids": [[0, 0]]}', b""])
def test_a_model_file_that_is_none_is_refused(icepipe, config, tmp_path, text):
    noisy(tmp_path / "tiles", 1)
    (tmp_path / "tiles/a_20240701.tif").unlink()
    (tmp_path / "m.json").write_bytes(text)
    config.write_text(GOOD + "segment: {fit: m.json}\n")
    done = icepipe("run", config)
    assert done.returncode == 2, done.stderr
    assert "m.json" in done.stderr
    assert not (tmp_path / "out").exists()
