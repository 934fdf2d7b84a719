"""Tiles that come late, twice, broken or changed; failures that are many."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from icepipe.errors import IntegrityError
from icepipe.storage.atomic import replace_file
from tests.faults.injected import ICEPIPE, need_strace, rerun
from tests.faults.runs import noisy, settings
from tests.rasters import paint, write

SEED = 8


def rows(folder):
    return (folder / "series.csv").read_text().splitlines()


def days(folder):
    return sorted({line.split(",")[1] for line in rows(folder)[1:]})


def test_a_tile_that_the_disk_cannot_read_fails_by_name(tmp_path):
    need_strace()
    config = settings(tmp_path, 3, workers=1)
    trace = ["strace", "--seccomp-bpf", "-f", "-o", "/dev/null", "-P", str(tmp_path / "tiles/x_20240702.tif")]
    inject = ["-e", "trace=read,pread64", "-e", "inject=read,pread64:error=EIO:when=2+"]
    done = subprocess.run([*trace, *inject, ICEPIPE, "run", config], capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert "x_20240702.tif" in done.stderr
    assert days(tmp_path / "out/bay") == ["2024-07-01", "2024-07-03"]
    assert rerun(config).returncode == 0
    assert days(tmp_path / "out/bay") == ["2024-07-01", "2024-07-02", "2024-07-03"]


def cut(tmp_path, tries):
    """Every tile cut short is refused, whatever the length."""
    noisy(tmp_path / "tiles", 1)
    good = (tmp_path / "tiles/x_20240701.tif").read_bytes()
    draw = random.Random(SEED)
    for number, length in enumerate(sorted(draw.sample(range(len(good)), tries))):
        (tmp_path / f"tiles/cut{number}_20240801.tif").write_bytes(good[:length])
    config = tmp_path / "c.yaml"
    config.write_text(json.dumps({"name": "bay", "inputs": {"scenes": "tiles"}, "publish": {"folder": "out"}}))
    done = subprocess.run([ICEPIPE, "run", config, "-q"], capture_output=True, text=True, check=False)
    assert done.returncode == 4
    named = [line for line in done.stderr.splitlines() if "_20240801.tif: " in line]
    assert len(named) == tries
    assert days(tmp_path / "out/bay") == ["2024-07-01"]


def test_tiles_cut_at_two_hundred_lengths(tmp_path):
    cut(tmp_path, 200)


@pytest.mark.soak
def test_tiles_cut_at_a_thousand_lengths(tmp_path):
    cut(tmp_path, 1000)


@pytest.mark.parametrize("failures", [256, 512])
def test_exit_codes_do_not_wrap(tmp_path, failures):
    noisy(tmp_path / "tiles", 1)
    for number in range(failures):
        (tmp_path / f"tiles/bad{number}_20240801.tif").write_bytes(b"nothing")
    config = tmp_path / "c.yaml"
    config.write_text(json.dumps({"name": "bay", "inputs": {"scenes": "tiles"}, "publish": {"folder": "out"}}))
    assert rerun(config).returncode == 4


def test_a_tile_that_is_replaced_while_it_is_read_is_noticed_or_is_one_version(tmp_path):
    config = settings(tmp_path, 2, workers=1)
    assert rerun(config).returncode == 0
    tile, wanted = tmp_path / "tiles/x_20240702.tif", []
    shutil.copy(tmp_path / "tiles/x_20240701.tif", tmp_path / "other.tif")
    for source in (tile, tmp_path / "other.tif"):
        shutil.copy(source, tile) if source != tile else None
        shutil.rmtree(tmp_path / "out")
        assert rerun(config).returncode == 0
        wanted.append([line for line in rows(tmp_path / "out/bay") if ",2024-07-02," in line])
    first = (tmp_path / "tiles/x_20240701.tif").read_bytes()
    for delay in (1.2, 2.4):
        noisy(tmp_path / "tiles", 2)
        shutil.rmtree(tmp_path / "out")
        running = subprocess.Popen([ICEPIPE, "run", config, "-q"], stderr=subprocess.PIPE, text=True)
        time.sleep(delay)
        tile.write_bytes(first)
        told = running.communicate()[1]
        if running.returncode == 4:
            assert "x_20240702.tif" in told
        else:
            assert running.returncode == 0
            found = [line for line in rows(tmp_path / "out/bay") if ",2024-07-02," in line]
            assert [line.split(",")[4] for line in found] in [[line.split(",")[4] for line in one] for one in wanted]


def test_a_late_scene_is_put_in_its_place_and_other_rows_stay(tmp_path):
    config = settings(tmp_path, 4)
    late = (tmp_path / "tiles/x_20240702.tif").rename(tmp_path / "late.tif")
    assert rerun(config).returncode == 0
    before = rows(tmp_path / "out/bay")
    late.rename(tmp_path / "tiles/x_20240702.tif")
    assert rerun(config).returncode == 0
    after = rows(tmp_path / "out/bay")
    assert [line for line in after if ",2024-07-02," not in line] == before
    told = [line.split(",")[1] for line in after[1:]]
    assert told == sorted(told)
    late = (tmp_path / "tiles/x_20240702.tif").rename(tmp_path / "late.tif")
    done = rerun(config)
    assert "2024-07-02" in done.stdout
    assert "gone" in done.stdout
    assert rows(tmp_path / "out/bay") == after


def test_the_same_bytes_under_another_name_count_once(tmp_path):
    config = settings(tmp_path, 2)
    assert rerun(config).returncode == 0
    before = [line.split(",")[4:8] for line in rows(tmp_path / "out/bay")]
    shutil.copy(tmp_path / "tiles/x_20240701.tif", tmp_path / "tiles/y_20240701.tif")
    assert rerun(config).returncode == 0
    assert [line.split(",")[4:8] for line in rows(tmp_path / "out/bay")] == before


@pytest.mark.parametrize("what", ["nodata", "one value"])
def test_a_tile_without_anything_to_see_is_a_row_with_a_reason_or_a_failure(tmp_path, what):
    config = settings(tmp_path, 2)
    pixels = paint(["...."] * 2 if what == "nodata" else ["iiii"] * 2)
    write(tmp_path / "tiles/x_20240703.tif", np.kron(pixels, np.ones((1, 30, 15), dtype=np.uint8)), nodata=0)
    done = rerun(config)
    assert done.returncode in {0, 4}
    text = (tmp_path / "out/bay/series.csv").read_text().lower()
    assert "nan" not in text
    if what == "nodata":
        assert "2024-07-03" in done.stderr + done.stdout
        assert not [line for line in text.splitlines() if ",2024-07-03,ice,0," in line]


def test_nothing_to_see_at_all_is_three(tmp_path):
    write(tmp_path / "tiles/x_20240703.tif", paint(["...."] * 4), nodata=0)
    config = tmp_path / "c.yaml"
    config.write_text(json.dumps({"name": "bay", "inputs": {"scenes": "tiles"}, "publish": {"folder": "out"}}))
    assert rerun(config).returncode == 3


def test_an_output_folder_that_cannot_be_written_is_told_before_any_work(tmp_path):
    config = settings(tmp_path, 1)
    settled = json.loads(config.read_text())
    settled["publish"]["folder"] = "/proc/none"
    config.write_text(json.dumps(settled))
    done = rerun(config)
    assert done.returncode == 2
    assert "sample" not in done.stderr
    if os.geteuid() == 0 and shutil.which("unshare"):
        settled["publish"]["folder"] = "out"
        config.write_text(json.dumps(settled))
        (tmp_path / "out").mkdir()
        script = f"mount -t tmpfs -o ro tmpfs {tmp_path}/out && {ICEPIPE} run {config}"
        done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 2, done.stderr
        assert "sample" not in done.stderr


def test_a_rename_that_reports_failure_after_it_succeeded_loses_nothing(tmp_path, monkeypatch):
    def lying(path, target):
        os.rename(path, target)  # noqa: PTH104
        raise OSError(5, "Input/output error")

    target = tmp_path / "series.csv"
    target.write_text("old")
    monkeypatch.setattr(Path, "replace", lying)
    with pytest.raises(IntegrityError, match=r"series\.csv: cannot be written"), replace_file(target) as part:
        part.write_text("new")
    monkeypatch.undo()
    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["series.csv"]
    with replace_file(target) as part:
        part.write_text("newer")
    assert target.read_text() == "newer"
