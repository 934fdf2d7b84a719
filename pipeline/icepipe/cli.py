"""Parse, call, print, exit. Only this, `cli_assess` and `cli_folder` print; only this exits."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from icepipe import __version__, cli_assess, cli_folder
from icepipe.errors import ConfigError, IcepipeError, ObservationsFailed
from icepipe.interrupts import Interrupted, watch

if TYPE_CHECKING:
    from icepipe.config_measure import Measure
    from icepipe.finish import RunResult

app = typer.Typer(
    help="Ice and water area from satellite tiles, in true square kilometres.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(cli_assess.app, name="assess")

ConfigPath = Annotated[Path, typer.Argument(help="The config file (YAML).", metavar="CONFIG")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set any key of the config, e.g. segment.k=8.")
]
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


def _result_json(result: RunResult, measure: Measure) -> dict[str, Any]:
    from icepipe.measure.series import COLUMNS
    from icepipe.publish.trends import alert_documents, trend_document

    return {
        "folder": str(result.folder),
        "observations": len({row.date for row in result.rows}),
        "rows": [dict(zip(COLUMNS, vars(row).values(), strict=True)) for row in result.rows],
        "alerts": None if result.alerts is None else alert_documents(result.alerts),
        "trend": trend_document(result.trends, measure),
        "notes": list(result.notes),
        "failed": [str(fault) for fault in result.faults],
    }


@app.command()
def run(
    config: ConfigPath,
    as_json: Json = False,
    assignments: Set = None,
    only: Annotated[str, typer.Option(help="Work on these dates alone, e.g. 2024-07-01,2024-07-04.")] = "",
    workers: Annotated[int, typer.Option(min=0, max=64, help="Observations at once; 0 is as the config says.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Redo what is up to date, too.")] = False,
    rebase: Annotated[bool, typer.Option("--rebase", help="Make region, grid and model anew, and redo all.")] = False,
) -> None:
    """Do the main job: read tiles, name clusters, measure, and publish."""
    from icepipe.config_file import load

    extra = [f"batch.workers={workers}"] if workers else []
    settings = load(config, [*(assignments or []), *extra])
    from icepipe.stages import run as run_stages
    from icepipe.words import alert_lines, closing_table

    dates = [date.strip() for date in only.split(",") if date.strip()]
    result = run_stages(settings, _progress(), only=dates, force=force, rebase=rebase)
    if result.rows:
        print("\n".join(closing_table(result.rows)))
    for line in alert_lines(result.alerts or ()):
        print(line)
    for note in result.notes:
        print(note)
    print(f"Written to {_shown(result.folder)}")
    if as_json:
        print(json.dumps(_result_json(result, settings.measure), allow_nan=False))
    for fault in result.faults:
        _say(f"icepipe: {fault}")
    if result.faults:
        raise ObservationsFailed(f"{len(result.faults)} input(s) failed, the rest is published")


@app.command()
def check(config: ConfigPath, assignments: Set = None) -> None:
    """Show what a run would do, without doing it. Writes nothing."""
    from icepipe.config_file import load

    settings = load(config, assignments or [])
    from icepipe.plan import make_plan
    from icepipe.words import plan_lines

    planned = make_plan(settings)
    print("\n".join(plan_lines(planned)))
    if planned.catalog.faults:
        raise ObservationsFailed(f"{len(planned.catalog.faults)} input(s) cannot be used")


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder of tiles.")]) -> None:
    """Look at a folder of tiles and print a commented config that runs."""
    from icepipe.starter import starter_config

    print(starter_config(folder), end="")


@app.command()
def inspect(files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Rasters.")]) -> None:
    """Tell what icepipe understands of a raster."""
    from icepipe.errors import InputError
    from icepipe.words import inspect_lines

    faults = []
    for path in files:
        try:
            print("\n".join(inspect_lines(path)))
        except InputError as fault:
            faults.append(fault)
            _say(f"icepipe: {fault}")
    if faults:
        raise ObservationsFailed(f"{len(faults)} file(s) cannot be used") if len(faults) < len(files) else faults[0]


@app.command()
def explain(
    target: Annotated[Path, typer.Argument(metavar="RUN", help="A config file or an output folder.")],
    date: Annotated[str, typer.Argument(help="One observation; all of them where none is given.")] = "",
) -> None:
    """Tell why each cluster got its name."""
    from icepipe.publish.explain import explain_text, read_document

    folder = cli_folder.folder_of(target) / "observations"
    documents = [path for path in sorted(folder.glob("*/explain.json")) if date in {"", path.parent.name}]
    if not documents:
        raise ConfigError(
            f"{folder}: no observation {date or 'at all'}", "run `icepipe run` first, or name another date"
        )
    for path in documents:
        print(explain_text(read_document(path.read_text(encoding="utf-8"), str(path))))


@app.command()
def compare(
    target: Annotated[Path, typer.Argument(metavar="RUN", help="A config file or an output folder.")],
    before: Annotated[str, typer.Argument(metavar="DATE", help="The observation to start from.")],
    after: Annotated[str, typer.Argument(metavar="DATE", help="The one to compare it with.")],
    as_json: Json = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the polygons, to a .gpkg.")] = None,
) -> None:
    """Tell gain and loss between two observations, on what was seen on both days."""
    from icepipe.comparison import compare_json, compare_lines, compare_observations

    written = out.absolute() if out else None
    compared = compare_observations(cli_folder.folder_of(target).absolute(), before, after, written)
    print("\n".join(compare_lines(compared)))
    if written:
        print(f"Written to {_shown(written)}")
    if as_json:
        print(json.dumps(compare_json(compared, written), allow_nan=False))


@app.command()
def schema(
    markdown: Annotated[bool, typer.Option("--markdown", help="A table for people instead of JSON Schema.")] = False,
    rules: Annotated[bool, typer.Option("--rules", help="Sensors, rules and thresholds instead.")] = False,
) -> None:
    """Print the JSON Schema of a config, or the reference pages made from the program's own tables."""
    from icepipe.config import Config
    from icepipe.config import schema as config_schema

    if not markdown and not rules:
        print(json.dumps(config_schema(), indent=1))
        return
    from icepipe.reference import config_reference, rules_reference

    print(rules_reference() if rules else config_reference(Config), end="")


cli_folder.register(app)


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
    watch()
    try:
        app(standalone_mode=True)
    except IcepipeError as error:
        _say(f"icepipe: {error}")
        sys.exit(error.exit_code)
    except Interrupted as interrupted:
        _say("icepipe: interrupted; run again to continue")
        sys.exit(128 + interrupted.number)
    except Exception:  # noqa: BLE001
        traceback.print_exc()
        _say("icepipe: this is a bug; please report the lines above")
        sys.exit(1)
