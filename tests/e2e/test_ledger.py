"""What a rerun does with the ledger: nothing new costs nothing, and nothing that changed goes unseen."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from icepipe.errors import IntegrityError, RunLocked
from icepipe.storage.ledger import open_ledger
from icepipe.storage.ledger_schema import MIGRATIONS
from tests.rasters import paint, write

FORKED = True

CLOSED = ["ii..", "ww.."]
OPEN = ["i...", "www."]


@pytest.fixture
def config(tmp_path):
    write(tmp_path / "tiles/a_20240701.tif", paint(CLOSED), nodata=0)
    write(tmp_path / "tiles/a_20240702.tif", paint(OPEN), nodata=0)
    path = tmp_path / "c.yaml"
    path.write_text(json.dumps({"name": "bay", "inputs": {"scenes": "tiles"}, "publish": {"folder": "out"}}))
    return path


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "out/bay"


def steps(path):
    """Stages and observations of a JSON log."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [(line["stage"], line["observation"]) for line in lines if "seconds" in line]


def stamps(folder):
    """When and what every output was written; the ledger aside, which keeps its own notes."""
    files = sorted(p for p in folder.rglob("[!.]*") if p.is_file() and not p.name.startswith("ledger.sqlite"))
    return {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in files}


def rerun(icepipe, config, tmp_path, *options, code=0):
    log = tmp_path / "log.jsonl"
    log.unlink(missing_ok=True)
    done = icepipe("run", config, "--log-json", log, *options)
    assert done.returncode == code, done.stderr
    done = [stage for stage in steps(log) if stage[0] in {"observe", "draw", "finish"}]
    return [*sorted(done[:-1]), *done[-1:]]


def published(folder):
    return {p.relative_to(folder): p.read_bytes() for p in (folder / "observations").rglob("*") if p.is_file()}


def rows(folder):
    return (folder / "series.csv").read_text()


def test_nothing_new_writes_nothing_and_tells_the_same(icepipe, config, folder):
    first = icepipe("run", config, "--json")
    before = stamps(folder)
    again = icepipe("run", config, "--json")
    assert stamps(folder) == before
    assert again.returncode == 0
    one, other = (json.loads(done.stdout.splitlines()[-1]) for done in (first, again))
    assert other["notes"] == ["2 observation(s) were up to date", *one["notes"]]
    assert {**one, "notes": []} == {**other, "notes": []}


def test_another_format_is_written_without_classifying(icepipe, config, folder, tmp_path):
    assert icepipe("run", config).returncode == 0
    raster, table = folder / "observations/2024-07-01/bay_2024-07-01_classes.tif", rows(folder)
    before = raster.read_bytes()
    done = rerun(icepipe, config, tmp_path, "--set", "publish.polygons.format=flatgeobuf")
    assert done == [("draw", "2024-07-01"), ("draw", "2024-07-02"), ("finish", "")]
    assert raster.read_bytes() == before
    assert rows(folder) == table
    names = {path.suffix for path in raster.parent.iterdir()}
    assert ".fgb" in names
    assert ".shp" not in names
    assert icepipe("verify", folder).returncode == 0
    assert not (folder / "history.csv").exists()


def test_redrawn_polygons_are_those_of_a_run_that_asked_for_them_at_once(icepipe, config, folder):
    options = ("--set", "publish.polygons.format=geoparquet", "--set", "publish.polygons.classes=ice")
    assert icepipe("run", config).returncode == 0
    assert icepipe("run", config, *options).returncode == 0
    redrawn = published(folder)
    shutil.rmtree(folder)
    assert icepipe("run", config, *options).returncode == 0
    assert redrawn == published(folder)


def test_an_alert_looks_at_the_series_alone(icepipe, config, tmp_path):
    assert icepipe("run", config).returncode == 0
    done = rerun(icepipe, config, tmp_path, "--set", "measure.min_valid=0.5", "--set", "measure.season=[9]")
    assert done == [("finish", "")]


def test_a_late_scene_redoes_its_own_date(icepipe, config, folder, tmp_path):
    assert icepipe("run", config).returncode == 0
    before = [line for line in rows(folder).splitlines() if "2024-07-01" in line]
    write(tmp_path / "tiles/b_20240702.tif", paint(["....", "...i"]), nodata=0)
    assert rerun(icepipe, config, tmp_path) == [("observe", "2024-07-02"), ("finish", "")]
    assert [line for line in rows(folder).splitlines() if "2024-07-01" in line] == before


