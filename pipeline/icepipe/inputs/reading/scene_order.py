"""Order of precedence of overlapping scenes."""

from __future__ import annotations

from dataclasses import replace

from icepipe.inputs.catalog import time_order
from icepipe.inputs.observation_key import ObservationKey
from icepipe.inputs.reading.reader import ObservationReader
from icepipe.inputs.scenes import Observation, Scene
from icepipe.raster.blocks import blocks


def clear_share(scene: Scene) -> float:
    """Return the share of a scene's pixels that show the surface."""
    single = Observation(ObservationKey.of(scene.date), (scene,))
    visible = 0
    with ObservationReader(single, scene.geobox) as reader:
        for block in blocks(scene.geobox):
            visible += int(reader.read(block).valid.sum())
    return visible / (scene.geobox.width * scene.geobox.height)


def with_scene_order(observation: Observation, prefer: str) -> Observation:
    """Return an observation with its scenes in order of precedence.

    Parameters
    ----------
    observation
        Observation with its scenes in any order.
    prefer
        ``latest``: later scenes first. ``clearest``: larger clear share first, earlier scenes first if equal. Any
        other value: earlier scenes first.
    """
    scenes = sorted(observation.scenes, key=time_order, reverse=prefer == "latest")
    if prefer == "clearest" and len(scenes) > 1:
        # The sort is stable, so that equally clear scenes stay in the order of acquisition.
        shares = {scene: clear_share(scene) for scene in scenes}
        scenes.sort(key=lambda scene: -shares[scene])
    return replace(observation, scenes=tuple(scenes))
