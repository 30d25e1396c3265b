"""``eval --calibrate``: do judges read untouched TextZoom as the published ones do?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from glyphsr.config.evaluation import EvalConfig
from glyphsr.config.validation import validate
from glyphsr.errors import ConfigError
from glyphsr.evaluation.evaluator import run_evaluation
from glyphsr.evaluation.paper_results import is_textzoom
from glyphsr.evaluation.paper_tables import TEXTZOOM_COUNTS
from glyphsr.evaluation.subsets import open_subsets
from glyphsr.ocr.judge_proofs import CALIBRATION, TOLERANCE, Triple, deviations, remember_calibration

SIDES = ("lr", "hr")


@dataclass(frozen=True)
class Calibration:
    """What a judge reads of untouched pictures, beside what the published one does."""

    judge: str
    weights: str
    figures: dict[str, Triple]
    """``lr`` and ``hr``: percent of words in easy, medium and hard."""
    published: dict[str, Triple]
    deviation: float
    """Greatest distance, in points."""

    @property
    def passed(self) -> bool:
        """Whether it may be called the published judge."""
        return self.deviation <= TOLERANCE


def calibrate(*, progress: Callable[[int, int], None] | None = None, **settings: Any) -> list[Calibration]:
    """Let judges read the LR and HR sides of TextZoom; those near the published figures are remembered.

    Args:
        progress: Called with the items done and their total.
        settings: Fields of :class:`glyphsr.config.evaluation.EvalConfig`; weights, baselines and protocol are given.

    Raises:
        ConfigError: If the subsets are not TextZoom's, or a judge is none of the paper's.
        DataError: If no subset can be opened.
        WeightsError: If a judge's weights are not available.
    """
    # Untouched pictures under the published protocol; a limited set would prove nothing.
    fixed = {"weights": ("none",), "baseline": SIDES, "protocol": "paper", "bootstrap": 0, "limit": None}
    config = validate(EvalConfig, settings | fixed, "settings")
    subsets, _ = open_subsets(config)
    sizes = [subset.size for subset in subsets]

    if not is_textzoom(sizes):
        raise ConfigError(f"--calibrate: expected TextZoom's test sets of {TEXTZOOM_COUNTS} pairs, found {sizes}")

    report = run_evaluation(config, progress=progress)
    results = []
    for judge in report.judges:
        kind = judge.name.partition(":")[0]
        if kind not in CALIBRATION or judge.sha256 is None:
            raise ConfigError(f"--calibrate {judge.name}: expected weights of {', '.join(CALIBRATION)}")

        # In percent, as the papers print.
        figures: dict[str, Triple] = {}
        for side in SIDES:
            easy, medium, hard = (100 * value for value in report.score(side, judge.name).accuracy.parts)
            figures[side] = (easy, medium, hard)

        found = Calibration(
            judge.name, judge.weights, figures, CALIBRATION[kind], max(deviations(kind, figures).values())
        )

        if found.passed:
            remember_calibration(kind, judge.sha256, figures)

        results.append(found)

    return results
