"""The report as people meet it: a real browser opens the page of a real run from disk."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from icepipe.config.schema import Config
from icepipe.publish.report import images
from icepipe.publish.report import page as pages
from icepipe.publish.report import page_data as data
from icepipe.publish.report.published_run import read_published_run
from icepipe.publish.report.write import FILES
from icepipe.publish.run_folder.manifest import read_manifest
from icepipe.workflow.run import run
from tests.conftest import ROOT
from tests.rasters import ICE, TRANSFORM, WATER, paint, write

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the browser chromium is not on this machine")

HOSTILE = "</script><img src=x onerror=alert(1)>"
NAMES = (HOSTILE, "\"quoted\" & 'single' <b>bold</b>", "\u05e9\u05dc\u05d5\u05dd (a) 1.2")
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1280, "height": 900}


def command(*arguments):
    program = [Path(sys.executable).parent / "icepipe", *map(str, arguments)]
    return subprocess.run(program, capture_output=True, text=True, check=False, timeout=300)


def ran(folder, name="test", **sections):
    inputs = {"scenes": str(folder / "*.tif")} | sections.pop("inputs", {})
    publish = {"folder": str(folder / "out")} | sections.pop("publish", {})
    return run(Config.model_validate({"name": name, "inputs": inputs, "publish": publish} | sections)).folder


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    out = tmp_path_factory.mktemp("samples")
    done = command("run", ROOT / "configs/arctic.yaml", "-q", "--set", f"publish.folder={out}")
    assert done.returncode == 0, done.stderr
    return out / "arctic"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=options)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser):
    """Opens the page of a run; nothing may be asked of a network, said in the console or pop up."""
    met, contexts = [], []

    def call(folder, viewport=WIDE, **options):
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: met.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: met.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (met.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda asked: met.append(asked.url[:80]) if not is_own(asked.url) else None)
        page.goto((folder / "report.html").as_uri())
        return page

    yield call
    for context in contexts:
        context.close()
    assert met == []


def is_own(url):
    return url.startswith(("data:", "blob:")) or (url.startswith("file:") and url.split("?")[0].endswith("report.html"))


def table(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def rows_of(folder, **wanted):
    rows = table(folder / "series.csv")
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def key_of(page):
    return page.locator("#readout strong").text_content()


def test_the_headline_tells_the_newest_numbers_with_bounds(samples, visit):
    headline = visit(samples).locator(".headline").text_content()
    row = rows_of(samples, **{"date": "2024-09-10", "class": "ice"})[0]
    for column in ("area_km2", "area_low_km2", "area_high_km2"):
        assert f"{float(row[column]):.2f}" in headline
    assert "2024-09-10" in headline
    assert "No flags" in headline


def test_flags_of_the_newest_date_stand_in_the_headline(tmp_path, visit):
    write(tmp_path / "x_20240701.tif", paint(["iiww", "iiww", "wwww"]))
    headline = visit(ran(tmp_path)).locator(".headline").text_content()
    assert "cloud_not_screened" in headline
    assert "land_not_masked" in headline


def test_the_slider_moves_the_map_and_the_cursor_of_the_chart(samples, visit):
    page = visit(samples)
    before = page.evaluate("[document.getElementById('map-classes').src, document.getElementById('map-picture').src]")
    cursor = page.locator("#chart-cursor").get_attribute("d")
    assert key_of(page) == "2024-09-10"
    page.locator("#date").focus()
    page.keyboard.press("Home")
    assert key_of(page) == "2024-06-10"
    assert page.locator("#date").get_attribute("aria-valuetext") == "2024-06-10"
    after = page.evaluate("[document.getElementById('map-classes').src, document.getElementById('map-picture').src]")
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert page.locator("#chart-cursor").get_attribute("d") != cursor
    page.locator("#later").click()
    assert key_of(page) == "2024-06-22"
    page.locator("#chart svg").scroll_into_view_if_needed()
    box = page.locator("#chart svg").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 20, box["y"] + 50)
    assert key_of(page) == "2024-09-10"


def test_the_map_shows_the_classes_of_the_raster(samples, visit):
    """Parts of the picture against those of the raster, in the colours that the class table has."""
    import rasterio

    page = visit(samples)
    seen = page.evaluate(
        """async () => { const i = document.getElementById('map-classes'); await i.decode();
        const c = document.createElement('canvas'); c.width = i.naturalWidth; c.height = i.naturalHeight;
        const p = c.getContext('2d'); p.drawImage(i, 0, 0);
        return [...p.getImageData(0, 0, c.width, c.height).data]; }"""
    )
    pixels = np.array(seen).reshape(-1, 4)
    with rasterio.open(next((samples / "observations/2024-09-10").glob("*_classes.tif"))) as dataset:
        codes, colours = dataset.read(1), dataset.colormap(1)
    for code in (1, 2, 5):
        part = np.mean(np.all(pixels[:, :3] == colours[code][:3], axis=1))
        assert part == pytest.approx(np.mean(codes == code), abs=0.005)


def test_gain_and_loss_between_any_two_dates(samples, visit):
    page = visit(samples)
    changes = table(samples / "change.csv")
    lost = sum(
        float(row["area_km2"])
        for row in changes
        if row["to_date"] == "2024-09-10" and row["from_class"] == "ice" and row["to_class"] in {"water", "other"}
    )
    assert f"{lost:.3f}" in page.locator("#change-table").text_content()
    page.locator("#change-from").select_option(label="2024-06-10")
    page.wait_for_function("document.getElementById('change-map').dataset.pair === '2024-06-10 2024-09-10'")
    assert "ice lost" in page.locator("#change-legend").text_content()
    assert "differences of the areas" in page.locator("#change-note").text_content()
    first, last = (
        float(rows_of(samples, **{"date": d, "class": "ice"})[0]["weighted_km2"]) for d in ("2024-06-10", "2024-09-10")
    )
    assert f"{last - first:.2f}" in page.locator("#change-table").text_content()


def column(page, number):
    return page.locator(f".sorts tbody tr :nth-child({number})").all_text_contents()


def test_the_table_sorts_by_its_headers_with_the_keyboard(samples, visit):
    page = visit(samples)
    header = page.locator(".sorts thead th").nth(1)
    header.locator("button").focus()
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "ascending"
    values = [float(text) for text in column(page, 2)]
    assert values == sorted(values)
    assert len(values) == 8
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "descending"
    assert [float(text) for text in column(page, 2)] == values[::-1]
    assert page.locator(".sorts th[aria-sort]").count() == 1


def test_the_download_is_the_series(samples, visit, tmp_path):
    page = visit(samples)
    with page.expect_download() as waited:
        page.locator("#download").click()
    waited.value.save_as(tmp_path / "got.csv")
    assert waited.value.suggested_filename == "series.csv"
    assert (tmp_path / "got.csv").read_bytes() == (samples / "series.csv").read_bytes()


def test_the_tab_key_reaches_everything_that_can_be_used(samples, visit):
    page = visit(samples)
    usable = "a[href], button:not([disabled]), input, select, summary, [tabindex='0']"
    wanted = page.locator(usable).count()
    page.evaluate("window.reached = new Set()")
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        page.evaluate("window.reached.add(document.activeElement)")
    missed = page.evaluate(
        f'[...document.querySelectorAll("{usable}")].filter((e) => !window.reached.has(e)).map((e) => e.outerHTML)'
    )
    assert missed == []
    page.locator("#date").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [NARROW, WIDE], ids=["narrow", "wide"])
def test_axe_finds_no_serious_fault_and_nothing_scrolls_sideways(samples, visit, scheme, viewport):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(samples, viewport, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    violations = Axe().run(page).response["violations"]
    told = [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in violations
        if violation["impact"] in {"serious", "critical"}
    ]
    assert told == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(244, 247, 250)", "dark": "rgb(14, 21, 28)"}[scheme]


def test_it_prints_on_a4_without_controls(samples, visit):
    page = visit(samples)
    pdf = page.pdf(prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") == 4
    assert b"595" in pdf
    page.emulate_media(media="print")
    assert not page.locator("#download").is_visible()
    assert not page.locator("#date").is_visible()
    assert page.locator(".sorts").is_visible()


@pytest.fixture
def hostile(tmp_path):
    tiles = {"x_20240701.tif": ["iiww", "iiww", "wwww"], "x_20240703.tif": ["iwww", "wwww", "wwww"]}
    for name, letters in tiles.items():
        write(tmp_path / name, paint(letters))
    (tmp_path / "<img src=x onerror=alert(1)>_20240705.tif").write_text("no raster")
    left, top, side = TRANSFORM.c, TRANSFORM.f, TRANSFORM.a
    features = [
        {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [[x, top], [x, top - 3 * side], [x + side, top - 3 * side], [x + side, top], [x, top]]
                    for x in [left + number * side]
                ],
            },
        }
        for number, name in enumerate(NAMES)
    ]
    system = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3413"}}
    outlines = tmp_path / "regions.geojson"
    outlines.write_text(json.dumps({"type": "FeatureCollection", "crs": system, "features": features}))
    return ran(tmp_path, inputs={"regions": str(outlines)})


def test_the_map_outlines_the_regions_and_the_chosen_one_is_bold(hostile, visit):
    page = visit(hostile)
    side = page.evaluate("document.querySelector('#map').getBoundingClientRect().width / 3")
    for number, name in enumerate(NAMES):
        page.locator("#region").select_option(label=name)
        chosen = page.locator("#map path.chosen")
        assert chosen.count() == 1
        place = page.evaluate(
            """() => {
                const [path, map] = ["#map path.chosen", "#map"].map((one) => document.querySelector(one));
                const [a, b] = [path, map].map((one) => one.getBoundingClientRect());
                return [a.left - b.left, a.top - b.top, a.width, a.height / b.height];
            }"""
        )
        order = [row["region"] for row in rows_of(hostile)]
        assert page.evaluate("document.querySelector('#map path.chosen').dataset.outline") == str(
            list(dict.fromkeys(order)).index(name)
        )
        assert place == pytest.approx([number * side, 0, side, 1], abs=0.01 * side)


def test_a_region_that_is_all_the_scenes_cover_has_no_outline(samples, visit):
    assert visit(samples).locator("#map path").count() == 0


def test_names_full_of_markup_are_shown_as_text(hostile, visit):
    page = visit(hostile)
    told = {row["region"] for row in rows_of(hostile)}
    assert HOSTILE in told
    assert set(page.locator("#region option").all_text_contents()) == told
    for number, name in enumerate(page.locator("#region option").all_text_contents()):
        page.locator("#region").select_option(str(number))
        assert page.locator(f".headline[data-region='{number}'] bdi").text_content() == name
        assert page.locator(".headline:visible").count() == 1
        assert page.locator(".sorts:visible caption bdi").text_content() == name
    assert "<img src=x onerror=alert(1)>_20240705.tif" in page.locator(".failed").text_content()
    assert page.locator("img[src='x']").count() == 0
    assert page.locator("b").count() == 0
    assert (hostile / "report.html").read_text().count("</script>") == 2


def test_an_injected_script_would_not_run(samples, tmp_path, browser):
    """The policy stands behind the escapes: a script, a handler, a style and a picture put into it are refused."""
    text = (samples / "report.html").read_text()
    put = "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'><p id=p style='color: red'>x</p>"
    (tmp_path / "report.html").write_text(text.replace("<main", f"{put}<main", 1))
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    assert page.evaluate("window.ran") is None
    assert page.evaluate("getComputedStyle(document.getElementById('p')).color") != "rgb(255, 0, 0)"
    page.close()


def test_without_scripts_the_numbers_are_there(samples, visit):
    page = visit(samples, java_script_enabled=False)
    assert page.locator(".sorts tbody tr").count() == 8
    assert "need scripts" in page.locator("noscript").text_content()


def test_a_hundred_observations_stay_under_two_megabytes(tmp_path, visit):
    draw = np.random.default_rng(7)
    for number in range(100):
        date = np.datetime64("2024-01-01") + number
        ice = np.add.outer(np.arange(160), np.zeros(160)) + draw.normal(0, 5, (160, 160)) > 20 + number
        picture = np.where(ice[None], np.reshape(ICE, (3, 1, 1)), np.reshape(WATER, (3, 1, 1)))
        noisy = np.clip(picture + draw.integers(-12, 12, picture.shape), 1, 255).astype(np.uint8)
        write(tmp_path / f"x_{str(date).replace('-', '')}.tif", noisy)
    folder = ran(tmp_path, publish={"polygons": {"classes": ["ice"]}, "change": False})
    assert (folder / "report.html").stat().st_size < 2_000_000
    page = visit(folder)
    assert page.locator(".sorts tbody tr").count() == 100
    assert page.evaluate("document.getElementById('map-classes').naturalWidth") >= 80


def test_the_oldest_of_many_dates_have_numbers_and_no_map(samples, visit, monkeypatch, tmp_path):
    for room in (data, images, pages):
        monkeypatch.setattr(room, "MOST_PICTURED", 3)
    html = pages.render_page(read_published_run(samples))
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    opened = visit(tmp_path)
    assert not opened.locator("#map-lacking").is_visible()
    assert opened.locator("#change-map").is_visible()
    opened.locator("#date").focus()
    opened.keyboard.press("Home")
    assert opened.locator("#map-lacking").is_visible()
    assert not opened.locator("#map-classes").is_visible()
    assert "2024-06-10" in opened.locator("#readout").inner_text()
    opened.locator("#change-from").select_option("0")
    assert opened.locator("#change-lacking").is_visible()
    assert len(opened.locator("#change-body tr").all()) == 3
    assert html.count("data:image/png") == 6


def test_what_is_not_known_or_too_little_seen_breaks_the_line(tmp_path, visit):
    for day, letters in enumerate((["iiww"] * 3, ["iiww"] * 3, ["i..."] * 3, ["iwww"] * 3, ["iwww"] * 3), start=1):
        write(tmp_path / f"x_2024070{day}.tif", paint(letters), nodata=0)
    folder = ran(tmp_path)
    flags = rows_of(folder, **{"date": "2024-07-03", "class": "ice"})[0]["flags"]
    assert "under_min_valid" in flags
    page = visit(folder)
    assert page.locator("#chart path.line.stroke-ice").count() == 2
    assert page.locator("#chart circle.mark").count() == 5


def test_the_polar_map_of_nsidc(shared_data, tmp_path, visit):
    scenes = sorted((shared_data / "nsidc-seaice-geotiff/geotiff").glob("N_*_extent_v3.0.tif"))[:3]
    values = {0: "water", 1: "ice", 253: "land", 254: "land", 255: "unobserved"}
    inputs = {"scenes": [str(path) for path in scenes], "sensor": "classes", "classes": values}
    folder = ran(tmp_path, inputs=inputs, publish={"polygons": {"classes": ["ice"]}, "change": False})
    page = visit(folder)
    assert page.locator("#opacity").count() == 0
    width, height = page.evaluate(
        "[document.getElementById('map-classes').naturalWidth, document.getElementById('map-classes').naturalHeight]"
    )
    assert width / height == pytest.approx(304 / 448, rel=0.01)
    box = page.locator("#map").bounding_box()
    assert box["width"] / box["height"] == pytest.approx(304 / 448, rel=0.01)
    assert "nothing was clustered" in page.content()


def test_the_curve_of_k_stands_in_the_page(tmp_path, visit):
    write(tmp_path / "x_20240701.tif", paint(["iiww", "igww", "wwww"]))
    folder = ran(tmp_path, segment={"k": "elbow"})
    page = visit(folder)
    curve = json.loads((folder / "model.json").read_text())["k_curve"]
    assert page.locator("#k-table tbody tr").count() == len(curve)
    assert page.locator("#k-table .chosen").count() == 1
    assert page.locator("#k-chart circle").count() == len(curve)


def test_made_again_it_is_the_same_bytes_and_the_manifest_holds(samples):
    before = {name: (samples / name).read_bytes() for name in FILES}
    stamps = {name: (samples / name).stat().st_mtime_ns for name in FILES}
    done = command("report", samples)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(samples / "report.html")
    assert {name: (samples / name).stat().st_mtime_ns for name in FILES} == stamps
    (samples / "report.html").write_text("spoiled")
    (samples / "timelapse.gif").unlink()
    assert command("verify", samples).returncode == 6
    collection = (samples / "collection.json").read_bytes()
    assets = json.loads(collection)["assets"]
    assert set(FILES) <= assets.keys()
    (samples / "collection.json").write_text(json.dumps(json.loads(collection) | {"assets": {}}))
    assert command("report", samples).returncode == 0
    assert {name: (samples / name).read_bytes() for name in FILES} == before
    assert (samples / "collection.json").read_bytes() == collection
    assert command("verify", samples).returncode == 0


def test_a_folder_without_a_run_is_told(tmp_path):
    done = command("report", tmp_path)
    assert done.returncode == 2
    assert "no run has finished there" in done.stderr


def test_a_run_may_leave_it_out(tmp_path):
    write(tmp_path / "x_20240701.tif", paint(["iiww", "igww", "wwww"]))
    folder = ran(tmp_path)
    assert (folder / "report.html").is_file()
    assert not (folder / "timelapse.gif").exists()
    ran(tmp_path, publish={"report": False})
    assert not [name for name in FILES if (folder / name).exists()]
    (folder / "timelapse.gif").write_text("mine")
    ran(tmp_path, publish={"report": False, "polygons": {"classes": ["ice"]}})
    assert (folder / "timelapse.gif").read_text() == "mine"
    (folder / "timelapse.gif").unlink()
    ran(tmp_path, publish={"report": False})
    assert not set(FILES) & read_manifest(folder).keys()


def test_a_report_that_fails_loses_no_data(tmp_path):
    """A folder stands where the page should be: the run tells it, and everything else is published and listed."""
    write(tmp_path / "x_20240701.tif", paint(["iiww", "igww", "wwww"]))
    config = tmp_path / "c.yaml"
    config.write_text(json.dumps({"name": "bay", "inputs": {"scenes": "*.tif"}, "publish": {"folder": "out"}}))
    (tmp_path / "out/bay/report.html/mine").mkdir(parents=True)
    done = command("run", config)
    assert done.returncode == 6
    assert "report.html" in done.stderr
    assert "series.csv" in read_manifest(tmp_path / "out/bay")
    shutil.rmtree(tmp_path / "out/bay/report.html")
    assert command("run", config).returncode == 0
    assert command("report", config).stdout.strip() == str(tmp_path / "out/bay/report.html")
    assert command("verify", config).returncode == 0


def test_pictures_of_the_series_open_and_frames_are_of_one_size(samples):
    with Image.open(samples / "series.png") as picture:
        assert picture.size == (1000, 490)
    svg = (samples / "series.svg").read_text()
    assert "<svg" in svg
    assert "<text" not in svg
    assert "dc:date" not in svg
    with Image.open(samples / "timelapse.gif") as film:
        frames = [np.array(film.convert("RGB")) for number in range(film.n_frames) if film.seek(number) is None]
    assert len(frames) == 8
    assert len({frame.shape for frame in frames}) == 1
    assert all(np.any(frames[0] != frame) for frame in frames[1:])
    assert any(np.all(frames[0] == np.array(colour), axis=-1).sum() > 100 for colour in [(0, 68, 136)])


def test_the_page_is_one_text_that_any_reader_parses(samples):
    from html.parser import HTMLParser

    seen = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            seen.append((tag, dict(attributes)))

    reader = Reader()
    reader.feed((samples / "report.html").read_text())
    assert not [a for _, attributes in seen for a in attributes if a.startswith("on") or a == "style"]
    links = [v for _, attributes in seen for n, v in attributes.items() if n in {"src", "href"} and v]
    assert all(link.startswith(("#", "data:")) for link in links)
    assert io.StringIO((samples / "report.html").read_text()).readline().strip().lower() == "<!doctype html>"
