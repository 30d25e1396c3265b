"""The page of ``glyphsr demo``: a picture in, before and after under a slider, readings beside it."""

import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from glyphsr.config.serve import DemoConfig
from glyphsr.config.upscale import Mode
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.sources import SAMPLE_ROOT
from glyphsr.errors import GlyphSRError, PictureError
from glyphsr.guard.guard import GuardMode
from glyphsr.images.formats import SUFFIXES
from glyphsr.images.reader import read_picture
from glyphsr.images.resize import resize
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.limits import PICTURE_BYTES
from glyphsr.safe_reading.picture_header import check_picture
from glyphsr.upscaling.file_tasks import FileTask
from glyphsr.upscaling.picture_worker import PictureUpscaler
from glyphsr.upscaling.prefetch import LoadedPicture
from glyphsr.upscaling.report import PictureReport, RegionReport
from glyphsr.upscaling.target_size import TargetSize
from glyphsr.upscaling.writing import encode_upscaled

COLUMNS = ["#", "made by", "prior reads", "read before", "read after", "guard"]
NUM_EXAMPLES = 6
SETTINGS_KEPT = 8
"""Combinations of settings whose readers stay in memory."""

KEEP_S = 3600
"""How long files of a visit stay."""

FONT, FONT_MONO = ["system-ui", "sans-serif"], ["ui-monospace", "monospace"]
"""Of the reader's own machine: nothing is fetched from elsewhere."""


