"""The report as one page that holds all it needs, under a policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from icepipe.publish.report.images import MOST_PICTURED, EncodedImages, encode_images
from icepipe.publish.report.page_data import observation_entries, page_values, script_data
from icepipe.publish.report.published_run import PublishedRun

if TYPE_CHECKING:
    from jinja2 import Environment


LARGEST = 1_900_000
"""Bytes that a page of up to 100 observations keeps within."""

PICTURED = 100
"""Observations that share those bytes; with more of them, the page may grow."""

LEAST_FOR_PICTURES = 400_000
"""Bytes that pictures may take however long the tables are."""


def safe_json(value: Any) -> str:  # noqa: ANN401
    """JSON that can stand in a script block: no letter of it ends the block or begins another."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _source(text: str) -> str:
    """A text as a content policy names it (Content Security Policy level 3, hash sources)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def content_policy(style: str, script: str) -> str:
    """The content policy of a page: its own style and script and pictures within it, and nothing from anywhere."""
    return (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("icepipe.publish", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render_page(published: PublishedRun) -> str:
    """The report as HTML; the same text from the same run.

    Raises
    ------
    IntegrityError
        If a picture or a record cannot be read.
    """
    from markupsafe import Markup

    values, environment = page_values(published), _environment()
    style = environment.get_template("page.css").render(values)
    script = files("icepipe.publish.report").joinpath("page.js").read_text(encoding="utf-8")

    data = script_data(published)

    def rendered(drawn: Sequence[EncodedImages]) -> str:
        shown = safe_json(data | {"observations": observation_entries(published, drawn)})
        inside = {"style": Markup(style), "script": Markup(script), "data": Markup(shown)}  # noqa: S704
        return environment.get_template("page.html").render(values, **inside, policy=content_policy(style, script))

    pictured = min(len(published.observations), MOST_PICTURED)
    room = LARGEST * max(1, pictured / PICTURED) - len(rendered(()).encode())
    return rendered(encode_images(published, max(LEAST_FOR_PICTURES, int(room))))
