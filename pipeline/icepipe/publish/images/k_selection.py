"""Figure of the choice of k: inertia, silhouette and ice share of every candidate."""

from __future__ import annotations

from pathlib import Path

from icepipe.segment.model import Model
from icepipe.storage.atomic import replace_file


def write_k_curve(path: Path, model: Model) -> None:
    """Write a PNG of the candidates of a model; a line marks the chosen k in every panel."""
    # The import loads matplotlib, which takes 0.3 s; most runs give k and draw no curve.
    from icepipe.publish.images.figure import Plot

    figure = Plot(12, 4)
    ks = [point.k for point in model.k_curve]
    panels = (
        ("mean squared distance", {"": [p.inertia for p in model.k_curve]}),
        ("silhouette", {"": [p.silhouette for p in model.k_curve]}),
        (
            "share named ice",
            {"before splitting": [p.ice_before for p in model.k_curve], "after": [p.ice_after for p in model.k_curve]},
        ),
    )
    for axes, (title, lines) in zip(figure.subplots(1, 3), panels, strict=True):
        for label, values in lines.items():
            axes.plot(ks, values, marker="o", label=label)
        axes.axvline(model.k_fitted, color="grey", linestyle="--")
        axes.set_title(title)
        axes.set_xlabel("clusters")
    axes.legend()
    figure.suptitle(f"k = {model.k_fitted}, chosen by {model.k_asked}")
    figure.tight_layout()
    with replace_file(path) as part:
        # The version of matplotlib is not written, so that the bytes of the file depend on the model alone.
        figure.savefig(part, format="png", metadata={"Software": None})