def test_other_bytes_of_the_same_size_and_time_are_noticed(icepipe, config, folder, tmp_path):
    tile = tmp_path / "tiles/a_20240701.tif"
    assert icepipe("run", config).returncode == 0
    before, told = rows(folder), tile.stat()
    content = bytearray(tile.read_bytes())
    ice = bytes(paint(["i"])[:, 0, 0])
    water = bytes(paint(["w"])[:, 0, 0])
    assert len(ice) == len(water)
    where = content.find(ice)
    assert where >= 0
    content[where : where + len(ice)] = water
    tile.write_bytes(content)
    os.utime(tile, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert tile.stat().st_size == told.st_size
    assert rerun(icepipe, config, tmp_path) == [("observe", "2024-07-01"), ("finish", "")]
    assert rows(folder) != before
    assert "2024-07-01" in (folder / "history.csv").read_text()


def test_a_changed_output_is_made_again(icepipe, config, folder, tmp_path):
    assert icepipe("run", config).returncode == 0
    before = rows(folder)
    (folder / "series.csv").write_text("nothing")
    assert rerun(icepipe, config, tmp_path) == [("finish", "")]
    assert rows(folder) == before
    (folder / "observations/2024-07-02/bay_2024-07-02_ice.shp").unlink()
    assert rerun(icepipe, config, tmp_path) == [("observe", "2024-07-02"), ("finish", "")]
    assert icepipe("verify", folder).returncode == 0


def test_a_file_that_vanished_is_told_and_its_row_kept(icepipe, config, folder, tmp_path):
    assert icepipe("run", config).returncode == 0
    before = rows(folder)
    (tmp_path / "tiles/a_20240702.tif").unlink()
    done = icepipe("run", config)
    assert "gone or broken: 2024-07-02" in done.stdout
    assert rows(folder) == before
    assert "2024-07-02  done, but its input files are gone; its row is kept" in icepipe("status", folder).stdout


def test_status_tells_what_failed_and_why_and_what_waits(icepipe, config, folder, tmp_path):
    write(tmp_path / "tiles/a_20240703.tif", paint(CLOSED), nodata=0)
    (tmp_path / "tiles/b_20240703.tif").write_bytes(b"II*\0 cut short")
    assert icepipe("run", config).returncode == 4
    output = icepipe("status", folder).stdout
    assert "2024-07-01  done: ice" in output
    failed = next(line for line in output.splitlines() if line.startswith("2024-07-03"))
    assert "failed" in failed
    assert "b_20240703.tif" in failed
    assert "2 done, 1 failed" in output
    with open_ledger(folder) as ledger:
        entry = ledger.entries()["2024-07-01"]
        ledger.save_entries([type(entry)("2024-07-01", "waiting")])
    assert "2024-07-01  waiting for a run" in icepipe("status", folder).stdout


def test_a_ledger_that_was_deleted_comes_back_from_the_records(icepipe, config, folder, tmp_path):
    assert icepipe("run", config).returncode == 0
    with open_ledger(folder) as ledger:
        entries, before = ledger.entries(), rows(folder)
    (folder / "ledger.sqlite").unlink()
    assert rerun(icepipe, config, tmp_path) == [("finish", "")]
    with open_ledger(folder) as ledger:
        assert ledger.entries() == entries
    assert rows(folder) == before


@pytest.mark.parametrize("damage", [b"", b"no database " * 400])
def test_a_damaged_ledger_stops_the_run_and_tells_the_way_out(icepipe, config, folder, damage):
    assert icepipe("run", config).returncode == 0
    before = stamps(folder)
    (folder / "ledger.sqlite").write_bytes(damage)
    for command in (("run", config), ("status", folder)):
        done = icepipe(*command)
        assert done.returncode == 6
        assert "delete it" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert stamps(folder) == before
    assert (folder / "ledger.sqlite").read_bytes() == damage
    (folder / "ledger.sqlite").unlink()
    assert icepipe("run", config).returncode == 0


def test_an_overwritten_page_is_damage(icepipe, config, folder):
    assert icepipe("run", config).returncode == 0
    path = folder / "ledger.sqlite"
    content = bytearray(path.read_bytes())
    page = int.from_bytes(content[16:18])
    for at in range(page, len(content), page):
        content[at : at + 200] = b"\xa5" * 200
    path.write_bytes(content)
    done = icepipe("run", config)
    assert done.returncode == 6
    assert "delete it" in done.stderr


def test_a_lost_write_ahead_log_loses_nothing_of_the_series(icepipe, config, folder, tmp_path):
    """Killed in mid-run, and the log gone with it: the records tell what was done."""
    assert icepipe("run", config).returncode == 0
    connection = sqlite3.connect(folder / "ledger.sqlite")
    connection.execute("SELECT * FROM run").fetchall()  # the log stays as long as somebody reads
    write(tmp_path / "tiles/a_20240703.tif", paint(CLOSED), nodata=0)
    assert icepipe("run", config).returncode == 0
    assert (folder / "ledger.sqlite-wal").stat().st_size > 0
    copied = (folder / "ledger.sqlite").read_bytes()
    connection.close()
    for name in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    (folder / "ledger.sqlite").write_bytes(copied)
    assert rerun(icepipe, config, tmp_path) == [("finish", "")]
    assert "3 done" in icepipe("status", folder).stdout


def test_a_ledger_of_a_newer_icepipe_is_left_alone(icepipe, config, folder):
    assert icepipe("run", config).returncode == 0
    with sqlite3.connect(folder / "ledger.sqlite") as newer:
        newer.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    newer.close()
    before = (folder / "ledger.sqlite").read_bytes()
    done = icepipe("run", config)
    assert done.returncode == 2
    assert "newer icepipe" in done.stderr
    assert (folder / "ledger.sqlite").read_bytes() == before


def test_an_older_ledger_is_brought_up_whole_or_not_at_all(tmp_path, monkeypatch):
    with open_ledger(tmp_path) as ledger:
        ledger.save_outcome("run", "a", "kept")
    broken = "CREATE TABLE later (x); INSERT INTO nowhere VALUES (1)"
    monkeypatch.setattr("icepipe.storage.ledger_schema.MIGRATIONS", (*MIGRATIONS, broken))
    with pytest.raises(IntegrityError), open_ledger(tmp_path):
        pass
    monkeypatch.setattr("icepipe.storage.ledger_schema.MIGRATIONS", (*MIGRATIONS, "CREATE TABLE later (x)"))
    with open_ledger(tmp_path) as ledger:
        assert ledger.outcome("run") == ("a", "kept")
    with sqlite3.connect(tmp_path / "ledger.sqlite") as seen:
        assert seen.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
        assert seen.execute("SELECT count(*) FROM later").fetchone() == (0,)
    seen.close()


def test_a_ledger_that_another_program_holds_is_waited_for_and_then_given_up(tmp_path, monkeypatch):
    with open_ledger(tmp_path):
        pass
    monkeypatch.setattr("icepipe.storage.ledger_schema.BUSY_TIMEOUT_S", 0.3)
    connection = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(RunLocked, match="another program"), open_ledger(tmp_path) as ledger:
        ledger.save_outcome("run", "a", "b")
    connection.execute("ROLLBACK")
    connection.close()
    with open_ledger(tmp_path) as ledger:
        ledger.save_outcome("run", "a", "b")


def test_a_ledger_that_is_a_link_is_not_followed(icepipe, config, folder, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder.mkdir(parents=True)
    (folder / "ledger.sqlite").symlink_to(victim)
    assert icepipe("run", config).returncode == 2
    assert victim.read_text() == "mine"


def test_the_first_failure_stops_where_that_is_asked_for(icepipe, config, folder, tmp_path):
    (tmp_path / "tiles/b_20240701.tif").write_bytes(b"II*\0 cut short")
    done = icepipe("run", config, "--fail-fast")
    assert done.returncode == 4
    assert "b_20240701.tif" in done.stderr
    assert not (folder / "series.csv").exists()
    assert icepipe("run", config).returncode == 4
    assert "2024-07-02" in rows(folder)


def test_quiet_prints_nothing_but_what_fails(icepipe, config, tmp_path):
    done = icepipe("run", config, "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (tmp_path / "tiles/b_20240701.tif").write_bytes(b"II*\0 cut short")
    done = icepipe("run", config, "-q")
    assert done.returncode == 4
    assert done.stdout == ""
    assert "b_20240701.tif" in done.stderr


def test_log_lines_have_run_stage_seconds_pixels_and_memory(icepipe, config, tmp_path):
    log = tmp_path / "log.jsonl"
    assert icepipe("run", config, "--log-json", log).returncode == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len({line["run"] for line in lines}) == 1
    observed = next(line for line in lines if line["message"] == "observe 2024-07-01")
    assert observed["pixels"] == 8
    assert observed["seconds"] > 0
    assert observed["memory_mb"] > 50
    assert icepipe("run", config, "--log-json", log).returncode == 0
    assert len({json.loads(line)["run"] for line in log.read_text().splitlines()}) == 2
    done = icepipe("run", config, "--log-json", tmp_path / "none/log.jsonl")
    assert done.returncode == 2
    assert "--log-json" in done.stderr


def traced(config, tile, error, when):
    """A run whose reads of one file fail as the kernel would make them fail."""
    inject = f"inject=read:error={error}:when={when}"
    trace = ["strace", "--seccomp-bpf", "-f", "-qq", "-o", "/dev/null", "-e", "trace=read"]
    command = [*trace, "-e", inject, "-P", str(tile)]
    program = [str(Path(sys.executable).parent / "icepipe"), "run", str(config), "-v"]
    return subprocess.run([*command, *program], capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace, which makes system calls fail, is not here")
def test_a_disk_that_is_away_for_a_moment_is_asked_again_and_a_broken_one_is_not(config, tmp_path):
    """The fingerprint reads every byte before anything else of a run does, once the scene is described."""
    tile = tmp_path / "tiles/a_20240702.tif"
    reads = traced(config, tile, "EIO", "1000")
    assert reads.returncode == 0
    shutil.rmtree(tmp_path / "out")
    from_hash = next(n for n in range(1, 60) if is_of_the_fingerprint(config, tile, n, tmp_path))
    broken = traced(config, tile, "EIO", from_hash)
    assert "trying again" not in broken.stderr
    assert broken.returncode == 4
    shutil.rmtree(tmp_path / "out")
    away = traced(config, tile, "ESTALE", from_hash)
    assert "trying again" in away.stderr
    assert away.returncode == 0


def is_of_the_fingerprint(config, tile, number, tmp_path):
    """Whether the n-th read of a file is the fingerprint's; leaves no folder behind."""
    output = traced(config, tile, "EIO", number).stderr
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    return "cannot be read ([Errno 5]" in output
