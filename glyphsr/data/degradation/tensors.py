"""Degrades a batch of pictures of one size, on a CPU or a GPU."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from glyphsr.config.degradation import DegradationConfig
from glyphsr.data.degradation.compression import compress, compress_off_grid
from glyphsr.data.degradation.filters import (
    Taps,
    axis_taps,
    disc_kernel,
    down_matrix,
    gaussian_taps,
    kernel_taps,
    motion_kernel,
    odd_size,
    round_trip,
    smoothing,
)
from glyphsr.data.degradation.parameters import JPEG, Numbers, Recipe
from glyphsr.data.noise import noise_at
from glyphsr.images.luma import LUMA


@torch.no_grad()
def degrade_batch(hr: Tensor, recipe: Recipe, config: DegradationConfig, *, factor: int = 2) -> Tensor:
    """Low-resolution versions of a batch.

    Each picture comes out as :func:`glyphsr.data.degradation.apply.degrade_each` makes it, up to rounding; codecs run
    on the CPU wherever the batch is.

    Args:
        hr: ``(B, 3, H, W)`` of any float type, in [0, 1], on any device; both sides multiples of ``factor``.
        recipe: Of ``B`` pictures, drawn with ``height=H``.
        config: That it was drawn from.
        factor: Down-sampling factor.

    Returns:
        ``(B, 3, H / factor, W / factor)`` float32, multiples of 1/255 in [0, 1].

    Raises:
        ValueError: If it is no such tensor, or the recipe is of another number of pictures.
    """
    if hr.ndim != 4 or hr.shape[1] != 3 or not hr.is_floating_point():
        raise ValueError(f"expected (B, 3, H, W) of a float type, got {tuple(hr.shape)} {hr.dtype}")
    if hr.shape[2] % factor or hr.shape[3] % factor:
        raise ValueError(f"expected sides that are multiples of {factor}, got {tuple(hr.shape[2:])}")
    if len(recipe) != len(hr):
        raise ValueError(f"expected recipes of {len(hr)} pictures, got {len(recipe)}")
    hr = hr.detach().float()
    if not len(hr):
        return hr.new_zeros(0, 3, hr.shape[2] // factor, hr.shape[3] // factor)
    with torch.autocast(hr.device.type, enabled=False):
        lr = _shrink(_blur_freely(hr, recipe), recipe, config, factor)
        _add_noise_before(lr, hr.shape, recipe, config, factor)
        _second_rounds(lr, recipe)
        lr = _adjust(lr, recipe)
        lr = _add_noise_after(lr, recipe)
        return _compressed(lr, recipe)


def _for_each(count: int, work: Callable[[int], None]) -> None:
    """Call for ``0 .. count - 1``, on as many threads as torch uses; OpenCV lets others run while it works."""
    threads = min(torch.get_num_threads(), count // 8)
    if threads < 2:
        for place in range(count):
            work(place)
        return

    def share(first: int) -> None:
        for place in range(first, count, threads):
            work(place)

    with ThreadPoolExecutor(threads - 1) as pool:
        others = [pool.submit(share, first) for first in range(1, threads)]
        share(0)
        for other in others:
            other.result()


def _column(values: Numbers, like: Tensor) -> Tensor:
    """``(n,)`` to ``(n, 1, 1, 1)`` on the batch's device."""
    return torch.from_numpy(values).to(like.device, torch.float32)[:, None, None, None]


def _disc(recipe: Recipe, i: int, side: int) -> Taps:
    return disc_kernel(float(recipe.defocus[i]), side)


def _motion(recipe: Recipe, i: int, side: int) -> Taps:
    return motion_kernel(float(recipe.motion[i]), float(recipe.angle[i]), side)


def _blur_freely(hr: Tensor, recipe: Recipe) -> Tensor:
    """Defocus and motion of the pictures that have them."""
    if recipe.defocus.any() or recipe.motion.any():
        hr = hr.clone(memory_format=torch.contiguous_format)
    for lengths, make in (
        (2 * recipe.defocus, _disc),
        (recipe.motion, _motion),
    ):
        chosen = np.flatnonzero(lengths).tolist()
        if not chosen:
            continue
        sides = [odd_size(float(lengths[i])) for i in chosen]
        kernels = [make(recipe, i, side) for i, side in zip(chosen, sides, strict=True)]
        filter_some = _filter_on_cpu if hr.device.type == "cpu" else _convolve
        filter_some(hr, chosen, kernels)
    return hr


