"""The chunks of an evaluation, scored by the workers of a Ray cluster."""

from collections.abc import Iterator, Sequence
from functools import partial

from glyphsr.config.evaluation import EvalConfig
from glyphsr.evaluation.chunk_places import ChunkPlace, read_place
from glyphsr.evaluation.chunk_scorer import ChunkScorer, ChunkScores
from glyphsr.evaluation.subsets import open_subsets
from glyphsr.system.ray_engine import Work, ray_map

Numbered = tuple[int, ChunkPlace]


def scores_from_ray(places: Sequence[ChunkPlace], config: EvalConfig) -> Iterator[ChunkScores]:
    """Scores of chunks in their order; those that come early wait for the ones before.

    Args:
        places: Chunks of the subsets that the settings name; all machines must see them under the same names.
        config: Settings; its address tells the cluster.

    Raises:
        ConfigError: If Ray is not installed, or there is no such cluster.
        GlyphSRError: If a worker cannot load what the settings name, or fails.
    """
    use_gpu = None if config.device == "auto" else config.device.startswith("cuda")
    items = list(enumerate(places))
    early: dict[int, ChunkScores] = {}
    turn = 0
    for number, scores in ray_map(partial(_start, config), items, address=config.address, use_gpu=use_gpu):
        early[number] = scores
        while turn in early:
            yield early.pop(turn)
            turn += 1


def _start(config: EvalConfig) -> Work[Numbered, tuple[int, ChunkScores]]:
    """In a worker: load networks and judges once."""
    scorer = ChunkScorer.open(config)
    subsets, _ = open_subsets(config)
    squash = config.protocol == "paper"

    def work(items: list[Numbered]) -> list[tuple[int, ChunkScores]]:
        return [(number, scorer.score(read_place(subsets, place, squash=squash))) for number, place in items]

    return work
