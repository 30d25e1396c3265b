"""``glyphsr reproduce``: one table of the paper by one command."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from glyphsr.config.evaluation import EvalConfig
from glyphsr.errors import ConfigError, DataError
from glyphsr.evaluation.evaluate import evaluate
from glyphsr.evaluation.methods import NamedWeights
from glyphsr.evaluation.paper_results import why_not_comparable
from glyphsr.evaluation.paper_tables import JUDGES, ROWS, TABLE1, TABLES, PaperTable
from glyphsr.evaluation.report import EvaluationReport
from glyphsr.models.unsupported import NOT_BUILT
from glyphsr.reproduction.report import Line, Reproduction, SeedScore
from glyphsr.reproduction.runs import Run, runs_of, train_missing
from glyphsr.safe_reading.text_files import read_json
from glyphsr.system.atomic_files import write_bytes
from glyphsr.system.devices import Precision
from glyphsr.weights.checkpoints import read_checkpoint
from glyphsr.weights.loading import wants_prior
from glyphsr.weights.registry import sha256_of

SCORES = "scores.json"
"""File of a run folder with what was scored of it, so that it is not scored twice."""

SMOKE_LIMIT = 4
"""Words of each subset that a smoke run scores."""

Notify = Callable[[str], None]


def reproduce(
    table: str,
    *,
    out: str | Path = Path("runs/reproduce"),
    train: bool = False,
    seeds: int = 1,
    smoke: bool = False,
    sets: Sequence[str] = (),
    configs: str | Path | None = None,
    recognizer: Sequence[str] = (),
    weights: Sequence[str] = (),
    prior_weights: Sequence[str | Path] = (),
    split: Sequence[str | Path] = ("easy", "medium", "hard"),
    data_root: str | Path | None = None,
    limit: int | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    workers: int = 1,
    offline: bool = False,
    is_main: bool = True,
    notify: Notify | None = None,
) -> Reproduction | None:
    """Find or train a table's runs, score them, and put them beside the paper's numbers.

    What is finished is found again: trained runs are not trained, scored ones not scored a second time.

    Args:
        table: ``table1`` to ``table4`` or ``appendix-b``.
        out: Folder of the runs, ``OUT/CONFIG/seed-N``.
        train: Train what is missing.
        seeds: Runs of each row, from the configuration's seed on.
        smoke: Two steps a run and four words a subset: shows that everything runs.
        sets: Settings over every row's configuration, such as sizes.
        configs: The project's ``configs`` folder.
        recognizer: Judges; default are the paper's of that table.
        weights: Further networks, ``NAME=FILE``; NAME may be a row of the table.
        prior_weights: Published text priors of the published networks among them.
        split: Subsets to score on.
        data_root: Where named LMDBs are looked up first.
        limit: Score only the first so many words of each subset.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        precision: Of forward passes in training.
        workers: Processes that make batches in training.
        offline: Never fetch weights.
        is_main: Whether this process scores; of several only one does.
        notify: Called with messages for the user.

    Returns:
        The table; ``None`` in processes that only train.

    Raises:
        ConfigError: If there is no such table, or a setting does not fit.
        DataError: If data are missing.
        WeightsError: If a judge's weights are not available.
    """
    if table not in TABLES:
        raise ConfigError(f"reproduce {table}: expected {', '.join(TABLES)}")
    if seeds < 1:
        raise ConfigError(f"--seeds: expected at least 1, got {seeds}")

    say = notify or (lambda _: None)

    found = TABLES[table]
    folder = None if configs is None else Path(configs)
    root = None if data_root is None else str(data_root)
    runs = runs_of(found, out=Path(out), seeds=seeds, sets=sets, configs=folder, smoke=smoke)
    # Several processes train together; one of them scores.
    if train:
        options: dict[str, Any] = {"device": device, "precision": precision, "workers": workers, "offline": offline}
        train_missing(runs, say, data_root=root, **options)

    if not is_main:
        return None

    # The paper shows Table 1 with three judges, the others with CRNN alone.
    judges = tuple(recognizer) or (JUDGES if found is TABLE1 else JUDGES[:1])
    settings: dict[str, Any] = {
        "split": tuple(str(name) for name in split),
        "data_root": root,
        "prior_weights": tuple(str(file) for file in prior_weights),
        "limit": SMOKE_LIMIT if smoke else limit,
        "device": device,
        "offline": offline,
        "recognizer": judges,
        "protocol": "paper",
        "bootstrap": 0,
    }
    return _Scoring(found, runs, settings, say).result(weights)


class _Scoring:
    """Scores the rows of one table."""

    def __init__(self, table: PaperTable, runs: list[Run], settings: dict[str, Any], say: Notify) -> None:
        self.table = table
        self.runs = runs
        self.settings = settings
        self.priors = tuple(settings.get("prior_weights", ()))
        self.offline = bool(settings.get("offline", False))
        self.say = say

    def result(self, weights: Sequence[str]) -> Reproduction:
        """All rows: those of the table in its order, then further networks."""
        # Bicubic and HR first: they also tell which judges, which data, and whether both are the paper's.
        baselines = self._evaluate(("none",), ("bicubic", "hr"))
        given = {name: score for text in weights for name, score in self._given(text).items()}
        # Rows in the table's order: runs of every seed, then weights that were given.
        lines = []
        for row in [*dict.fromkeys([*(row.id for row in self.table.rows), *self.table.configs])]:
            name = row.partition("/")[2]

            scores, missing = self._scored_runs(row)
            if name in given:
                scores.append(given.pop(name))
                missing = []

            if self.table is TABLE1 and name in ("bicubic", "hr"):
                scores.append(_score_of(baselines, name))

            # A row that nobody can train here needs weights, or has a reason why there are none.
            if not scores and (row not in self.table.configs or self.table is TABLE1):
                reason = NOT_BUILT.get(name)
                missing.append(f"not built: {reason}" if reason else f"no weights; give some with -w {name}=FILE")

            paper = ROWS.get(row)
            lines.append(Line(row, paper.label if paper else name, tuple(scores), paper, tuple(missing)))

        lines += [Line(f"given/{name}", name, (score,), None) for name, score in given.items()]
        published = {judge.name: judge.published for judge in baselines.judges if judge.published}

        unproved = [judge.name for judge in baselines.judges if judge.published and not judge.proof]
        reason = why_not_comparable(baselines)
        if reason is None and unproved:
            reason = f"{', '.join(unproved)}: not proved to be the published judge; see `eval --calibrate`"

        return Reproduction(
            table=self.table.name,
            title=self.table.title,
            subsets=tuple(part.name for part in baselines.parts),
            judges=tuple(judge.name for judge in baselines.judges),
            published=published,
            lines=tuple(lines),
            data=", ".join(f"{part.name} {part.images}" for part in baselines.parts),
            comparable=reason,
            notices=baselines.notices,
        )

    def _evaluate(self, weights: Sequence[str], baseline: Sequence[str] = ()) -> EvaluationReport:
        settings = self.settings | {"weights": tuple(weights), "baseline": tuple(baseline)}
        return evaluate(**settings | {"prior_weights": self.priors if self._guided(weights) else ()})

    def _guided(self, weights: Sequence[str]) -> bool:
        """Whether a published network is among them that a text prior guides."""
        files = [NamedWeights.parse(text).file for text in weights if text != "none"]
        return bool(self.priors) and any(wants_prior(file, offline=self.offline) for file in files)

    def _given(self, text: str) -> dict[str, SeedScore]:
        report = self._evaluate([text])
        return {row.name: _score_of(report, row.name) for row in report.rows}

    def _scored_runs(self, row: str) -> tuple[list[SeedScore], list[str]]:
        scores, missing = [], []
        for run in self.runs:
            if run.row != row:
                continue
            reason = run.missing()
            if reason is None:
                scores.append(self._score(run))
            else:
                missing.append(reason)
        return scores, missing

    def _score(self, run: Run) -> SeedScore:
        """Of one run; read from its folder where the same was scored before."""
        config = EvalConfig.model_validate(self.settings)
        # Scored already, by the same settings: read instead of computed.
        key = {"sha256": sha256_of(run.weights), "settings": config.model_dump(mode="json", exclude=NO_INFLUENCE)}

        kept = run.folder / SCORES
        found = _kept(kept, key)
        if found is not None:
            return found

        self.say(f"{run.row}, seed {run.seed}: scoring {run.weights}")
        report = self._evaluate([f"run={run.weights}"])
        # Figures of glyph maps come from the run's own validation, which had masks.
        glyphs = read_checkpoint(run.weights, tensors=False).card.get("validation") or {}
        maps = {name: value for name, value in glyphs.items() if name.startswith(("char_", "line_"))}

        score = _score_of(report, "run", seed=run.seed, glyphs=maps)

        document = {"key": key, "score": {name: getattr(score, name) for name in score.__dataclass_fields__}}
        write_bytes(kept, json.dumps(document).encode())

        return score


NO_INFLUENCE = {"device", "precision", "runtime", "batch_size", "workers", "offline", "weights", "prior_weights"}
"""Settings that change no score of a run."""


def _kept(path: Path, key: dict[str, Any]) -> SeedScore | None:
    try:
        document = read_json(path)
        if document["key"] != key:
            return None
        score = document["score"]
        return SeedScore(**score | {"accuracy": {judge: tuple(v) for judge, v in score["accuracy"].items()}})
    except (DataError, ValueError, KeyError, TypeError):
        return None


def _score_of(
    report: EvaluationReport, row: str, *, seed: int | None = None, glyphs: dict[str, float] | None = None
) -> SeedScore:
    info = next(info for info in report.rows if info.name == row)
    # In percent, each subset and all of them by their sizes, as the paper prints.
    accuracy = {}
    for judge in report.judges:
        figures = report.score(row, judge.name).accuracy
        accuracy[judge.name] = tuple(100 * value for value in (*figures.parts, figures.weighted))

    fidelity = next(score for score in report.fidelity if score.row == row)
    digest = next(iter(info.sha256.values()), None)
    psnr, ssim = fidelity.psnr_db.weighted, fidelity.ssim.weighted
    return SeedScore(seed, info.weights, digest, accuracy, psnr, ssim, glyphs or {})
