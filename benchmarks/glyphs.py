"""Measures glyph extraction: key points and masks on real words with boxes, masks on rendered words, SAM's speed.

    python benchmarks/glyphs.py words --lmdb iiit5k-lr/train --panels worst.png
    python benchmarks/glyphs.py points --lmdb iiit5k-lr/train --recognizer crnn-synth
    python benchmarks/glyphs.py rendered
    python benchmarks/glyphs.py sam --words 4

``words`` and ``points`` need an LMDB with the key ``char_boxes-%09d``: ``[[x, y, w, h], ...]`` in HR pixels, one per
character.
``sam`` has random weights: what it says of speed and equality holds for any weights, what masks show does not.
"""

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.config.extraction import ExtractConfig
from glyphsr.config.rendering import RenderConfig
from glyphsr.data.glyph_lmdb import GlyphLmdb
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.rendering.words import WordRenderer
from glyphsr.extraction.extract import extract, extract_glyphs
from glyphsr.glyphs.selection import iou_with
from glyphsr.glyphs.word import Rejection, prepare_word
from glyphsr.types import Extraction, Sample

PANEL_SCALE = 4


@dataclass
class WordScore:
    """How one word came out."""

    index: int
    text: str
    hits: NDArray[np.bool_]
    """``(2, L)``: whether each key point lies in its character's box."""
    inside: int
    pixels: int
    quality: float


def score_word(index: int, extraction: Extraction, boxes: NDArray[np.float64]) -> WordScore:
    """Compare with boxes; a pixel, and a key point, counts by its centre."""
    left, top = boxes[:, 0], boxes[:, 1]
    right, bottom = left + boxes[:, 2], top + boxes[:, 3]
    hits = hits_of(np.array([record.points for record in extraction.glyphs], np.float64), boxes)
    inside = pixels = 0
    for i, mask in enumerate(extraction.chars):
        rows, columns = np.nonzero(mask)
        within = (columns + 0.5 >= left[i]) & (columns + 0.5 <= right[i])
        within &= (rows + 0.5 >= top[i]) & (rows + 0.5 <= bottom[i])
        inside += int(within.sum())
        pixels += len(rows)
    return WordScore(index, extraction.text, hits, inside, pixels, extraction.quality)


def measure_words(arguments: argparse.Namespace) -> None:
    source = PairedLmdb(arguments.lmdb)
    config = ExtractConfig(
        segmenter="ink", localizer="cuts", workers=arguments.workers, profile=arguments.profile, frame=arguments.frame
    )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "glyphs"
        report = extract(str(arguments.lmdb), out, config=config).reports[0]
        glyphs = GlyphLmdb(out)
        found = [glyphs[i] for i in range(len(glyphs))]
    scores = []
    for i, extraction in enumerate(found):
        boxes = np.array(json.loads(source.get(f"char_boxes-{i + 1:09d}") or b"[]"), np.float64)
        if extraction.rejected is not None:
            scores.append(WordScore(i, "", np.zeros((2, len(boxes)), bool), 0, 0, 0.0))
        elif len(boxes) == len(extraction.text):
            scores.append(score_word(i, extraction, boxes))
    hits = np.concatenate([score.hits for score in scores], axis=1)
    both = np.array([score.hits.all() for score in scores])
    second = np.array([score.hits[1].all() for score in scores])
    inside, pixels = (sum(getattr(score, name) for score in scores) for name in ("inside", "pixels"))
    print(f"{len(scores)} words, {hits.shape[1]} characters, {sum(report.rejected.values())} words rejected")
    print(f"key point in its box   centre of mass {hits[0].mean():.2%}, centre of rectangle {hits[1].mean():.2%}")
    print(f"words with all hit     by the rectangle {second.mean():.2%}, by both {both.mean():.2%}")
    print(f"mask pixels in own box {inside / pixels:.4f}")
    kept = np.argsort([-score.quality for score in scores])[: round(0.8 * len(scores))]
    print(f"best 80% by quality    words with all hit {second[kept].mean():.2%}")
    print(f"speed                  {report.images_per_s:.0f} words/s with {arguments.workers} workers")
    if arguments.panels:
        worst = sorted(scores, key=lambda score: (score.hits[1].all(), score.inside / max(1, score.pixels)))[:30]
        sheet = [(source[score.index], found[score.index]) for score in worst]
        from glyphsr.viz.glyph_sheet import glyph_sheet

        cv2.imwrite(str(arguments.panels), cv2.cvtColor(glyph_sheet(sheet), cv2.COLOR_RGB2BGR))
        print(f"worst 30               {arguments.panels}")


