"""Which scene of an observation wins a pixel that several saw."""

from __future__ import annotations

from dataclasses import replace

from icepipe.inputs.catalog import time_order
from icepipe.inputs.observation_key import ObservationKey
from icepipe.inputs.reading.reader import ObservationReader
from icepipe.inputs.scenes import Observation, Scene
from icepipe.raster.blocks import blocks


def clear_share(scene: Scene) -> float:
    """Part of a scene's own pixels that show the surface."""
    alone = Observation(ObservationKey.of(scene.date), (scene,))
    seen = 0
    with ObservationReader(alone, scene.geobox) as reader:
        for block in blocks(scene.geobox):
            seen += int(reader.read(block).valid.sum())
    return seen / (scene.geobox.width * scene.geobox.height)


def with_scene_order(observation: Observation, prefer: str) -> Observation:
    """An observation with its scenes in the order that wins.

    Parameters
    ----------
    observation
        Its scenes in any order.
    prefer
        ``latest``: later scenes first. ``clearest``: those with the largest clear share first, the earlier of equals.
        Anything else: earlier scenes first.
    """
    scenes = sorted(observation.scenes, key=time_order, reverse=prefer == "latest")
    if prefer == "clearest" and len(scenes) > 1:
        shares = {scene: clear_share(scene) for scene in scenes}
        scenes.sort(key=lambda scene: -shares[scene])
    return replace(observation, scenes=tuple(scenes))
