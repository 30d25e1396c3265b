"""``read`` over files: what each says, and where that is written."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, get_args

from glyphsr.config.read import ReadConfig
from glyphsr.config.reader import settings_from
from glyphsr.errors import ConfigError, GlyphSRError
from glyphsr.images.formats import INPUTS
from glyphsr.system.atomic_files import write_bytes
from glyphsr.system.devices import Precision
from glyphsr.upscaling.file_plan import plan_files
from glyphsr.upscaling.file_tasks import PAGE_MARK, FileTask
from glyphsr.upscaling.input_names import called, check_offline, is_remote
from glyphsr.upscaling.line_search import Mode, check_mode
from glyphsr.upscaling.output_naming import OutputNaming
from glyphsr.upscaling.prefetch import LoadedPicture, read_chunks
from glyphsr.upscaling.read_formats import ENDINGS, FileReading, TextForm, render_readings
from glyphsr.upscaling.reading import TextReader
from glyphsr.upscaling.target_size import TargetSize
from glyphsr.upscaling.upscaler import Draw, Upscaler
from glyphsr.weights.runtimes import Runtime


def read_files(
    inputs: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    form: TextForm | None = None,
    config: ReadConfig | str | Path | None = None,
    progress: Callable[[FileReading], None] | None = None,
    started: Callable[[int], None] | None = None,
    reader: str | None = None,
    weights: str | Path | None = None,
    prior_weights: str | Path | None = None,
    scale: float | None = None,
    strength: float | None = None,
    lexicon: str | None = None,
    draw: Draw | None = None,
    mode: Mode | None = None,
    boxes: str | Path | None = None,
    min_text_height: float | None = None,
    max_text_height: float | None = None,
    recursive: bool | None = None,
    overwrite: bool | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    runtime: Runtime | None = None,
    batch_size: int | Literal["auto"] | None = None,
    workers: int | None = None,
    offline: bool | None = None,
) -> list[FileReading]:
    """Read files, folders, globs or stdin before and after they are upscaled; what the command ``read`` does.

    Args:
        inputs: Files, folders, globs, or ``-`` for stdin.
        out: A ``.txt``, ``.json``, ``.jsonl``, ``.hocr``, ``.html`` or ``.xml`` (ALTO) file for all of them, or a
            folder for one file each; default writes nothing.
        form: ``text``, ``json``, ``jsonl``, ``hocr`` or ``alto``; default by the ending of ``out``, else ``text``.
        config: Settings that no argument gives: an object, or a YAML file as ``--config`` takes it.
        progress: Called with every file's reading as it is finished.
        started: Called once with the number of pictures to do.
        reader: Who reads: rapidocr, easyocr, tesseract, a recognizer by name, or ``NAME=FILE``; default rapidocr
            where it is installed, else ``ppocr-v6-small``.
        weights: Of the network that makes text readable: name of bundled weights, or a checkpoint file.
        prior_weights: With a published GlyphSR checkpoint: the published CRNN or PARSeq that gives its text prior.
        scale: Factor by which lines are enlarged before they are read; 2 by default.
        strength: Fraction of the network's change over bicubic that is applied; default from the model's card.
        lexicon: Word list by which the network's own readings are corrected: ``english``, ``none``, or a text file.
        draw: ``sure`` sharpens words that the text prior can hardly read as they are seen; ``all`` draws every reading.
        mode: ``line`` takes each picture as one line of text. ``page`` finds the lines in it. ``auto`` decides by
            the picture.
        boxes: JSON file of the lines in the picture; else they are looked for.
        min_text_height: Smaller lines of a page, in pixels, are read as they are.
        max_text_height: Larger lines likewise.
        recursive: Look into the folders below, too.
        overwrite: Replace results that exist.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: auto, fp32, bf16 or fp16.
        runtime: ``torch``, or of an exported model ``onnx`` (onnxruntime) or ``openvino``; ``auto`` takes onnxruntime
            on CPUs where the weights were exported.
        batch_size: Lines of 16 x 64 pixels per batch; halved when memory runs out.
        workers: Threads that read pictures.
        offline: Never fetch weights.

    Returns:
        One reading per file, in order; files that failed do not raise.

    Raises:
        ConfigError: If options, inputs and output do not go together, or an output exists already.
        DataError: If a folder or glob holds no pictures.
        WeightsError: If weights cannot be loaded.
    """
    settings = settings_from(ReadConfig, config, locals())
    return run_reading(settings, inputs, out, form=form, progress=progress, started=started)


def run_reading(
    config: ReadConfig,
    inputs: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    form: TextForm | None = None,
    progress: Callable[[FileReading], None] | None = None,
    started: Callable[[int], None] | None = None,
) -> list[FileReading]:
    """As :func:`read_files`, with its settings as one object."""
    names = [inputs] if isinstance(inputs, str | Path) else inputs
    naming = OutputNaming(None, "png", "_x2")  # of results of `upscale` beside their sources, which are none to read
    check_offline([str(name) for name in names], offline=config.offline)
    plan = plan_files([str(name) for name in names], None, naming, recursive=config.recursive)

    target = None if out is None else _Target(Path(out), form, plan.tasks, overwrite=config.overwrite)
    check_mode(config.mode, has_boxes=config.boxes is not None)
    if config.boxes is not None and plan.total > 1:
        raise ConfigError(f"--boxes: is of one picture, and {plan.total} are given")

    done: dict[str, FileReading] = {}

    def finish(reading: FileReading) -> None:
        if target is not None:
            target.add(reading)
        done[reading.name] = reading
        if progress:
            progress(reading)

    for name, message in plan.failures:
        finish(FileReading(name, None, message))
    todo = [task for task in plan.tasks if target is None or not target.has(task)]
    if started:
        started(len(todo))

    for reading in _readings(todo, config):
        finish(reading)
    if target is not None:
        target.close()
    return list(done.values())


def _readings(tasks: Sequence[FileTask], config: ReadConfig) -> Iterator[FileReading]:
    """One reading per task, as they are finished."""
    if not tasks:
        return
    upscaler = Upscaler(
        config.weights,
        prior_weights=config.prior_weights,
        device=config.device,
        precision=config.precision,
        runtime=config.runtime,
        batch_size=config.batch_size,
        strength=config.strength,
        lexicon=config.lexicon,
        draw=config.draw,
        guard="revert",
        guard_reader=config.reader,
        offline=config.offline,
    )

    upscaler.load()
    reader = TextReader(upscaler)

    # Files that cannot be read are reported with the chunk in which they were met.
    failed: list[FileReading] = []
    with ThreadPoolExecutor(config.workers) as pool:
        chunks = read_chunks(
            tasks,
            TargetSize(config.scale),
            pool,
            ahead=2 * config.workers,
            failed=lambda task, error: failed.append(
                FileReading(task.title, None, str(error), isinstance(error.__cause__, FileNotFoundError))
            ),
        )
        for chunk in chunks:
            yield from failed
            failed.clear()
            yield from _read_chunk(reader, chunk, config)
            chunk.clear()  # before the next one is decoded
    yield from failed


def _read_chunk(reader: TextReader, chunk: Sequence[LoadedPicture], config: ReadConfig) -> Iterator[FileReading]:
    options: dict[str, Any] = {
        "scale": config.scale,
        "mode": config.mode,
        "min_text_height": config.min_text_height,
        "max_text_height": config.max_text_height,
    }
    try:  # together, so that lines share batches
        if config.boxes is None:
            found = reader.read_all([item.picture for item in chunk], **options)
            yield from (FileReading(item.task.title, one) for item, one in zip(chunk, found, strict=True))
            return
    except (GlyphSRError, ValueError, MemoryError):
        pass  # of one of them; the others are read all the same

    for item in chunk:
        try:
            yield FileReading(item.task.title, reader.read(item.picture, boxes=config.boxes, **options))
        except (GlyphSRError, ValueError, MemoryError) as error:
            yield FileReading(item.task.title, None, f"{item.task.title}: {error or type(error).__name__}")


class _Target:
    """Where readings go: one file for all of them, or one each in a folder.

    Raises:
        ConfigError: If form and name do not go together, a file exists, or its folder does not.
    """

    def __init__(self, path: Path, form: TextForm | None, tasks: Sequence[FileTask], *, overwrite: bool) -> None:
        self.path, self.overwrite = path, overwrite
        self.is_folder = path.is_dir() or not path.suffix
        self.form = form or ("text" if self.is_folder else ENDINGS.get(path.suffix.lower()))
        self.readings: list[FileReading] = []

        if self.form not in get_args(TextForm):
            raise ConfigError(f"-o {path}: expected a folder, or a name ending in {', '.join(ENDINGS)}")

        # In a folder each picture has a file of its own, named by its stem.
        if self.is_folder:
            stems = Counter(self._stem(task.title) for task in tasks)
            twice = next((stem for stem, count in stems.items() if count > 1), None)
            if twice is not None:
                raise ConfigError(
                    f"-o {path}: several results would be called {twice!r}; read them one folder at a time"
                )
            return

        # Otherwise all of them go into one file.
        if self.form == "alto" and len(tasks) > 1:
            raise ConfigError(f"-o {path}: ALTO holds one picture a file; give a folder")
        if not path.parent.is_dir():
            raise ConfigError(f"-o {path}: the folder {path.parent} does not exist")
        if path.exists() and not overwrite:
            raise ConfigError(f"-o {path}: exists already; --overwrite replaces it")

    @staticmethod
    def _stem(name: str) -> str:
        document, _, page = name.partition(PAGE_MARK)
        path = Path(called(document) if is_remote(document) else document)
        # A name without the ending of a picture may have a dot of its own.
        stem = path.stem if path.suffix.lower() in INPUTS else path.name
        return f"{stem}_p{page}" if page else stem

    def _file(self, name: str) -> Path:
        ending = next(ending for ending, form in ENDINGS.items() if form == self.form)
        return self.path / f"{self._stem(name)}{ending}"

    def has(self, task: FileTask) -> bool:
        """Whether a picture's file is there already, from an earlier run."""
        return self.is_folder and not self.overwrite and self._file(task.title).exists()

    def add(self, reading: FileReading) -> None:
        """Take a reading, or write it."""
        if not self.is_folder:
            self.readings.append(reading)
        elif reading.found is not None:
            self.path.mkdir(parents=True, exist_ok=True)
            self._write(self._file(reading.name), [reading])

    def close(self) -> None:
        """Write what is written last."""
        if not self.is_folder:
            self._write(self.path, self.readings)

    def _write(self, path: Path, readings: Sequence[FileReading]) -> None:
        assert self.form is not None
        write_bytes(path, render_readings(readings, self.form).encode("utf-8", "backslashreplace"))
