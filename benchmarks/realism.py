"""How far rendered words can be distinguished from real ones: a number, and what gives them away.

    python benchmarks/realism.py iiit5k-lr/train [--words 2000] [--set render.noise=0.02]

REAL is an LMDB of real pairs at HR height 32, to be compared with as many rendered and degraded words. Each picture
becomes some thirty figures (brightness, colour, edges, spectrum, noise, borders, ink); a linear classifier then learns,
in five folds, to tell both kinds apart. Its area under the curve is 0.5 where it cannot and 1 where it always can.
Difficulties of the rendered words are those of the real set's levels in turn.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.config.degradation import LEVELS
from glyphsr.config.reader import load
from glyphsr.config.synth import SynthConfig
from glyphsr.data.degradation.apply import degrade
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.rendering.words import WordRenderer
from glyphsr.types import Sample

FOLDS, STEPS, WEIGHT_DECAY = 5, 300, 1e-3
BANDS = 4
SHOWN = 12


def luma(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32) / 255


def figures(image: NDArray[np.uint8]) -> dict[str, float]:
    """What is compared; lengths are fractions of the height, so that sizes do not count."""
    gray = luma(image)
    height, width = gray.shape
    low, middle, high = np.percentile(gray, (5, 50, 95))
    contrast = max(high - low, 1e-3)
    found = {"dark": low, "middle": middle, "bright": high, "contrast": contrast, "deviation": float(gray.std())}
    colour = image.astype(np.float32) / 255
    chroma = colour.max(axis=2) - colour.min(axis=2)
    found |= {"chroma": float(chroma.mean()), "chroma's deviation": float(chroma.std())}
    x, y = np.diff(gray, axis=1), np.diff(gray, axis=0)
    found |= {f"slope {p}%": float(np.percentile(np.abs(x), p)) / contrast for p in (50, 80, 95, 99)}
    found |= {f"rise {p}%": float(np.percentile(np.abs(y), p)) / contrast for p in (80, 95, 99)}
    for name, axis, count in (("across", 1, width), ("down", 0, height)):
        window = np.hanning(count)
        centred = (gray - gray.mean()) * (window if axis == 1 else window[:, None])
        power = np.square(np.abs(np.fft.rfft(centred, axis=axis))).mean(axis=1 - axis)[1:]
        total = power.sum() + 1e-9
        for band, part in enumerate(np.array_split(power, BANDS)):
            found[f"spectrum {name} {band}"] = float(np.log10(part.sum() / total + 1e-6))
    laplacian = cv2.Laplacian(gray, cv2.CV_32F)
    found["noise"] = float(np.log10(np.median(np.abs(laplacian)) + 1e-4))
    found["outliers"] = float(np.log10(np.percentile(np.abs(laplacian), 99) + 1e-4))
    border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    found |= {"border's deviation": float(border.std()) / contrast, "border": float(border.mean())}
    cut, _ = cv2.threshold((gray * 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    light = gray * 255 > cut
    light_border = float(np.mean(border * 255 > cut))
    ink = ~light if light_border > 0.5 else light
    found |= {"ink": float(ink.mean()), "light on dark": float(light_border <= 0.5), "border's side": light_border}
    rows = ink.mean(axis=1)
    found |= {
        "ink in the first rows": float(rows[: height // 8].mean()),
        "ink in the last": float(rows[-height // 8 :].mean()),
    }
    inside = [float(gray[part].std()) / contrast for part in (ink, ~ink) if part.sum() > 4]
    found |= {"ink's deviation": inside[0] if inside else 0, "ground's deviation": inside[-1] if inside else 0}
    return found


def table(samples: list[Sample], side: str) -> tuple[NDArray[np.float64], list[str]]:
    rows = []
    for sample in samples:
        row = figures(getattr(sample, side))
        row["width of a character"] = sample.hr.shape[1] / sample.hr.shape[0] / max(1, len(sample.label))
        rows.append(row)
    names = list(rows[0])
    return np.array([[row[name] for name in names] for row in rows]), names


def learn(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of a logistic regression, by Newton's method."""
    weights = np.zeros(x.shape[1])
    for _ in range(20):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (p - y) / len(y) + WEIGHT_DECAY * weights
        hessian = (x * (p * (1 - p))[:, None]).T @ x / len(y) + WEIGHT_DECAY * np.eye(len(weights))
        weights -= np.linalg.solve(hessian, gradient)
    return weights


def area_under_curve(scores: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores)] = np.arange(1, len(scores) + 1)
    positive = y.sum()
    return float((ranks[y == 1].sum() - positive * (positive + 1) / 2) / (positive * (len(y) - positive)))


def compare(real: list[Sample], rendered: list[Sample], side: str, *, seed: int) -> float:
    (a, names), (b, _) = table(real, side), table(rendered, side)
    x, y = np.concatenate([a, b]), np.concatenate([np.zeros(len(a)), np.ones(len(b))])
    x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9)
    # Squares let a linear rule see what is as good in the mean but too narrow or too wide.
    x = np.concatenate([x, np.clip(x, -3, 3) ** 2 - 1, np.ones((len(x), 1))], axis=1)
    fold = np.random.default_rng(seed).permutation(len(x)) % FOLDS
    scores = np.zeros(len(x))
    for i in range(FOLDS):
        scores[fold == i] = x[fold == i] @ learn(x[fold != i], y[fold != i])
    area = area_under_curve(scores, y)
    print(f"{side.upper()}: area under the curve {area:.3f}, distinguished {np.mean((scores > 0) == y):.1%}")
    deviation = np.sqrt((a.var(axis=0) + b.var(axis=0)) / 2) + 1e-9
    distance = (b.mean(axis=0) - a.mean(axis=0)) / deviation
    spread = b.std(axis=0) / (a.std(axis=0) + 1e-9)
    print("   most different            real   rendered   distance   spread")
    for i in np.argsort(-np.abs(distance))[:SHOWN]:
        print(f"   {names[i]:22s} {a[:, i].mean():7.3f} {b[:, i].mean():10.3f} {distance[i]:10.2f} {spread[i]:8.2f}")
    return area


def render(count: int, config: SynthConfig) -> list[Sample]:
    """Rendered pairs, the levels' difficulties in turn as in the real set."""
    renderer = WordRenderer(config.render, print)
    samples = []
    levels = list(LEVELS.values())
    for i in range(count):
        word = renderer.word(config.seed, i)
        own = config.degradation.model_copy(update={"difficulty": levels[i % len(levels)], "mild_prob": 0.0})
        lr = degrade(word.image, own, np.random.default_rng([config.seed, 5, i]))
        samples.append(Sample(str(i), word.image, word.text, lr))
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("real", type=Path)
    parser.add_argument("--words", type=int, default=2000)
    parser.add_argument("--half", choices=("even", "odd"), help="every second real word, counted from 0")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], dest="sets")
    arguments = parser.parse_args()
    pairs = PairedLmdb(arguments.real)
    first, step = {None: (0, 1), "even": (0, 2), "odd": (1, 2)}[arguments.half]
    real = [pairs[i] for i in range(first, min(arguments.words, len(pairs)), step)]
    config = load(SynthConfig, sets=[f"seed={arguments.seed}", *arguments.sets])
    rendered = render(len(real), config)
    print(f"{len(real)} real words of {arguments.real}, {len(rendered)} rendered, seed {arguments.seed}")
    for side in ("hr", "lr"):
        compare(real, rendered, side, seed=arguments.seed)


if __name__ == "__main__":
    main()
