"""What a config may say, and how it is refused."""

from __future__ import annotations

import time

import pytest

from icepipe.config.loader import load
from icepipe.errors import ConfigError

GOOD = "name: bay\ninputs:\n  scenes: tiles/*.tif\n"


@pytest.fixture
def write(tmp_path):
    def call(text):
        path = tmp_path / "config.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return call


def test_the_shortest_config_has_every_default(write, tmp_path):
    config = load(write(GOOD))
    assert config.inputs.scenes == (str(tmp_path / "tiles/*.tif"),)
    assert config.segment.k == 6
    assert config.run_folder == tmp_path.parent / "out" / "bay"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "segmnt:\n  k: 5\n", "line 4: unknown key segmnt, did you mean segment?"),
        (GOOD + "segment:\n  kk: 5\n", "line 5: unknown key segment.kk, did you mean k?"),
        (GOOD + "segment:\n  labels:\n    pins: 1\n", "line 6: unknown key segment.labels.pins"),
        (GOOD + "  sensor: classes\n  classes: {0: water}\nsegment: {k: 5}\n", "yaml: segment: class rasters are not"),
        (GOOD + "segment:\n  k: 1\n", "line 5: segment.k: .*greater than or equal to 2, not 1"),
        (GOOD + "segment:\n  k: 99\n", "line 5: segment.k: .*less than or equal to 32, not 99"),
        (GOOD + "segment:\n  k: no\n", "line 5: segment.k: .*not 'no'"),
        (GOOD + "segment:\n  k: 5.5\n", "line 5: segment.k"),
        (GOOD + "measure:\n  min_valid: .nan\n", "line 5: measure.min_valid"),
        (GOOD + "measure:\n  period: week\n", "line 5: measure.period: .*'8day' or 'month'"),
        (GOOD + "name: other\n", 'line 4: found duplicate key "name"'),
        ("inputs:\n  scenes: a.tif\n", "name is missing"),
        ("name: bay\n", "inputs is missing"),
        ("name: ../../x\ninputs: {scenes: a.tif}\n", "line 1: name"),
        ("name: bay\ninputs: {scenes: []}\n", "inputs.scenes: names no file"),
        ("a: &a [x]\nb: *a\n", "line 2: aliases"),
        ("[" * 50 + "]" * 50, "nested more than 20 deep"),
        ("name: [\n", "line 2"),
        ("just text\n", "not a mapping"),
        ("name: ${NO_SUCH_VARIABLE}\n", "no variable NO_SUCH_VARIABLE"),
        (b"name: \xff\xfe\n", "cannot be read"),
        (b"#" * 1_000_001, "larger than"),
    ],
)
def test_faults_name_line_and_key(write, text, message):
    started = time.monotonic()
    with pytest.raises(ConfigError, match=message):
        load(write(text))
    assert time.monotonic() - started < 5


def test_every_fault_is_reported_at_once(write):
    with pytest.raises(ConfigError) as error:
        load(write(GOOD + "segment:\n  k: 1\n  sample: 1\n"))
    assert len(str(error.value).splitlines()) == 2


def test_variables_come_from_the_environment(write, monkeypatch, tmp_path):
    monkeypatch.setenv("TILES", "from_env")
    assert load(write(GOOD.replace("tiles", "${TILES}"))).inputs.scenes == (str(tmp_path / "from_env/*.tif"),)


def test_the_digest_follows_settings_and_not_paths(write):
    plain = load(write(GOOD)).digest
    assert load(write(GOOD.replace("tiles", "elsewhere"))).digest == plain
    assert load(write(GOOD + "segment: {k: 7}\n")).digest != plain


@pytest.mark.parametrize(
    "key",
    [
        "season: [9]",
        "baseline: [1981-01-01, 2010-12-31]",
        "dates_under_km2: {ice: 1000}",
        "processing_changed: [2022-01-25]",
        "alerts: {class: water, over_km2: 10}",
    ],
)
def test_what_looks_at_the_finished_series_changes_no_observation(write, key):
    plain = load(write(GOOD))
    other = load(write(f"{GOOD}measure:\n  {key}\n"))
    assert other.measure != plain.measure
    assert other.digest == plain.digest


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("season: []", "measure.season"),
        ("season: [13]", "measure.season"),
        ("season: [9, 8]", "in order"),
        ("season: [8, 8]", "in order"),
        ("season: [12, 1, 12]", "in order"),
        ("season: [12, 2]", "in order"),
        ("baseline: [2010-01-01, 1981-01-01]", "ends before it begins"),
        ("dates_under_km2: {land: 3}", "measure.dates_under_km2"),
        ("alerts: {class: ice}", "needs under_km2"),
        ("alerts: [{under_km2: 1, as_of: 2024-01-01}]", "needs unseen_days"),
        ("alerts: {undr_km2: 1}", "measure.alerts"),
        ("alerts: {faster_km2_per_day: 0}", "measure.alerts"),
    ],
)
def test_faults_of_trends_and_alerts_name_line_and_key(write, key, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load(write(f"{GOOD}measure:\n  {key}\n"))
    assert "line 5: " in str(caught.value)


def test_winters_and_single_alerts_are_understood(write):
    measure = load(write(f"{GOOD}measure: {{season: [12, 1, 2], alerts: {{under_km2: 5}}}}\n")).measure
    assert measure.season == (12, 1, 2)
    assert [(alert.class_, alert.under_km2) for alert in measure.alerts] == [("ice", 5.0)]


def test_a_missing_file_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.yaml")