def measure_rendered(arguments: argparse.Namespace) -> None:
    """Masks against exact ones, of words as `glyphsr data synth` draws them."""
    renderer = WordRenderer(RenderConfig(height=arguments.height))
    overlaps: list[float] = []
    qualities: list[float] = []
    words: list[bool] = []
    rejected = 0
    worst: list[tuple[float, Sample, Extraction]] = []
    for i in range(arguments.words):
        word = renderer.word(arguments.seed, i, masks=True)
        assert word.chars is not None
        found = extract_glyphs(word.image, word.text, segmenter="ink", localizer="cuts", profile=arguments.profile)
        rejected += found.rejected is not None
        masks = found.chars if found.rejected is None else np.zeros_like(word.chars)
        own = [float(iou_with(a[None], b)[0]) for a, b in zip(masks, word.chars, strict=True)]
        overlaps += own
        words.append(min(own) > 0.5)
        qualities.append(found.quality)
        worst.append((float(np.mean(own)), word.as_sample(f"rendered/{i}"), found))
    values = np.array(overlaps)
    print(
        f"{len(words)} rendered words at height {arguments.height}, {len(values)} characters, "
        f"{len(renderer.book)} fonts, seed {arguments.seed}, {rejected} rejected"
    )
    print(f"mask IoU               median {np.median(values):.3f}, mean {values.mean():.3f}")
    print(f"characters above 0.5   {(values > 0.5).mean():.2%}; words with all above {np.mean(words):.2%}")
    best = np.argsort([-quality for quality in qualities])[: round(0.8 * len(words))]
    print(f"best 80% by quality    words with all above {np.mean([words[i] for i in best]):.2%}")
    if arguments.panels:
        from glyphsr.viz.glyph_sheet import glyph_sheet

        chosen = sorted(worst, key=lambda row: row[0])[:: max(1, len(worst) // 40)]
        sheet = glyph_sheet([(sample, found) for _, sample, found in chosen])
        cv2.imwrite(str(arguments.panels), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
        print(f"from worst to best     {arguments.panels}")


def measure_points(arguments: argparse.Namespace) -> None:
    """How well key points hit their characters' boxes: by ink and text, by recognizers' attention, by both."""
    from glyphsr.extraction.localizers import describe_localizer, open_localizer
    from glyphsr.system.devices import resolve_device

    source = PairedLmdb(arguments.lmdb)
    words, boxes = [], []
    for i in range(min(len(source), arguments.limit)):
        sample = source[i]
        own = np.array(json.loads(source.get(f"char_boxes-{i + 1:09d}") or b"[]"), np.float64)
        try:
            word = prepare_word(sample.hr, sample.label)
        except Rejection:
            continue
        if len(own) == len(word.text) and word.image.shape == sample.hr.shape:
            words.append(word)
            boxes.append(own)
    print(f"{len(words)} words, {sum(map(len, boxes))} characters")
    asked: list[tuple[str, str]] = [("cuts", "")]
    asked += [(kind, name) for name in arguments.recognizer for kind in ("attention", "checked")]
    for localizer, recognizer in asked:
        changes = {"recognizer": recognizer} if recognizer else {}
        config = ExtractConfig.model_validate({"localizer": localizer, **changes})
        opened = open_localizer(describe_localizer(config), config, resolve_device("auto"))
        started = time.perf_counter()
        found = opened.locate(words)
        took = time.perf_counter() - started
        hits = [hits_of(points.points, own) for points, own in zip(found, boxes, strict=True)]
        characters = np.concatenate(hits, axis=1)
        whole = np.mean([own.all() for own in hits])
        print(
            f"{f'{localizer} {recognizer}'.strip():26s} key point in its box: first {characters[0].mean():.2%}, second "
            f"{characters[1].mean():.2%}, both of all characters {whole:.2%} of words, {len(words) / took:.0f} words/s"
        )


def hits_of(points: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """``(L, 2, 2)`` points and ``(L, 4)`` boxes to ``(2, L)``: whether each point's pixel has its centre in its box."""
    corner, size = boxes[:, None, :2], boxes[:, None, 2:]
    inside = (points + 0.5 >= corner) & (points + 0.5 <= corner + size)
    return np.asarray(inside.all(axis=2).T)


def sample_words(count: int) -> list[tuple[NDArray[np.uint8], str]]:
    """Words of the package's sample set."""
    from glyphsr.data.sources import SAMPLE_ROOT

    source = PairedLmdb(SAMPLE_ROOT / "train")
    return [(source[i].hr, source[i].label) for i in range(min(count, len(source)))]


def measure_sam(arguments: argparse.Namespace) -> None:
    import copy

    import torch
    from segment_anything import SamPredictor as Published

    from glyphsr.glyphs.anchors import anchors_of, prompts_of
    from glyphsr.glyphs.segmentation_localizer import CutsLocalizer
    from glyphsr.sam.predictor import SamPredictor
    from glyphsr.sam.shape import PUBLISHED, build_sam

    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    shape = PUBLISHED[arguments.type]
    sam = build_sam(shape)
    for name, parameter in sam.named_parameters():
        if "rel_pos" in name or "pos_embed" in name:  # they start at zero, which would hide mistakes
            torch.nn.init.normal_(parameter, std=0.02)
    words = [prepare_word(*pair) for pair in sample_words(arguments.words)]
    points = CutsLocalizer().locate(words)
    prompts = [prompts_of(word, own, (2.0, 4.0), on_ink=False) for word, own in zip(words, points, strict=True)]
    published = Published(sam)
    reference, started = [], time.perf_counter()
    for word, own in zip(words, points, strict=True):
        published.set_image(word.image)
        masks = {}
        for pair in own.points:
            for point in pair:  # 18 prompts per character, as the paper has them, also where they coincide
                for anchor in anchors_of(point, (2.0, 4.0), word.image.shape[:2]):
                    answer, _, _ = published.predict(anchor[None], np.array([1]))
                    masks[tuple(anchor)] = answer
        reference.append(masks)
    naive = (time.perf_counter() - started) / len(words)
    characters = sum(len(word.text) for word in words) / len(words)
    distinct = np.mean([len(own.points) / len(word.text) for own, word in zip(prompts, words, strict=True)])
    print(
        f"{shape.type}, random weights, {arguments.threads} threads, {len(words)} words of {characters:.1f} characters"
    )
    print(f"one set_image and 18 predict per character: {naive:.2f} s a word")
    print(f"{distinct:.1f} of 18 prompts per character are distinct; on ink only below")
    settings: list[tuple[str, dict[str, Any], bool]] = [
        ("padded fp32", {}, False),
        ("padded bf16", {"dtype": torch.bfloat16}, False),
        ("crop fp32", {"layout": "crop"}, False),
        ("crop bf16", {"layout": "crop", "dtype": torch.bfloat16}, False),
        ("mosaic bf16", {"layout": "mosaic", "dtype": torch.bfloat16}, False),
        ("mosaic bf16, anchors on ink", {"layout": "mosaic", "dtype": torch.bfloat16}, True),
    ]
    for label, options, on_ink in settings:
        predictor = SamPredictor(copy.deepcopy(sam), shape, **options)
        images = [word.image for word in words]
        if on_ink:
            prompts = [prompts_of(word, own, (2.0, 4.0), on_ink=True) for word, own in zip(words, points, strict=True)]
        asked = [own.points for own in prompts]
        predictor.segment(images[:1], [asked[0][:1]])  # loads libraries, fills the cache of padding
        started = time.perf_counter()
        answers = predictor.segment(images, asked)
        ours = (time.perf_counter() - started) / len(words)
        overlaps = []
        for answer, own, masks in zip(answers, asked, reference, strict=True):
            for number, anchor in enumerate(own):
                expected = masks.get(tuple(anchor))
                if expected is not None:
                    overlaps += [
                        float(iou_with(mask[None], true)[0])
                        for mask, true in zip(answer.masks[answer.prompts == number], expected, strict=True)
                        if true.any() or mask.any()
                    ]
        least, median = min(overlaps), np.median(overlaps)
        print(f"{label:30s} {ours:6.2f} s a word {naive / ours:6.1f}x   mask IoU least {least:.4f} median {median:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, function in (("words", measure_words), ("points", measure_points)):
        part = commands.add_parser(name)
        part.add_argument("--lmdb", type=Path, required=True)
        part.add_argument("--workers", type=int, default=2)
        part.add_argument("--profile", default="paper")
        part.add_argument("--frame", default="natural")
        part.add_argument("--panels", type=Path)
        part.set_defaults(run=function)
    part.add_argument("--recognizer", nargs="*", default=["crnn-synth"])
    part.add_argument("--limit", type=int, default=2000)
    part = commands.add_parser("rendered")
    part.add_argument("--words", type=int, default=2000)
    part.add_argument("--height", type=int, default=32)
    part.add_argument("--profile", default="paper")
    part.add_argument("--panels", type=Path)
    part.add_argument("--seed", type=int, default=0)
    part.set_defaults(run=measure_rendered)
    part = commands.add_parser("sam")
    part.add_argument("--words", type=int, default=4)
    part.add_argument("--threads", type=int, default=2)
    part.add_argument("--type", default="vit_b")
    part.add_argument("--seed", type=int, default=0)
    part.set_defaults(run=measure_sam)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
