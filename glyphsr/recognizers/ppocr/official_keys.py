"""Names of the published ONNX file's tensors."""

from glyphsr.config.recognizers import PPOCRConfig
from glyphsr.nn.key_tables import KeyTable, Shapes
from glyphsr.text.charset import CHARSETS

HEAD = ("linear_8.w_0", "linear_8.b_0")
"""Weight and bias of the published head."""

_STEM = {"conv1": 68, "conv2a": 69, "conv2b": 70, "conv3": 71, "conv4": 72}
_BLOCKS = (
    # Depthwise, both convolutions of the gate if it has one, both of the perceptron: numbers of the published tensors.
    *((74, (7, 8), (75, 76)), (78, (), (79, 80)), (82, (), (83, 84))),
    *((85, (), (86, 87)), (89, (24, 25), (90, 91)), (93, (), (94, 95)), (97, (34, 35), (98, 99))),
    *((101, (), (102, 103)), (105, (44, 45), (106, 107)), (109, (), (110, 111))),
    *((112, (), (113, 114)), (116, (57, 58), (117, 118)), (120, (), (121, 122))),
)
_NECK = {"shortcut": (67, 57), "reduce": (65, 55), "local": (66, 56)}
_LINEARS = ("qkv", "out", "fc1", "fc2")


def _convolutions() -> list[tuple[str, int]]:
    """Our module and the number of its published weight, in the order in which the network runs them."""
    found = [(f"backbone.stem.{name}", number) for name, number in _STEM.items()]
    for i, (spatial, gate, perceptron) in enumerate(_BLOCKS):
        names = ("spatial", *(("gate.reduce", "gate.expand") if gate else ()), "expand", "reduce")
        numbers = (spatial, *gate, *perceptron)
        found += [(f"backbone.blocks.{i}.{name}", number) for name, number in zip(names, numbers, strict=True)]
    return found


def key_table(config: PPOCRConfig) -> KeyTable:
    """Our names and those in the published file; the columns' head is ours alone."""
    del config
    table = {"symbols.weight": HEAD[0], "symbols.bias": HEAD[1]}
    # Biases are numbered by the order of the graph, weights by their layer.
    for order, (ours, number) in enumerate(_convolutions()):
        table |= {f"{ours}.weight": f"conv2d_{number}.w_0", f"{ours}.bias": f"p2o.pd_op.reshape.{order}.0"}

    for ours, (conv, norm) in _NECK.items():
        table[f"neck.{ours}.conv.weight"] = f"conv2d_{conv}.w_0"
        parts = {"weight": "w_0", "bias": "b_0", "running_mean": "w_1", "running_var": "w_2"}
        table |= {f"neck.{ours}.norm.{part}": f"batch_norm2d_{norm}.{name}" for part, name in parts.items()}

    for i in range(2):
        block = f"neck.blocks.{i}"
        for j, name in enumerate(_LINEARS):
            linear = f"linear_{4 * i + j}"
            table |= {f"{block}.{name}.weight": f"{linear}.w_0", f"{block}.{name}.bias": f"{linear}.b_0"}
        for j, name in enumerate(("norm1", "norm2")):
            table |= _norm(f"{block}.{name}", 2 * i + j)

    return KeyTable(table | _norm("neck.norm", 4), computed=r"columns\..*")


def _norm(ours: str, number: int) -> dict[str, str]:
    return {f"{ours}.weight": f"helper.reshape.{2 * number}", f"{ours}.bias": f"helper.reshape.{2 * number + 1}"}


def config_from_keys(shapes: Shapes) -> PPOCRConfig:
    """Configuration of a file whose head has been cut to a charset of ours.

    Raises:
        KeyError: If there is no head.
        ValueError: If its number of classes is no known charset's.
    """
    count = shapes[HEAD[1]][0] - 1
    if count not in CHARSETS:
        raise ValueError(f"{count + 1} classes; expected one more than {', '.join(map(str, CHARSETS))}")
    return PPOCRConfig(charset_size=count)  # type: ignore[arg-type]
