"""What is done while pixels are read for a fit."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from icepipe.config.schema import Config
from icepipe.errors import NoUsableInput
from icepipe.runtime.parallel import prefetch
from icepipe.storage.fingerprint import Fingerprints, FolderSnapshot, file_stat, fingerprint
from icepipe.workflow.fit import fit_run
from icepipe.workflow.plan import make_plan
from icepipe.workflow.update_observations import prefetch_fingerprints
from tests.rasters import write


def silent(_what, _done, _total):
    """Told nothing."""


@pytest.fixture
def plan(tmp_path):
    """A plan over noise, of two dates."""
    for day in (1, 2):
        pixels = np.random.default_rng(day).integers(0, 256, (3, 64, 40)).astype(np.uint8)
        write(tmp_path / f"x_2024070{day}.tif", pixels)
    inputs = {"scenes": str(tmp_path / "*.tif"), "sensor": "rgb"}
    return make_plan(Config.model_validate({"name": "x", "inputs": inputs}))


def test_the_bytes_of_all_files_are_known_after_a_fit(plan):
    seen = Fingerprints({})
    model, faults = fit_run(
        plan, silent, lambda observation: prefetch_fingerprints(plan, seen, FolderSnapshot(), observation)
    )
    assert len(model.clusters)
    assert not faults
    for observation in plan.observations:
        path = observation.scenes[0].path
        assert seen.cached(str(path), file_stat(path)) == fingerprint(path)


def test_files_that_cannot_be_read_are_told_at_once(plan):
    """What is done meanwhile would never end."""
    stay = threading.Event()
    for observation in plan.observations:
        path = observation.scenes[0].path
        path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(NoUsableInput, match="no usable input"):
        fit_run(plan, silent, lambda _: stay.wait())
    stay.set()


def test_a_file_that_is_gone_is_left_to_the_check(plan, tmp_path):
    for path in tmp_path.glob("*.tif"):
        path.unlink()
    prefetch_fingerprints(plan, Fingerprints({}), FolderSnapshot(), plan.observations[0])


@pytest.mark.parametrize("depth", [1, 3, 50])
def test_results_come_in_order_and_no_more_are_made_than_asked(depth):
    begun = []

    def work(item):
        begun.append(item)
        return -item

    for number, result in enumerate(prefetch(work, range(30), depth)):
        assert result == -number
        assert len(begun) <= number + depth + 1
    assert begun == list(range(30))


def test_what_waits_is_given_up_where_one_fails():
    begun, go_on = [], threading.Event()

    def work(item):
        begun.append(item)
        if item == 1:
            raise ValueError(item)
        if item > 1:
            go_on.wait(0.2)
        return item

    with pytest.raises(ValueError, match="1"):
        list(prefetch(work, range(30), 20))
    assert len(begun) <= 4
