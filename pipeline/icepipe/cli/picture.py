"""The command `icepipe picture`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from icepipe.cli.console import display_path, print_result
from icepipe.cli.options import MAX_SEED, Json
from icepipe.errors import ConfigError
from icepipe.picture.options import DEFAULT_K, ITERATIONS, MAX_K, Method, PictureOptions

_DEFAULTS = f"{ITERATIONS['lloyd']}, {ITERATIONS['minibatch']} mini-batches, or {ITERATIONS['article']}"


def parse_k(text: str) -> int | None:
    """Return the number of colours; None for ``auto``."""
    if text == "auto":
        return None
    # isdigit() accepts digits of all scripts, and int() numbers of any length.
    if not (text.isascii() and text.isdigit()) or len(text) > 4:
        raise ConfigError(f"--k {text}: not a number", "give a number of colours such as 5, or auto")
    return int(text)


def parse_sweep(text: str) -> tuple[int, ...]:
    """Return a list of numbers of colours, separated by commas."""
    parts = [part.strip() for part in text.split(",")] if text else []
    if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts):
        raise ConfigError(f"--sweep {text}: not a list of numbers", "give a list such as 2,3,5,7")
    return tuple(map(int, parts))


def picture(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A GeoTIFF, PNG or JPEG.")],
    k: Annotated[
        str, typer.Option("--k", metavar="K", help=f"Number of colours, 1 to {MAX_K}; auto chooses it at the elbow.")
    ] = str(DEFAULT_K),
    sweep: Annotated[str, typer.Option(metavar="K,K,..", help="Also draw a sheet of several K, e.g. 2,3,5,7.")] = "",
    elbow: Annotated[bool, typer.Option("--elbow", help="Also draw the curve of the elbow.")] = False,
    space: Annotated[bool, typer.Option("--space", help="Also draw pixels and centroids in colour space.")] = False,
    pick: Annotated[
        str,
        typer.Option(metavar="N|COLOUR", help="Isolate a colour, by number or nearest colour: 2, '#1b3a5c'."),
    ] = "",
    method: Annotated[
        Method, typer.Option(help="Full iterations, mini-batches, or the steps of the article.")
    ] = PictureOptions.method,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of the start.")] = PictureOptions.seed,
    iterations: Annotated[int, typer.Option(min=0, max=10_000, help=f"At most; 0: {_DEFAULTS}.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Output folder; default <image>_picture.")] = None,
    as_json: Json = False,
) -> None:
    """Reduce a picture to a few colours, write its palette, and measure one colour."""
    n_colours, numbers = parse_k(k), parse_sweep(sweep)
    from icepipe.picture.run import make_picture
    from icepipe.picture.text import document, result_lines
    from icepipe.storage.json_document import write_json

    folder = (out or Path(f"{image.stem}_picture")).resolve()
    options = PictureOptions(n_colours, numbers, elbow, space, pick, method, seed, iterations or None)
    result = make_picture(image, folder, options)
    palette = document(result)
    write_json(folder / "palette.json", palette)
    print_result("\n".join(result_lines(result)))
    print_result(f"Written to {display_path(folder)}")
    if as_json:
        print_result(json.dumps({"folder": str(folder)} | palette, allow_nan=False))


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(picture)
