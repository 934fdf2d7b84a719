"""Parse, call, print, exit. The only module that prints or exits."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from icepipe import __version__
from icepipe.errors import ConfigError, IcepipeError, ObservationsFailed

if TYPE_CHECKING:
    from icepipe.measure.series import Row
    from icepipe.stages import Plan, RunResult

app = typer.Typer(
    help="Ice and water area from satellite tiles, in true square kilometres.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ConfigPath = Annotated[Path, typer.Argument(help="The config file (YAML).", metavar="CONFIG")]
Json = Annotated[bool, typer.Option("--json", help="Last line of the output is one JSON object.")]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _shown(path: Path) -> Path:
    """A path as people type it: relative where it lies under the working folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _progress() -> Callable[[str, int, int], None]:
    """A bar on a terminal, a line a step elsewhere."""
    if not sys.stderr.isatty():
        return lambda what, done, total: _say(f"icepipe: {what} ({done}/{total})")
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(
        TextColumn("{task.description:>24}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task("")
    bar.start()

    def show(what: str, done: int, total: int) -> None:
        bar.update(task, description=what, completed=done, total=total)
        if what == "publish":
            bar.stop()

    return show


def _km2(value: float | None) -> str:
    return "" if value is None else f"{value:,.3f}"


def _cells(rows: Sequence[Row]) -> list[str]:
    by_class = {row.class_: row for row in rows}
    ice, water = by_class["ice"], by_class["water"]
    bounds = f"{_km2(ice.area_low_km2)} .. {_km2(ice.area_high_km2)}" if ice.area_km2 is not None else "not known"
    return [
        ice.date,
        _km2(ice.area_km2),
        bounds,
        _km2(water.area_km2),
        _km2(ice.unknown_km2),
        f"{ice.valid_fraction:.1%}",
        ice.flags.replace(";", " "),
    ]


def _closing_table(result: RunResult) -> str:
    """The series for people, as plain aligned text."""
    header = ["date", "ice km2", "ice low .. high", "water km2", "unknown km2", "seen", "flags"]
    dates = dict.fromkeys(row.date for row in result.rows)
    lines = [header, *(_cells([row for row in result.rows if row.date == date]) for date in dates)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    left = {0, len(header) - 1}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _result_json(result: RunResult) -> dict[str, Any]:
    from icepipe.measure.series import COLUMNS

    return {
        "folder": str(result.folder),
        "observations": len({row.date for row in result.rows}),
        "rows": [dict(zip(COLUMNS, vars(row).values(), strict=True)) for row in result.rows],
        "failed": [str(fault) for fault in result.faults],
    }


@app.command()
def run(config: ConfigPath, as_json: Json = False) -> None:
    """Do the main job: read tiles, name clusters, measure, and publish."""
    from icepipe.config import load

    settings = load(config)
    from icepipe.stages import run as run_stages

    result = run_stages(settings, _progress())
    if result.rows:
        print(_closing_table(result))
    print(f"Written to {_shown(result.folder)}")
    if as_json:
        print(json.dumps(_result_json(result), allow_nan=False))
    if result.faults:
        for fault in result.faults:
            _say(f"icepipe: {fault}")
        raise ObservationsFailed(f"{len(result.faults)} input(s) failed, the rest is published")


def _plan_lines(planned: Plan) -> list[str]:
    grid = planned.grid
    counts = f"{len(planned.catalog.scenes)} scene(s), {len(planned.observations)} observation(s)"
    lines = [
        f"{counts}, sensor {planned.sensor.key}",
        f"grid {grid.width} x {grid.height} pixels; areas measured on {planned.pixel_area.surface}",
    ]
    for observation in planned.observations:
        lines.append(observation.key)
        for scene in observation.scenes:
            mask = f"alpha band {scene.alpha}" if scene.alpha else f"nodata {list(scene.nodata) or 'none'}"
            lines.append(f"  {scene.path.name}  bands {list(scene.bands)}  {mask}  {scene.platform}".rstrip())
    lines += [f"will be skipped: {fault}" for fault in planned.catalog.faults]
    return lines


@app.command()
def check(config: ConfigPath) -> None:
    """Show what a run would do, without doing it. Writes nothing."""
    from icepipe.config import load
    from icepipe.stages import plan

    planned = plan(load(config))
    print("\n".join(_plan_lines(planned)))
    if planned.catalog.faults:
        raise ObservationsFailed(f"{len(planned.catalog.faults)} input(s) cannot be used")


def _run_folder(target: Path) -> Path:
    from icepipe.config import load

    return target if target.is_dir() else load(target).run_folder


@app.command()
def explain(
    target: Annotated[Path, typer.Argument(metavar="RUN", help="A config file or an output folder.")],
    date: Annotated[str, typer.Argument(help="One observation; all of them where none is given.")] = "",
) -> None:
    """Tell why each cluster got its name."""
    from icepipe.publish.explain import explain_text, read_document

    folder = _run_folder(target) / "observations"
    documents = sorted(folder.glob(f"{date or '*'}/explain.json"))
    if not documents:
        raise ConfigError(
            f"{folder}: no observation {date or 'at all'}", "run `icepipe run` first, or name another date"
        )
    for path in documents:
        print(explain_text(read_document(path.read_text(encoding="utf-8"), str(path))))


@app.command()
def schema(
    markdown: Annotated[bool, typer.Option("--markdown", help="A table for people instead of JSON Schema.")] = False,
) -> None:
    """Print the JSON Schema of a config."""
    from icepipe.config import Config
    from icepipe.config import schema as config_schema
    from icepipe.reference import config_reference

    print(config_reference(Config) if markdown else json.dumps(config_schema(), indent=1), end="" if markdown else "\n")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"icepipe {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Ice and water area from satellite tiles, in true square kilometres."""


def main() -> None:
    """Run the command line and exit with the code that fits."""
    try:
        app(standalone_mode=True)
    except IcepipeError as error:
        _say(f"icepipe: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _say("icepipe: interrupted; run again to continue")
        sys.exit(130)
    except Exception:  # noqa: BLE001
        traceback.print_exc()
        _say("icepipe: this is a bug; please report the lines above")
        sys.exit(1)
