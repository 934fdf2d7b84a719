"""The report as a self-contained HTML page, whose content security policy refuses everything that is not in it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from icepipe.publish.report.images import MOST_PICTURED, EncodedImages, fit_images
from icepipe.publish.report.page_data import observation_entries, page_values, script_data
from icepipe.publish.report.published_run import PublishedRun

if TYPE_CHECKING:
    from jinja2 import Environment


PAGE_BYTES = 1_900_000
"""Largest size of a page with up to ``PAGE_OBSERVATIONS`` observations."""

PAGE_OBSERVATIONS = 100
"""Number of observations above which the page may grow in proportion."""

LEAST_IMAGE_BYTES = 400_000
"""Bytes that images may have however long the tables are."""


def safe_json(value: Any) -> str:  # noqa: ANN401
    """Return JSON for a script element, with escapes for the characters that could end it or start another."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def hash_source(text: str) -> str:
    """Return the hash source of an inline style or script (Content Security Policy level 3)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def content_policy(style: str, script: str) -> str:
    """Return the content security policy of a page: its own style and script and data URIs, and nothing else."""
    return (
        f"default-src 'none'; style-src {hash_source(style)}; script-src {hash_source(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def template_environment() -> Environment:
    """Return the environment of the page templates; names that are not defined raise errors."""
    # jinja2 is imported here because the command loads this module also for runs without a report.
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
    """Return the HTML of the report, which depends on the published files alone.

    Raises
    ------
    IntegrityError
        If a picture or a record cannot be read.
    """
    from markupsafe import Markup

    values, environment = page_values(published), template_environment()
    style = environment.get_template("page.css").render(values)
    script = files("icepipe.publish.report").joinpath("page.js").read_text(encoding="utf-8")

    data = script_data(published)

    def render(images: Sequence[EncodedImages]) -> str:
        text = safe_json(data | {"observations": observation_entries(published, images)})
        # These three are marked as safe: the first two are ours, and safe_json has escaped the third.
        blocks = {"style": Markup(style), "script": Markup(script), "data": Markup(text)}  # noqa: S704
        return environment.get_template("page.html").render(values, **blocks, policy=content_policy(style, script))

    # Images get the bytes that the page without them leaves.
    n_pictured = min(len(published.observations), MOST_PICTURED)
    n_bytes = PAGE_BYTES * max(1, n_pictured / PAGE_OBSERVATIONS) - len(render(()).encode())
    return render(fit_images(published, max(LEAST_IMAGE_BYTES, int(n_bytes))))
