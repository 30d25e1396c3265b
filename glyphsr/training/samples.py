"""Draws what the network makes of a few validation words."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from glyphsr.config.training import TrainConfig
from glyphsr.data.pair_loader import to_tensor
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.training.objectives.super_resolution import slot_codec
from glyphsr.training.run_folder import RunFolder
from glyphsr.training.validation import everything
from glyphsr.training.validation_pairs import Pair
from glyphsr.viz.training_sheet import TrainingRow, training_sheet


@torch.no_grad()
def draw_samples(model: SuperResolver, pairs: list[Pair], config: TrainConfig, folder: RunFolder, step: int) -> None:
    """Write ``samples/step-NNNNNN.png`` with words spread over the validation set.

    Args:
        model: Left in the mode it was in.
        pairs: The validation set.
        config: The run.
        folder: Of the run.
        step: Steps so far.
    """
    if not pairs:
        return
    # The same words each time, so that sheets of different steps compare.
    chosen = np.linspace(0, len(pairs) - 1, min(config.validation.samples, len(pairs))).round().astype(int)
    # Each module's mode is kept by itself: frozen parts are in evaluation mode already.
    modes = {module: module.training for module in model.modules()}
    model.eval()
    rows = [_row(model, pairs[i], config) for i in chosen]
    for module, mode in modes.items():
        module.training = mode

    sheet = Image.fromarray(training_sheet(rows))

    def write(path: Path) -> None:
        sheet.save(path, format="PNG")

    folder.save_picture(f"step-{step:06d}.png", write)


def _row(model: SuperResolver, pair: Pair, config: TrainConfig) -> TrainingRow:
    lr = to_tensor([pair.lr]).to(next(model.parameters()).device)
    out = everything(model, lr)
    # (1, C, H, W) in [0, 1] -> (H, W, 3) in bytes.
    sr = (out.sr[0, :3].float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    # Only maps and classes that are taught; the others are noise.
    tasks, glyphs = config.glyph_tasks, out.glyphs
    chars = glyphs.chars if glyphs is not None and tasks.char else None
    classes = glyphs.classes if glyphs is not None and tasks.cls else None
    codec = slot_codec(config)
    read = codec.decode(classes[0].argmax(dim=1).tolist()) if classes is not None and codec is not None else None
    maps = chars[0].float().cpu().numpy() if chars is not None else None

    return TrainingRow(pair.lr, sr, pair.hr, pair.label, chars=maps, read=read)
