"""The command `icepipe`: sets up the process, runs a subcommand, and turns errors into exit codes."""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from pathlib import Path
from typing import Annotated

import typer

from icepipe import __version__
from icepipe.cli import assess as cli_assess
from icepipe.cli import maintain as cli_maintain
from icepipe.cli import picture as cli_picture
from icepipe.cli import run as cli_run
from icepipe.cli.console import display_path, prepare_streams, print_error, print_result
from icepipe.cli.options import Json, Run
from icepipe.errors import ConfigError, IcepipeError, ObservationsFailed
from icepipe.runtime.gdal_environment import apply_gdal_settings
from icepipe.runtime.memory_allocator import limit_arenas, skip_final_gc, tune_allocator
from icepipe.runtime.signals import Interrupted, install_handlers

app = typer.Typer(
    help="Ice and water area from satellite tiles, in true square kilometres.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(cli_assess.app, name="assess")

cli_run.register(app)


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder with tiles.")]) -> None:
    """Print a commented config that runs on a folder of tiles."""
    from icepipe.workflow.starter import starter_config

    print_result(starter_config(folder), end="")


@app.command()
def inspect(files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Rasters.")]) -> None:
    """Print how a run would read a raster: grid, date, sensor, scaling and statistics."""
    from icepipe.errors import InputError
    from icepipe.workflow.inspect import inspect_lines

    faults = []
    for path in files:
        try:
            print_result("\n".join(inspect_lines(path)))
        except InputError as fault:
            faults.append(fault)
            print_error(f"icepipe: {fault}")
    if faults:
        # Exit code 4 if some files can be used, the code of the fault (3) if none can.
        raise ObservationsFailed(f"{len(faults)} file(s) cannot be used") if len(faults) < len(files) else faults[0]


@app.command()
def explain(
    target: Run,
    date: Annotated[str, typer.Argument(help="One observation; all if not given.")] = "",
) -> None:
    """Print why each cluster got its name."""
    from icepipe.publish.run_folder.paths import ObservationPaths, RunPaths
    from icepipe.publish.tables.explanation import explain_text, parse_explanation

    run = RunPaths(cli_maintain.run_folder(target))
    folders = [folder for folder in run.observation_folders() if date in {"", folder.name}]
    documents = [path for folder in folders if (path := ObservationPaths(folder).explanation).exists()]
    if not documents:
        raise ConfigError(
            f"{run.observations}: no observation {date}".rstrip(), "run `icepipe run` first, or name another date"
        )
    for path in documents:
        print_result(explain_text(parse_explanation(path.read_text(encoding="utf-8"), str(path))))


@app.command()
def compare(
    target: Run,
    before: Annotated[str, typer.Argument(metavar="DATE", help="The earlier observation.")],
    after: Annotated[str, typer.Argument(metavar="DATE", help="The later observation.")],
    as_json: Json = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the polygons to a .gpkg file.")] = None,
) -> None:
    """Print gain and loss between two observations, over the area that was seen on both dates."""
    from icepipe.workflow.changes.compare import compare_json, compare_lines, compare_observations

    written = out.resolve() if out else None
    compared = compare_observations(cli_maintain.run_folder(target).resolve(), before, after, written)
    print_result("\n".join(compare_lines(compared)))
    if written:
        print_result(f"Written to {display_path(written)}")
    if as_json:
        print_result(json.dumps(compare_json(compared, written), allow_nan=False))


@app.command()
def schema(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a table of keys instead.")] = False,
    rules: Annotated[bool, typer.Option("--rules", help="Print sensors, rules and thresholds instead.")] = False,
    flags: Annotated[bool, typer.Option("--flags", help="Print quality flags and their meaning instead.")] = False,
) -> None:
    """Print the JSON Schema of the config, or a reference page generated from the code."""
    from icepipe.config.schema import Config
    from icepipe.config.schema import schema as config_schema

    if not markdown and not rules and not flags:
        print_result(json.dumps(config_schema(), indent=1))
        return
    from icepipe.cli.reference import config_reference, flags_reference, rules_reference

    page = flags_reference() if flags else rules_reference() if rules else config_reference(Config)
    print_result(page, end="")


cli_picture.register(app)
cli_maintain.register(app)


def print_version(is_given: bool) -> None:
    """Print the version and exit, if the option is given."""
    if is_given:
        print_result(f"icepipe {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Ice and water area from satellite tiles, in true square kilometres."""


def describe_error(error: Exception) -> tuple[str, int]:
    """Return the message and the exit code for an error."""
    if isinstance(error, IcepipeError):
        return str(error), error.exit_code
    if isinstance(error, OSError):
        file = f"{error.filename}: " if error.filename else ""
        return f"{file}{error.strerror or error}; check free space, permissions and system limits", 1
    if isinstance(error, MemoryError | ImportError):
        return f"{error or 'out of memory'}; free some memory, or install icepipe again if it is damaged", 6
    where = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__} in {Path(where.filename).name}, line {where.lineno}: {error}"
    return f"{what}; this is a bug: run again with -v and report the output", 1


def silence_rasterio() -> None:
    """Ignore rasterio's warnings of files without a georeference: a run refuses them, and a picture needs none."""
    # Matched by message: naming the class of the warning would import rasterio at every start.
    for message in ("Dataset has no geotransform", "The given matrix is equal to Affine.identity"):
        warnings.filterwarnings("ignore", message=message)


def main() -> None:
    """Run the command line and exit with the exit code of its error, if any."""
    # GDAL reads its settings when it is loaded, and the C library its limits at the first thread: before anything else.
    apply_gdal_settings()
    silence_rasterio()
    limit_arenas()
    tune_allocator()
    prepare_streams()
    install_handlers()
    try:
        app(standalone_mode=True)
    except Interrupted as interrupted:
        print_error("icepipe: interrupted; run again to continue")
        sys.exit(128 + interrupted.number)
    # Whatever a library raises ends in one line and an exit code; -v adds the traceback.
    except Exception as error:  # noqa: BLE001
        if not {"-v", "--verbose"}.isdisjoint(sys.argv[1:]):
            traceback.print_exc()
        message, code = describe_error(error)
        print_error(f"icepipe: {message}")
        sys.exit(code)
    finally:
        # Collecting the garbage of a large run takes longer than ending the process.
        skip_final_gc()
