"""Pruning of a run's folder whose ``run.json`` is damaged."""

import pytest

from icepipe.errors import ConfigError
from icepipe.publish.run_folder.prune import prune


@pytest.mark.parametrize("observations", ["3", '"2024-07-01"', "[]", "[[]]", "null"])
def test_a_list_of_observations_that_is_damaged_removes_nothing(tmp_path, observations):
    check_that_nothing_is_removed(tmp_path, f'{{"observations": {observations}}}')


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[1]", "{}", "\x00"])
def test_a_document_that_is_damaged_removes_nothing(tmp_path, text):
    check_that_nothing_is_removed(tmp_path, text)


def check_that_nothing_is_removed(folder, text):
    observation = folder / "observations" / "2024-07-01"
    observation.mkdir(parents=True)
    (folder / "run.json").write_text(text)
    with pytest.raises(ConfigError, match="no run has finished there"):
        prune(folder)
    assert observation.is_dir()
