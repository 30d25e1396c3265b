"""The training runs behind a table: one folder for each row and seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glyphsr.config.named import config_folder
from glyphsr.config.reader import load
from glyphsr.config.training import TrainConfig
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.evaluation.paper_tables import PaperTable
from glyphsr.training.run_folder import RunFolder
from glyphsr.training.smoke import STEPS
from glyphsr.weights.checkpoints import read_checkpoint

HERE = Path("configs")
"""Where configurations are looked up before those of the package."""


@dataclass(frozen=True)
class Run:
    """One row at one seed."""

    row: str
    """Id of the row."""
    seed: int
    config: TrainConfig
    folder: Path
    smoke: bool = False
    first: "Run | None" = None
    """The run whose best network this one begins from."""

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return STEPS if self.smoke else self.config.steps

    @property
    def weights(self) -> Path:
        """The weights that are scored: those that validated best."""
        return RunFolder(self.folder).best

    def steps_done(self) -> int:
        """Steps that its last checkpoint has; 0 where there is none."""
        last = RunFolder(self.folder).last
        if not last.is_file() or not self.weights.is_file():
            return 0
        try:
            return int(read_checkpoint(last, tensors=False).card.get("steps", 0))
        except WeightsError:
            return 0

    def missing(self) -> str | None:
        """Why it cannot be scored as the row's; ``None`` if it can."""
        done = self.steps_done()
        if done >= self.steps:
            return None
        return f"seed {self.seed}: {done} of {self.steps} steps" if done else f"seed {self.seed}: not trained"


def configs_folder(given: Path | None) -> Path:
    """The folder of the published runs' configurations.

    Raises:
        ConfigError: If there is none.
    """
    places = [given] if given is not None else [HERE, config_folder()]
    found = next((place for place in places if (place / "ablation").is_dir()), None)
    if found is None:
        raise ConfigError(f"--configs {places[0]}: no folder of the project's configs/ with ablation/ in it")
    return found


def runs_of(
    table: PaperTable, *, out: Path, seeds: int, sets: Sequence[str], configs: Path | None, smoke: bool
) -> list[Run]:
    """All runs of a table.

    A configuration that two tables have in common has one folder, ``OUT/CONFIG/seed-N``, smoke runs one beside it.

    Raises:
        ConfigError: If configurations are missing, or ``sets`` do not fit one of them.
    """
    folder = configs_folder(configs)

    def run(row: str, name: str, number: int, first: Run | None) -> Run:
        config = load(TrainConfig, folder / name, sets=list(sets))
        # Seeds count from the configured one; a second part begins from the first part's best network.
        changes: dict[str, Any] = {"seed": config.seed + number}
        if first is not None:
            changes["network_weights"] = str(first.weights)
        config = config.model_copy(update=changes)
        # A smoke run never lies where a real one would continue.
        place = f"smoke-{config.seed}" if smoke else f"seed-{config.seed}"
        return Run(row, config.seed, config, out / Path(name).stem / place, smoke, first)

    runs = []
    for row, name in table.configs.items():
        begun_by = table.first_parts.get(row)
        for number in range(seeds):
            first = None if begun_by is None else run(row, begun_by, number, None)
            runs.append(run(row, name, number, first))
    return runs


def train_missing(runs: Sequence[Run], notify: Callable[[str], None], **options: Any) -> None:
    """Train what is missing, one after the other, first parts first; each continues from where it stopped.

    Args:
        runs: Of one table; runs that share a folder are trained once.
        notify: Called with messages for the user.
        options: Of :func:`glyphsr.training.train.train`.
    """
    from glyphsr.training.train import train

    for part in [part for run in runs if run.missing() for part in (run.first, run) if part]:
        if part.missing() is None:
            continue
        notify(f"{part.row}, seed {part.seed}: training in {part.folder}")
        train(part.config, out=part.folder, resume="auto", smoke=part.smoke, notify=notify, **options)