def _filter_on_cpu(hr: Tensor, chosen: Sequence[int], kernels: Sequence[Taps]) -> None:
    """As :func:`_convolve`, which on CPUs takes many times as long."""
    pixels = hr.numpy()

    def filter_one(place: int) -> None:
        for plane in pixels[chosen[place]]:
            cv2.filter2D(plane, -1, kernels[place], dst=plane, borderType=cv2.BORDER_REPLICATE)

    _for_each(len(chosen), filter_one)


def _convolve(hr: Tensor, chosen: Sequence[int], kernels: Sequence[Taps]) -> None:
    """Filter some pictures of a batch in place, each by a kernel of its own."""
    margin = max(len(kernel) for kernel in kernels) // 2
    same = np.stack([np.pad(kernel, margin - len(kernel) // 2) for kernel in kernels])
    weights = torch.from_numpy(same).to(hr.device)[:, None]  # (n, 1, k, k)
    picked = torch.tensor(chosen, device=hr.device)
    padded = F.pad(hr[picked], (margin,) * 4, mode="replicate")
    with torch.backends.cudnn.flags(allow_tf32=False):  # whose ten bits are less than a level of 255
        hr[picked] = F.conv2d(padded.transpose(0, 1), weights, groups=len(chosen)).transpose(0, 1)


def _band(taps: Taps, before: int, *, size: int, factor: int, like: Tensor) -> Tensor:
    """``(n, size / factor, size)`` matrices that filter and down-sample a row; its ends are repeated.

    Args:
        taps: ``(n, t)``.
        before: By how many they begin before the first of the LR pixel's own.
        size: Of the row.
        factor: Down-sampling factor.
        like: A tensor on the right device.
    """
    weights = torch.from_numpy(taps).to(like.device)
    count, length = weights.shape
    rows = size // factor
    after = max(0, factor * (rows - 1) + length - before - size)
    wide = before + size + after
    matrix = torch.zeros(count, rows, wide, device=like.device)
    # Row r has the taps from column factor * r on: a view along that diagonal is filled at once.
    matrix.as_strided((count, rows, length), (rows * wide, wide + factor, 1)).copy_(
        weights[:, None].expand(-1, rows, -1)
    )
    inside = matrix[:, :, before : before + size]
    inside[:, :, 0] += matrix[:, :, :before].sum(dim=2)
    inside[:, :, -1] += matrix[:, :, before + size :].sum(dim=2)
    return inside


def _shrink(hr: Tensor, recipe: Recipe, config: DegradationConfig, factor: int) -> Tensor:
    """Shift, Gaussian blur and down-sampling as one matrix per axis and picture."""
    all_taps = np.stack([kernel_taps(name, factor) for name in config.kernels])
    kernel = all_taps[recipe.kernel.astype(np.int64)]
    matrices = [
        _band(*axis_taps(gaussian_taps(sigma, shift), kernel), size=size, factor=factor, like=hr)
        for sigma, shift, size in (
            (recipe.sigma_y, recipe.shift_y, hr.shape[2]),
            (recipe.sigma_x, recipe.shift_x, hr.shape[3]),
        )
    ]
    down, across = matrices
    rows = (down[:, None] @ hr).flatten(1, 2)  # (B, 3 h, W)
    return torch.bmm(rows, across.mT).view(len(hr), 3, -1, across.shape[1])  # (B, 3, h, w)


def _noise(starts: Numbers, gray: Numbers, shape: tuple[int, int, int], like: Tensor) -> Tensor:
    """``(n, 3, H, W)``: each picture's part of the noise field, from its start on."""
    noise = torch.from_numpy(np.stack([noise_at(int(start), shape) for start in starts])).to(like.device)
    is_gray = torch.from_numpy(np.flatnonzero(gray)).to(like.device)
    noise[is_gray] = noise[is_gray, :1]
    return noise


def _add_noise_before(lr: Tensor, hr: torch.Size, recipe: Recipe, config: DegradationConfig, factor: int) -> None:
    for i, name in enumerate(config.kernels):
        chosen = np.flatnonzero((recipe.noise_before > 0) & (recipe.kernel == i))
        if not len(chosen):
            continue
        noise = _noise(recipe.noise_before_at[chosen], recipe.gray_noise[chosen], (3, hr[2], hr[3]), lr)
        down, across = (torch.from_numpy(down_matrix(size, name, factor)).to(lr.device) for size in hr[2:])
        small = down @ noise @ across.T
        lr[torch.from_numpy(chosen).to(lr.device)] += _column(recipe.noise_before[chosen], lr) * small


def _second_rounds(lr: Tensor, recipe: Recipe) -> None:
    """Made smaller, brought back, compressed."""
    chosen = np.flatnonzero(recipe.second_size)
    if not len(chosen):
        return
    down, across = (
        torch.from_numpy(
            np.stack([round_trip(size, max(1, round(float(recipe.second_size[i]) * size))) for i in chosen])
        ).to(lr.device)
        for size in lr.shape[2:]
    )
    picked = torch.from_numpy(chosen).to(lr.device)
    pixels = _to_bytes(down[:, None] @ lr[picked] @ across[:, None].mT)
    for image, i in zip(pixels, chosen, strict=True):
        image[:] = compress(image, JPEG, int(recipe.second_quality[i]))
    lr[picked] = _to_planes(pixels, lr)


def _adjust(lr: Tensor, recipe: Recipe) -> Tensor:
    """Sharpening, contrast, brightness, colour."""
    height, width = lr.shape[2:]
    if recipe.ringing.any():
        down, across = (torch.from_numpy(smoothing(size)).to(lr.device) for size in (height, width))
        lr = lr + _column(recipe.ringing, lr) * (lr - down @ lr @ across.T)
    contrast = _column(recipe.contrast, lr)
    mean = lr.mean(dim=(1, 2, 3), keepdim=True)
    lr = lr * contrast + (mean * (1 - contrast) + _column(recipe.brightness, lr))
    gray = torch.tensordot(torch.from_numpy(LUMA).to(lr.device), lr, dims=([0], [1]))[:, None]
    return torch.lerp(gray, lr, _column(recipe.saturation, lr))


def _add_noise_after(lr: Tensor, recipe: Recipe) -> Tensor:
    if not recipe.noise_after.any():
        return lr
    noise = _noise(recipe.noise_after_at, recipe.gray_noise, (3, *lr.shape[2:]), lr)
    shot = _column(recipe.shot, lr)
    variance = 1 - shot + 2 * shot * lr.clamp(0, 1)
    return lr + _column(recipe.noise_after, lr) * variance.sqrt() * noise


def _to_bytes(lr: Tensor) -> NDArray[np.uint8]:
    """``(n, h, w, 3)`` BGR, rounded and clipped."""
    pixels = lr.clamp(0, 1).mul_(255).add_(0.5).to(torch.uint8)
    return np.asarray(pixels[:, [2, 1, 0]].permute(0, 2, 3, 1).contiguous().cpu().numpy())


def _to_planes(pixels: NDArray[np.uint8], like: Tensor) -> Tensor:
    planes = torch.from_numpy(pixels).to(like.device).permute(0, 3, 1, 2)[:, [2, 1, 0]]
    return planes.to(torch.float32, memory_format=torch.contiguous_format).mul_(1 / 255)


def _compressed(lr: Tensor, recipe: Recipe) -> Tensor:
    """Codecs, picture by picture."""
    pixels = _to_bytes(lr)
    chosen = np.flatnonzero(recipe.codec).tolist()

    def compress_one(place: int) -> None:
        i = chosen[place]
        image = pixels[i]
        if recipe.first_quality[i]:
            grid = (int(recipe.grid_x[i]), int(recipe.grid_y[i]))
            image = compress_off_grid(image, JPEG, int(recipe.first_quality[i]), grid)
        pixels[i] = compress(image, int(recipe.codec[i]), int(recipe.quality[i]))

    _for_each(len(chosen), compress_one)
    return _to_planes(pixels, lr)
