"""Parse, call and print for `icepipe picture`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from icepipe.cli.console import display_path, print_result
from icepipe.cli.options import MAX_SEED, Json
from icepipe.errors import ConfigError
from icepipe.picture.options import DEFAULT_K, ITERATIONS, MAX_K, Method, PictureOptions

_USUAL = f"{ITERATIONS['lloyd']}, {ITERATIONS['minibatch']} mini-batches, or {ITERATIONS['article']}"


def _k(text: str) -> int | None:
    """Number of colours; None for ``auto``."""
    if text == "auto":
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 4:
        raise ConfigError(f"--k {text}: is no number", "give a number of colours like 5, or auto")
    return int(text)


def _sweep(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")] if text else []
    if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts):
        raise ConfigError(f"--sweep {text}: is no list of numbers", "give one like 2,3,5,7")
    return tuple(map(int, parts))


def picture(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A GeoTIFF, PNG or JPEG.")],
    k: Annotated[
        str, typer.Option("--k", metavar="K", help=f"How many colours, 1 to {MAX_K}; auto finds the elbow.")
    ] = str(DEFAULT_K),
    sweep: Annotated[str, typer.Option(metavar="K,K,..", help="Also a sheet with so many colours, e.g. 2,3,5,7.")] = "",
    elbow: Annotated[bool, typer.Option("--elbow", help="Also draw the curve that the elbow is found on.")] = False,
    space: Annotated[bool, typer.Option("--space", help="Also draw pixels and centroids in colour space.")] = False,
    pick: Annotated[
        str, typer.Option(metavar="N|COLOUR", help="Isolate a colour, by number or nearest to one: 2, '#1b3a5c'.")
    ] = "",
    method: Annotated[
        Method, typer.Option(help="Full iterations, mini-batches, or the article's own steps.")
    ] = PictureOptions.method,
    seed: Annotated[
        int, typer.Option(min=0, max=MAX_SEED, help="Another number starts elsewhere.")
    ] = PictureOptions.seed,
    iterations: Annotated[int, typer.Option(min=0, max=10_000, help=f"At most so many; 0 is as usual: {_USUAL}.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to; <image>_picture if not given.")] = None,
    as_json: Json = False,
) -> None:
    """Show any picture in a few colours, with its palette, and measure one of them."""
    colours, several = _k(k), _sweep(sweep)
    from icepipe.picture.run import make_picture
    from icepipe.picture.text import document, result_lines
    from icepipe.storage.json_document import write_json

    folder = (out or Path(f"{image.stem}_picture")).resolve()
    options = PictureOptions(colours, several, elbow, space, pick, method, seed, iterations or None)
    result = make_picture(image, folder, options)
    values = document(result)
    write_json(folder / "palette.json", values)
    print_result("\n".join(result_lines(result)))
    print_result(f"Written to {display_path(folder)}")
    if as_json:
        print_result(json.dumps({"folder": str(folder)} | values, allow_nan=False))


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(picture)
