"""Rendered data sets: pairs in TextZoom's layout and, beside them, exact glyph masks."""

import hashlib
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import lmdb

from glyphsr._version import VERSION
from glyphsr.config.reader import load
from glyphsr.config.synth import SynthConfig
from glyphsr.data.glyph_lmdb import FORMAT_NUMBER, MANIFEST, SUFFIX, as_json
from glyphsr.data.hr_images import LmdbWords
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.lmdb_writer import LmdbWriter
from glyphsr.data.rendering.words import WordRenderer
from glyphsr.dataset_tools.synth_worker import CHUNK, EncodedWord, Synthesizer, make_chunk, start_worker
from glyphsr.errors import ConfigError, DataError, GlyphSRError, OutputError
from glyphsr.system.process_pool import WORKER_DIED, process_pool, usable_cores
from glyphsr.types import ProgressCallback

NOTE = "synth"
"""Key of the pairs' LMDB that says how it was made."""

FEW_WORDS = 400
"""Sets up to this size are made before other processes would have started."""

AHEAD = 3
"""Chunks per process that are under way at a time: memory does not grow with the set."""

BYTES_OF_PAIRS, BYTES_OF_MASKS = 12, 3
"""What a word takes on disk per square of its height."""

GOES_ON = "what is written stays, the same command continues"


