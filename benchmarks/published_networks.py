"""Do all networks of Table 1 upscale pictures in their published size? Weights are those of the golden vectors.

    python benchmarks/published_networks.py [KIND ...]

Each gives the golden vector's picture; a batch of eight equals batches of one, and two threads equal one, within the
vector's tolerance; a sign and a picture of 100 x 700 go through line and page mode. One line per network on stdout.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from model_zoo import gap
from PIL import Image

from glyphsr.upscaling.line_search import Mode
from glyphsr.upscaling.upscaler import Upscaler
from glyphsr.weights.published import network_from_official

ROOT = Path(__file__).parent.parent
KINDS = ("tg", "tsrn", "tbsrn", "tpgsr", "tatt", "c3stisr", "rtsrn", "tsan", "lemma", "pean", "glyphsr")
CRNN_CLASSES = 37
MODES: tuple[Mode, ...] = ("line", "page")


def check(kind: str, folder: Path) -> str:
    """What came out for one kind.

    Raises:
        AssertionError: If outputs differ by more than the vector's tolerance, or a picture came out in another size.
    """
    known = gap(kind)
    assert known is not None, f"{kind}: no golden vector"
    assert known[0] <= known[1], f"{kind}: off the golden vector by {known}"
    golden = _vectors().vector(kind)
    atol = golden.manifest["outputs"]["sr"]["atol"]
    network = network_from_official(golden.state, kind, kind=kind)
    prior, classes = None, int(getattr(network, "num_classes", 0))
    lines = torch.rand(8, network.config.image_channels, 16, 64, generator=torch.Generator().manual_seed(0))
    if classes:
        prior = torch.rand(8, classes, 1, 26, generator=torch.Generator().manual_seed(1)).softmax(dim=1)

    with torch.no_grad():
        together = network(lines, prior).sr
        alone = torch.cat([network(lines[i : i + 1], None if prior is None else prior[i : i + 1]).sr for i in range(8)])
        torch.set_num_threads(2)
        threaded = network(lines, prior).sr
        torch.set_num_threads(1)
    gaps = [float((other - together).abs().max()) for other in (alone, threaded)]
    assert max(gaps) <= atol, f"{kind}: {gaps} beyond {atol}"

    torch.save(golden.wrapped(), folder / f"{kind}.pth")
    options: dict[str, Any] = {}
    if classes:
        options["prior_weights"] = folder / ("crnn.pth" if classes == CRNN_CLASSES else "parseq.pth")
    upscaler = Upscaler(folder / f"{kind}.pth", device="cpu", guard="off", draw="all", offline=True, **options)
    for picture in (np.asarray(Image.open(ROOT / "examples" / "sign.png").convert("RGB")), _wide()):
        for mode in MODES:
            out = upscaler.upscale(picture, mode=mode).image
            assert out.shape[:2] == (2 * picture.shape[0], 2 * picture.shape[1]), f"{kind}: {out.shape}"
    (folder / f"{kind}.pth").unlink()
    found = f"golden vector {known[0]:.1e}, 8 alone {gaps[0]:.1e}, two threads {gaps[1]:.1e}"
    return f"{kind}: {found} (tolerance {atol:.0e}); 4 pictures upscaled"


def _wide() -> np.ndarray[Any, Any]:
    """A picture of 100 x 700 with text on it."""
    sign = Image.open(ROOT / "examples" / "sign.png").convert("RGB")
    canvas = Image.new("RGB", (700, 100), (200, 200, 190))
    canvas.paste(sign.resize((300, 60)), (40, 20))
    return np.asarray(canvas)


def _vectors() -> Any:
    from tests.parity import vectors

    return vectors


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kinds", nargs="*", default=KINDS)
    kinds = parser.parse_args().kinds
    sys.path.insert(0, str(ROOT))
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for prior in ("crnn", "parseq"):
            torch.save(_vectors().vector(prior).wrapped(), Path(folder) / f"{prior}.pth")
        for kind in kinds:
            print(check(kind, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
