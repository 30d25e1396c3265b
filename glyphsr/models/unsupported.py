"""Published files of networks that are not built here, known by their keys so that a message can name them."""

import re
from collections.abc import Collection

_STEPS = "its pictures are drawn by many random steps of a latent diffusion model"

UNSUPPORTED: dict[str, tuple[str, str]] = {
    "DPMN": (
        r"(.+\.)?(attn\.sknet\.proj_head|en_6_1\.1|conv_cat_feature)\.weight",
        "six refinement modules for each judge around a finished network, and pictures of rendered text",
    ),
    "RGDiffSR": (r"cond_stage_model\.crnn_model\..+|model\.diffusion_model\.input_blocks\.0\.0\.weight", _STEPS),
    "a VQGAN, such as RGDiffSR's": (r"quantize\.embedding\.weight", _STEPS),
    "TPEM": (
        r"denoise_fn\.conv\.weight",
        "by itself; it enhances PEAN's text prior: convert PEAN_final.pth and TPEM_final.pth at once, --as pean",
    ),
}
"""Name -> a regular expression that one of its published keys matches, and what it would take. TextDiff has no row: its
authors publish neither code nor weights."""

NOT_BUILT = {
    "dpmn": UNSUPPORTED["DPMN"][1],
    "rgdiffsr": UNSUPPORTED["RGDiffSR"][1],
    "textdiff": "its authors publish neither code nor weights",
}
"""Systems of the paper's tables without a network here, by the name of their row, and why."""


def name_unsupported(keys: Collection[str]) -> str | None:
    """Says what a published file is that cannot be loaded; ``None`` for one that is not known at all.

    Example:
        >>> name_unsupported(["en_6_1.1.weight"]).split(",")[0]
        'DPMN'
    """
    for name, (signature, what) in UNSUPPORTED.items():
        if any(re.fullmatch(signature, key) for key in keys):
            return f"{name}, which is not supported: {what}"
    return None