@dataclass(frozen=True)
class SynthResult:
    """What was made."""

    path: Path
    glyphs: Path | None
    """The masks' LMDB, ``None`` where none were asked for."""
    samples: int
    fonts: int
    """That could be drawn with, looks counted once."""
    made: int
    """Words of this run; the others were there from an interrupted one."""
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The JSON document."""
        return {
            "schema_version": 1,
            "command": "data synth",
            "path": str(self.path),
            "glyphs": None if self.glyphs is None else str(self.glyphs),
            "samples": self.samples,
            "fonts": self.fonts,
            "made": self.made,
            "seconds": round(self.seconds, 3),
        }


def synthesize(
    out: Path | str,
    *,
    config: SynthConfig | str | Path | None = None,
    count: int | None = None,
    glyphs: bool | None = None,
    words: str | Path | Sequence[str | Path] | None = None,
    fonts: str | Path | Sequence[str | Path] | None = None,
    backgrounds: str | Path | None = None,
    height: int | None = None,
    difficulty: float | Sequence[float] | None = None,
    seed: int | None = None,
    workers: int | Literal["auto"] | None = None,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
    notify: Callable[[str], None] | None = None,
) -> SynthResult:
    """Render words, degrade them, and write both as a TextZoom LMDB; with ``glyphs`` exact masks beside it.

    Args:
        out: Folder of the pairs; masks go to ``<out>-glyphs``.
        config: What to make: an object, or a YAML file; the arguments below come over it. The data depend on these
            settings, on the installed fonts and word lists, and on nothing else.
        count: Words; 1,000 by default.
        glyphs: Write the exact mask of every character beside the pairs.
        words: Text files, one text a line, drawn as they stand; by default words, numbers, prices, plates and the like.
        fonts: Font files, folders of them, or ``builtin``; by default the system's.
        backgrounds: Folder of photographs to take grounds from.
        height: Of the HR pictures in pixels: 8 to 512, even.
        difficulty: How hard all LR pictures are, from 0 to 1: a number, or the least and the greatest.
        seed: Of every random draw.
        workers: Processes, 1 to 256, or ``auto``; their number does not change the data.
        overwrite: Replace what exists.
        progress: Called with the items done and their total.
        notify: Called with messages for the user.

    Returns:
        Where it is and how much there is of it.

    Raises:
        ConfigError: If ``out`` exists, or cannot be made.
        DataError: If there is no usable font, or a file of the configuration cannot be used.
        GlyphSRError: If the disk is full, or a process dies.
    """
    flags = {"count": count, "glyphs": glyphs, "seed": seed, "workers": workers}
    looks = {"words": _texts(words), "fonts": _texts(fonts), "backgrounds": backgrounds, "height": height}
    settings = synth_settings(config, flags, looks, difficulty)
    # Where it goes: a folder of its own, in no other data set.
    out = Path(out)
    if out.name in ("", ".."):
        raise ConfigError(f"-o {out}: expected the name of a folder to make")
    if (out.absolute().parent / "data.mdb").exists():
        raise ConfigError(f"-o {out}: lies in the LMDB {out.parent}, which is never changed")

    masks_at = out.with_name(out.name + SUFFIX) if settings.glyphs else None
    started = time.perf_counter()
    # What may be in the way is said before fonts are looked at; an interrupted command's pairs may be complete.
    half_done = (
        not overwrite and masks_at is not None and out.exists() and not masks_at.exists() and _note(out) is not None
    )
    if not half_done:
        LmdbWriter.check(out, overwrite=overwrite)

    if masks_at is not None:
        LmdbWriter.check(masks_at, overwrite=overwrite)

    # The note says all that decides about the words: only the same words continue.
    renderer = WordRenderer(settings.render, notify)
    note = _describe(settings, renderer)
    mark = hashlib.sha256(note).hexdigest()
    if half_done and _note(out) != note:
        raise ConfigError(f"{out}: exists already; --overwrite replaces it")

    if not half_done:
        _check_space(out, settings)

    beside = out.with_name(out.name + SUFFIX)
    if overwrite and masks_at is None and beside.exists() and notify:
        notify(f"{beside}: holds masks of the words that are replaced; replace them too with --glyphs, or remove them")

    # Masks are closed after the pairs: a complete set of pairs may wait for its masks, not the reverse.
    made = 0
    try:
        with ExitStack() as stack:
            masks = stack.enter_context(LmdbWriter(masks_at, source=mark, overwrite=overwrite)) if masks_at else None
            with ExitStack() as inner:
                pairs = None
                if not half_done:
                    pairs = inner.enter_context(LmdbWriter(out, source=mark, overwrite=overwrite))
                    pairs.note(NOTE, note)
                made = _write(settings, renderer, pairs, masks, progress)

            if masks is not None:
                masks.note(MANIFEST, as_json(_manifest(out, settings, renderer)))
    except BrokenProcessPool as error:
        raise GlyphSRError(f"{out}: {WORKER_DIED}; {GOES_ON}") from error
    except OutputError as error:
        raise GlyphSRError(f"{error}; {GOES_ON}") from error
    except (OSError, lmdb.Error) as error:
        where = getattr(error, "filename", None) or out
        raise GlyphSRError(
            f"{where}: cannot be written: {getattr(error, 'strerror', None) or error}; {GOES_ON}"
        ) from error

    return SynthResult(out, masks_at, settings.count, len(renderer.book), made, time.perf_counter() - started)


def synth_settings(
    config: SynthConfig | str | Path | None,
    flags: Mapping[str, Any],
    looks: Mapping[str, Any],
    difficulty: float | Sequence[float] | None,
    *,
    sets: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> SynthConfig:
    """The settings of one set.

    Args:
        config: A configuration to start from, or a YAML file.
        flags: Fields of :class:`SynthConfig`; ``None`` values are not given.
        looks: Fields of its ``render``, likewise.
        difficulty: One for all, or the least and the greatest.
        sets: ``a.b=c`` overrides.
        environment: Where ``GLYPHSR_*`` settings are; none by default.

    Raises:
        ConfigError: If a value does not fit.
    """
    own = dict(flags)
    render = {key: value for key, value in looks.items() if value is not None}
    if render:
        own["render"] = render
    if difficulty is not None:
        # One number stands for both ends.
        limits = difficulty if isinstance(difficulty, int | float) else list(difficulty)
        own["degradation"] = {"difficulty": limits, "mild_prob": 0.0}
    return load(SynthConfig, config, sets=sets, flags=own, environment=environment or {})


def _texts(given: str | Path | Sequence[str | Path] | None) -> list[str] | None:
    if given is None:
        return None
    return [str(given)] if isinstance(given, str | Path) else [str(item) for item in given]


def _check_space(out: Path, config: SynthConfig) -> None:
    """Refuse what the disk clearly does not hold, now and not after hours."""
    need = config.count * config.render.height**2 * (BYTES_OF_PAIRS + config.glyphs * BYTES_OF_MASKS)
    # What an interrupted run has written already need not fit once more.
    place = next(folder for folder in out.absolute().parents if folder.exists())
    usage = shutil.disk_usage(place)
    partial = (out.with_name(f"{out.name}{suffix}.partial") / "data.mdb" for suffix in ("", SUFFIX))
    begun = sum(file.stat().st_size for file in partial if file.is_file())
    if usage.total and need > usage.free + begun:
        raise GlyphSRError(
            f"{out}: {config.count} words need about {need / 1e6:.0f} MB, {usage.free / 1e6:.0f} MB are free; "
            "expected fewer words, or another disk"
        )


def _describe(config: SynthConfig, renderer: WordRenderer) -> bytes:
    """All that decides about the data; of files what is in them, wherever they lie."""
    settings = config.model_dump(
        mode="json", exclude={"workers": True, "glyphs": True, "render": {"words", "fonts", "backgrounds"}}
    )
    return as_json({"settings": settings, "versions": _versions()} | renderer.origin())


def _versions() -> dict[str, str]:
    return {"glyphsr": VERSION} | {name: version(name) for name in ("numpy", "opencv-python", "pillow")}


def _note(path: Path) -> bytes | None:
    """How a set was made, if this command made it."""
    try:
        return PairedLmdb(path).get(NOTE)
    except DataError:
        return None


def _manifest(pairs: Path, config: SynthConfig, renderer: WordRenderer) -> dict[str, Any]:
    words = LmdbWords(pairs)
    exact = {"name": "rendered"}
    return {
        "format_number": FORMAT_NUMBER,
        "source": {"name": pairs.name, "samples": len(words), "fingerprint": words.fingerprint()},
        "segmenter": exact,
        "localizer": exact,
        "parameters": {"seed": config.seed} | renderer.origin(),
        "versions": _versions(),
    }


def _write(
    config: SynthConfig,
    renderer: WordRenderer,
    pairs: LmdbWriter | None,
    masks: LmdbWriter | None,
    progress: ProgressCallback | None,
) -> int:
    """Make every word that one of the sets does not have yet; how many those were."""
    pairs_have = config.count if pairs is None else pairs.count
    first = min(pairs_have, config.count if masks is None else masks.count)

    if progress:
        progress(first, config.count)

    # After an interruption the two sets may differ in length; each gets what it does not have.
    number = first
    for word in _words(config, renderer, first):
        if pairs is not None and number >= pairs_have:
            pairs.add(hr=word.hr, lr=word.lr, label=word.label, extra={"font": Path(word.font).name.encode()})
        if masks is not None and word.glyphs is not None and number >= masks.count:
            masks.put(word.glyphs)

        number += 1
        if progress and (number % CHUNK == 0 or number == config.count):
            progress(number, config.count)

    return number - first


def _words(config: SynthConfig, renderer: WordRenderer, first: int) -> Iterator[EncodedWord]:
    """The words from a number on, in order, whoever makes them."""
    chunks = (range(start, min(start + CHUNK, config.count)) for start in range(first, config.count, CHUNK))
    workers = usable_cores() if config.workers == "auto" else config.workers
    if workers == 1 or config.count - first <= FEW_WORDS:
        synthesizer = Synthesizer(config, renderer)
        for chunk in chunks:
            yield from synthesizer.make(chunk)
        return

    with process_pool(workers, start_worker, (config, renderer)) as pool:
        # Results in order, so a few chunks are always under way and one more is asked for as each comes back.
        waiting = deque(pool.submit(make_chunk, chunk) for chunk in islice(chunks, AHEAD * workers))
        while waiting:
            done = waiting.popleft().result()
            if isinstance(done, GlyphSRError):
                raise done
            for chunk in islice(chunks, 1):
                waiting.append(pool.submit(make_chunk, chunk))
            yield from done
