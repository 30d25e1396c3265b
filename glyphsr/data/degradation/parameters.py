"""What will be done to each picture, drawn before any pixel is touched."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from glyphsr.config.degradation import DegradationConfig
from glyphsr.data.noise import FIELD_SIZE

REFERENCE_HEIGHT = 32
"""HR line height that the configuration's lengths refer to."""

DEFOCUS_REST = 0.3
"""Fraction of the Gaussian's deviation that stays where a disc replaces it."""

SECOND_QUALITY = (40.0, 90.0)
"""JPEG quality of earlier rounds."""

JPEG, WEBP = 1, 2

Numbers = NDArray[np.float64]
"""``(n,)``: one number per picture."""

_DRAWS = (
    "mild",
    "difficulty",
    "aspect",
    "is_defocus",
    "is_moved",
    "motion",
    "angle",
    "shift_x",
    "shift_y",
    "kernel",
    "is_noisy",
    "before",
    "after",
    "gray",
    "shot",
    "is_ringing",
    "ringing",
    "contrast",
    "saturation",
    "brightness",
    "is_compressed",
    "codec",
    "quality",
    "is_double",
    "first_quality",
    "grid_x",
    "grid_y",
    "is_second",
    "second_size",
    "second_quality",
    "before_at",
    "after_at",
    "blur_jitter",
    "motion_jitter",
    "aspect_jitter",
    "shift_jitter",
    "before_jitter",
    "after_jitter",
    "ringing_jitter",
    "contrast_jitter",
    "saturation_jitter",
    "brightness_jitter",
    "quality_jitter",
)
"""Every picture draws one number in [0, 1) for each of these, used or not: so settings change one thing at a time."""


@dataclass(frozen=True, eq=False)
class DegradationParams:
    """The effects on ``n`` pictures; lengths are HR pixels, deviations and changes on a scale of 1."""

    difficulty: Numbers
    """As drawn, 0 to 1."""
    sigma_x: Numbers
    """Gaussian blur along rows."""
    sigma_y: Numbers
    shift_x: Numbers
    shift_y: Numbers
    defocus: Numbers
    """Radius of a disc, 0 for none."""
    motion: Numbers
    """Length of a straight motion, 0 for none."""
    angle: Numbers
    """Of it, in radians."""
    kernel: Numbers
    """Index into the configured down-sampling kernels."""
    noise_before: Numbers
    noise_before_at: Numbers
    """Where in the noise field it begins."""
    noise_after: Numbers
    noise_after_at: Numbers
    gray_noise: Numbers
    """1 where all channels have the same noise."""
    shot: Numbers
    """Fraction of the variance after down-sampling that follows brightness."""
    ringing: Numbers
    """Amount of sharpening, 0 for none."""
    contrast: Numbers
    saturation: Numbers
    brightness: Numbers
    codec: Numbers
    """0 for none, :data:`JPEG` or :data:`WEBP`."""
    quality: Numbers
    first_quality: Numbers
    """Of an earlier JPEG, 0 for none."""
    grid_x: Numbers
    """Pixels by which the earlier JPEG's blocks lie elsewhere, 0 to 7."""
    grid_y: Numbers
    second_size: Numbers
    """Size of another round, as a fraction of LR; 0 for none."""
    second_quality: Numbers

    def __len__(self) -> int:
        return len(self.difficulty)

    def rows(self) -> list[dict[str, float]]:
        """The effects of each picture by name."""
        names = [field.name for field in fields(self)]
        columns = (getattr(self, name).tolist() for name in names)
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def draw_numbers(rng: np.random.Generator, count: int = 1) -> NDArray[np.float64]:
    """``(count, k)`` numbers that decide everything about so many pictures; twice one is two."""
    return rng.random((count, len(_DRAWS)))