class _Demo:
    """What happens behind the page."""

    def __init__(self, config: DemoConfig) -> None:
        self.config = config
        self.first = PictureUpscaler(config)
        self.first.load()
        self.results = Path(tempfile.mkdtemp(prefix="glyphsr-demo-"))
        self.worker = lru_cache(maxsize=SETTINGS_KEPT)(self._worker)

    def _worker(self, strength: float, guard: GuardMode, lexicon: str) -> PictureUpscaler:
        changes = {"strength": strength, "guard": guard, "lexicon": lexicon}
        return self.first.with_settings(self.config.model_copy(update=changes))

    def run(
        self,
        source: str | None,
        scale: float,
        mode: Mode,
        text: str,
        strength: float,
        guard: GuardMode,
        lexicon: str,
        words: str | None,
    ) -> tuple[tuple[NDArray[np.uint8], NDArray[np.uint8]], list[list[str]], str, str]:
        """Before and after, the readings, the file to download, and what to know."""
        if not source:
            raise gr.Error("Choose a picture first.", print_exception=False)

        try:
            worker = self.worker(strength, guard, words or lexicon)
            item = self._load(Path(source), scale, mode, text)
            (outcome,) = worker.upscale([item])
            if isinstance(outcome.result, GlyphSRError):
                raise outcome.result
            content, report = encode_upscaled(
                item, outcome.result, "PNG", quality=95, strength=strength, seconds=outcome.seconds
            )
        except GlyphSRError as error:
            raise gr.Error(str(error), print_exception=False) from error

        # A folder for each result: two visits may upload the same name.
        folder = Path(tempfile.mkdtemp(dir=self.results))
        file = folder / f"{Path(source).stem}_x{scale:g}.png"
        file.write_bytes(content)

        before = resize(item.picture.rgb, item.size).clip(0, 1)
        after = outcome.result.rgb
        note = report.note or (
            "Changed by the network." if report.method == "network" else "Unchanged but for its size."
        )

        return (_pixels(before), _pixels(after)), _rows(report), str(file), f"{note} {report.seconds:.2f} s."

    def _load(self, path: Path, scale: float, mode: Mode, text: str) -> LoadedPicture:
        # By the header: a picture that is too large is not decoded.
        declared = check_picture(read_content(path, PICTURE_BYTES, PictureError), path.name, PictureError)
        pixels = declared.width * declared.height * max(1.0, scale * scale)
        if not pixels <= self.config.max_pixels:
            raise gr.Error(f"At most {self.config.max_pixels:,} pixels, before and after.", print_exception=False)

        picture = read_picture(path)
        size = TargetSize(scale).of(*picture.rgb.shape[:2])
        return LoadedPicture(FileTask(path, None), picture, size, text.strip() or None, mode)

    def examples(self) -> list[str]:
        """Pictures to begin with: those of a folder, or some of the sample set."""
        if self.config.examples is not None:
            folder = Path(self.config.examples)
            return [str(p) for p in sorted(folder.iterdir()) if p.suffix.lower() in SUFFIXES]
        return [str(path) for path in self._samples()]

    def _samples(self) -> Iterator[Path]:
        for split in ("easy", "medium", "hard"):
            pairs = PairedLmdb(SAMPLE_ROOT / "test" / split)
            for index in range(NUM_EXAMPLES // 3):
                content = pairs.raw(index).lr
                if content is not None:
                    path = self.results / f"{split}-{index + 1}.png"
                    path.write_bytes(content)
                    yield path


def _pixels(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    return (picture * 255 + 0.5).astype(np.uint8)


def _rows(report: PictureReport) -> list[list[str]]:
    parts: tuple[RegionReport | PictureReport, ...] = (report,) if report.regions is None else report.regions
    return [
        [
            str(number),
            part.method or "",
            part.prior_text or "",
            _read(part.read_before, part.read_before_confidence),
            _read(part.read_after, part.read_after_confidence),
            part.guard or "did not look",
        ]
        for number, part in enumerate(parts, 1)
    ]


def _read(text: str | None, confidence: float | None) -> str:
    return "" if text is None else f"{text} ({confidence:.0%})"


def create_demo(config: DemoConfig) -> gr.Blocks:
    """The page; its model is loaded.

    Args:
        config: Model and limits, and what the controls begin with.

    Raises:
        WeightsError: If the weights cannot be loaded.
    """
    demo = _Demo(config)

    page: gr.Blocks = gr.Blocks(title="glyphsr", analytics_enabled=False, delete_cache=(KEEP_S, KEEP_S))
    # Settings on the left, the result on the right.
    with page:
        gr.Markdown("# glyphsr\nMake a picture of text, one line or a page, larger and more readable.")
        with gr.Row():
            with gr.Column(min_width=300):
                inputs, text = _controls(demo, config)
                button = gr.Button("Upscale", variant="primary")
            with gr.Column(min_width=300, scale=2):
                slider = gr.ImageSlider(
                    label="Before (bicubic), after", format="png", interactive=False, elem_id="slider"
                )
                note = gr.Markdown(elem_id="note")
                readings = gr.Dataframe(headers=COLUMNS, label="Readings", interactive=False, wrap=True)
                download = gr.DownloadButton("Download PNG", elem_id="download")

        event: dict[str, Any] = {"fn": demo.run, "inputs": inputs, "outputs": [slider, readings, download, note]}
        gr.on([button.click, text.submit], **event, api_name="upscale")

    return page


def _controls(demo: _Demo, config: DemoConfig) -> tuple[list[gr.components.Component], gr.Textbox]:
    source = gr.Image(
        label="Picture",
        type="filepath",
        format="png",
        image_mode=None,
        sources=["upload", "clipboard"],
        height=200,
        elem_id="picture",
    )

    gr.Examples(demo.examples(), source, label="Examples")
    scale = gr.Slider(1, 8, 2, step=0.5, label="Scale")
    mode = gr.Radio(["auto", "line", "page"], value="auto", label="One line, or a page")
    text = gr.Textbox("", label="Text", placeholder="What it says, if you know", max_lines=1)

    # What few change.
    with gr.Accordion("More", open=False):
        strength = gr.Slider(0, 1, demo.first.upscaler.strength, step=0.05, label="Strength")
        guard = gr.Radio(["auto", "revert", "warn", "off"], value=config.guard, label="Guard")
        lexicon = gr.Radio(
            ["english", "none"], value="none" if config.lexicon == "none" else "english", label="Lexicon"
        )
        words = gr.File(label="Lexicon of your own: a text file with one word a line", type="filepath", height=120)

    return [source, scale, mode, text, strength, guard, lexicon, words], text


def run_demo(config: DemoConfig, *, quiet: bool) -> None:
    """Serve the page until the process is interrupted.

    Raises:
        WeightsError: If the weights cannot be loaded.
        OSError: If the port is taken.
    """
    page = create_demo(config)

    page.launch(
        server_name=config.host,
        server_port=config.port or None,
        quiet=quiet,
        share=False,
        show_error=True,
        ssr_mode=False,
        max_file_size="20mb",
        theme=gr.themes.Default(font=FONT, font_mono=FONT_MONO),
        footer_links=[],
    )
