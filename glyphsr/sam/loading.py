"""A SAM network from a published state dict, refused where it is something else."""

from collections.abc import Mapping

import torch
from segment_anything.modeling import Sam
from torch import Tensor

from glyphsr.errors import WeightsError
from glyphsr.sam.shape import LOGITS_PER_PATCH, PUBLISHED, SamShape, build_sam, shape_of


def sam_from_state(state: Mapping[str, Tensor], where: str, *, type_: str | None = None) -> tuple[Sam, SamShape]:
    """Build and fill the network that a state dict belongs to.

    Args:
        state: Published name -> tensor.
        where: Named in messages.
        type_: Which of ``vit_b``, ``vit_l``, ``vit_h`` it must be; any by default.

    Returns:
        The network in eval mode and its sizes.

    Raises:
        WeightsError: If it is no SAM, not a complete one, or of another type.
    """
    try:
        shape = shape_of({key: tuple(value.shape) for key, value in state.items()})
        with torch.device("meta"):  # a file whose shapes do not fit is refused before its network takes any memory
            outline = build_sam(shape)
    except KeyError as error:
        first = next(iter(state), "nothing")
        raise WeightsError(f"{where}: no Segment Anything checkpoint: no {error}, but {first!r}") from error
    except (ValueError, IndexError, ZeroDivisionError, AssertionError, RuntimeError, TypeError) as error:
        raise WeightsError(f"{where}: no Segment Anything checkpoint as we know them ({error})") from error

    # As wide as a published network, but not one: more likely a broken file than another network.
    relative = next((name for name, own in PUBLISHED.items() if own.embed_dim == shape.embed_dim), None)
    if relative is not None and shape.type is None:
        raise WeightsError(f"{where}: cut off, or changed: as wide as {relative}, but not of its depth or sizes")

    if shape.patch % LOGITS_PER_PATCH:
        raise WeightsError(f"{where}: patches of {shape.patch} pixels; expected a multiple of {LOGITS_PER_PATCH}")

    if type_ is not None and shape.type != type_:
        found = shape.type or f"an encoder {shape.embed_dim} wide and {shape.depth} blocks deep"
        raise WeightsError(f"{where}: holds {found}, not {type_}; leave --sam-type away, it is read off the file")

    # Every entry, and only those; then every value.
    own = {key: tuple(value.shape) for key, value in outline.state_dict().items()}
    wrong = [key for key in own if key not in state or tuple(state[key].shape) != own[key]]
    wrong += [key for key in state if key not in own]
    if wrong:
        raise WeightsError(f"{where}: damaged, or no Segment Anything checkpoint: {wrong[0]!r} ({len(wrong)} entries)")

    bad = next((key for key, value in state.items() if not bool(value.isfinite().all())), None)
    if bad is not None:
        raise WeightsError(f"{where}: {bad!r} has values that are NaN or infinite; download the file again")

    sam = build_sam(shape)
    sam.load_state_dict(dict(state))
    return sam, shape