def sample_params(config: DegradationConfig, drawn: NDArray[np.float64], *, height: int) -> DegradationParams:
    """The effects on some pictures.

    Args:
        config: Ranges.
        drawn: ``(n, k)`` of :func:`draw_numbers`; no picture's effects depend on the others'.
        height: HR line height in pixels, with which lengths grow.
    """
    u = dict(zip(_DRAWS, drawn.T, strict=True))

    unit = height / REFERENCE_HEIGHT
    # How difficult each picture is; some are mild by design.
    mild = u["mild"] < config.mild_prob
    least, greatest = (np.where(mild, m, o) for m, o in zip(config.mild_difficulty, config.difficulty, strict=True))
    difficulty = least + (greatest - least) * u["difficulty"]

    def at(ends: tuple[float, float], effect: str) -> Numbers:
        """The value at the picture's difficulty, around which the effect varies."""
        own = np.minimum(1.0, difficulty * (1 + config.spread * (2 * u[f"{effect}_jitter"] - 1)))
        return np.asarray(ends[0] + (ends[1] - ends[0]) * own)

    def up_to(ends: tuple[float, float], effect: str) -> Numbers:
        """Between the value at difficulty 0 and that of the picture."""
        return np.asarray(ends[0] + (at(ends, effect) - ends[0]) * u[effect])

    def happens(ends: tuple[float, float], draw: str) -> NDArray[np.bool_]:
        return np.asarray(u[draw] < ends[0] + (ends[1] - ends[0]) * difficulty)

    # Blur: Gaussian, or partly a disc, unequal along the axes while the area stays.
    sigma = unit * at(config.blur_sigma, "blur")
    defocused = happens(config.defocus_prob, "is_defocus")
    sharper = np.where(defocused, DEFOCUS_REST * sigma, sigma)
    widest = at(config.anisotropy, "aspect")
    stretch = np.sqrt(widest ** (2 * u["aspect"] - 1))

    reach = unit * at(config.shift, "shift")
    # Compression and earlier rounds.
    compressed = happens(config.compression_prob, "is_compressed")
    double = compressed & happens(config.double_prob, "is_double")
    second = happens(config.second_order_prob, "is_second")

    earlier = SECOND_QUALITY[1] - SECOND_QUALITY[0]
    return DegradationParams(
        difficulty=difficulty,
        sigma_x=sharper * stretch,
        sigma_y=sharper / stretch,
        shift_x=reach * (2 * u["shift_x"] - 1),
        shift_y=reach * (2 * u["shift_y"] - 1),
        # A disc of radius r has the deviation r / 2 along each axis.
        defocus=np.where(defocused, 2 * np.sqrt(1 - DEFOCUS_REST**2) * sigma, 0.0),
        motion=np.where(happens(config.motion_prob, "is_moved"), unit * up_to(config.motion_length, "motion"), 0.0),
        angle=np.pi * u["angle"],
        kernel=np.floor(u["kernel"] * len(config.kernels)),
        noise_before=np.where(happens(config.noise_before_prob, "is_noisy"), up_to(config.noise_before, "before"), 0.0),
        noise_before_at=np.floor(u["before_at"] * FIELD_SIZE),
        noise_after=up_to(config.noise_after, "after"),
        noise_after_at=np.floor(u["after_at"] * FIELD_SIZE),
        gray_noise=(u["gray"] < config.gray_noise_prob).astype(np.float64),
        shot=config.shot_noise * u["shot"],
        ringing=np.where(happens(config.ringing_prob, "is_ringing"), up_to(config.ringing, "ringing"), 0.0),
        contrast=up_to(config.contrast, "contrast"),
        saturation=up_to(config.saturation, "saturation"),
        brightness=at(config.brightness, "brightness") * (2 * u["brightness"] - 1),
        codec=np.where(compressed, np.where(u["codec"] < config.webp_prob, WEBP, JPEG), 0).astype(np.float64),
        quality=np.round(up_to(config.quality, "quality")),
        first_quality=np.where(double, np.round(SECOND_QUALITY[0] + earlier * u["first_quality"]), 0.0),
        grid_x=np.floor(8 * u["grid_x"]),
        grid_y=np.floor(8 * u["grid_y"]),
        second_size=np.where(second, config.second_order_size + (1 - config.second_order_size) * u["second_size"], 0.0),
        second_quality=np.round(SECOND_QUALITY[0] + earlier * u["second_quality"]),
    )
