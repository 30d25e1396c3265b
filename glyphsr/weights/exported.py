"""Exported models: an ONNX graph of the network, one of its text prior beside it, and what their metadata say."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from glyphsr.config.model import ModelConfig
from glyphsr.errors import WeightsError
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.limits import WEIGHTS_BYTES
from glyphsr.weights.facts import ModelFacts
from glyphsr.weights.registry import local_weights, sha256_of

SUFFIX = ".onnx"
PRIOR_SUFFIX = ".prior.onnx"

ENTRY = "glyphsr"
"""Key of the metadata entry that holds what is written here."""

FORMAT_NUMBER = 1

METADATA_FIELD, KEY_FIELD, VALUE_FIELD = 14, 1, 2
"""Numbers of the fields of ONNX's ``ModelProto`` and ``StringStringEntryProto``."""

GRAPH_FIELD, FUNCTIONS_FIELD = 7, 25
"""Likewise of ``ModelProto``."""

NODE_FIELD, INITIALIZER_FIELD, SPARSE_FIELD = 1, 5, 15
"""Of ``GraphProto``."""

OPERATOR_FIELD, ATTRIBUTE_FIELD = 4, 5
"""Of ``NodeProto``."""

TENSOR_FIELDS, GRAPH_FIELDS, SPARSE_FIELDS = (5, 10), (6, 11), (22, 23)
"""Of ``AttributeProto``: values that are tensors, graphs and sparse tensors, one and several."""

EXTERNAL_FIELD = 13
"""Of ``TensorProto``: where its values lie, if that is another file."""


class PriorFacts(BaseModel):
    """What a runtime has to know of an exported text prior."""

    model_config = ConfigDict(extra="forbid")

    charset: str
    """Characters of its classes from 1 on."""
    reads_by: Literal["ctc", "end"]
    """Class 0 is CTC's blank, or ends the text."""
    has_columns: bool
    """Whether a second half of its classes says whose ink a step is on."""


class GraphFacts(BaseModel):
    """The metadata entry of an exported network."""

    model_config = ConfigDict(extra="forbid")

    format_number: Literal[1] = 1
    config: ModelConfig
    card: dict[str, Any] = {}
    scale: int = 2
    """Factor of the network's enlargement."""
    prior: PriorFacts | None = None
    published: bool = False
    sha256: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]]
    """Of the files that were exported, by name; the network's comes first."""
    shares_weights: bool = False
    """Whether the weights are in the first of these files, which then has to lie beside the graphs."""


@dataclass(frozen=True)
class ExportedPrior:
    """The text prior's graph."""

    path: Path
    charset: str
    reads_by: Literal["ctc", "end"]
    has_columns: bool


@dataclass(frozen=True, eq=False)
class ExportedModel(ModelFacts):
    """An exported model and what is known of it."""

    graph: Path = field(kw_only=True)
    """The network's; ``path`` is the file of its weights."""
    prior: ExportedPrior | None = field(default=None, kw_only=True)


def exported_beside(weights: str | Path) -> Path | None:
    """The graph that belongs to weights on this machine: itself, or the one beside them under their name.

    Raises:
        WeightsError: If a file is named that is not there.
    """
    path = local_weights(weights)
    if path is None:
        return None
    graph = path.with_suffix(SUFFIX)
    return graph if graph.is_file() else None


def prior_beside(graph: Path) -> Path:
    """Where the text prior's graph lies."""
    return graph.with_name(graph.name.removesuffix(SUFFIX) + PRIOR_SUFFIX)


def load_exported(weights: str | Path) -> ExportedModel:
    """What an exported model's metadata say, checked against the files beside it.

    Args:
        weights: The graph, or the weights that it was exported of and lies beside.

    Raises:
        WeightsError: If a file is missing or damaged, was not exported by this library, or belongs to other weights.
    """
    graph = exported_beside(weights)
    if graph is None:
        raise WeightsError(f"{weights}: not exported yet; `glyphsr export` does it")
    facts = _read_facts(graph)

    prior = None
    if facts.prior is not None:
        beside = prior_beside(graph)
        if not beside.is_file():
            raise WeightsError(f"{beside}: not there, but {graph.name} is guided by it; export both again")
        prior = ExportedPrior(beside, facts.prior.charset, facts.prior.reads_by, facts.prior.has_columns)

    # Graphs come from others, too: only what our own export writes is run.
    for file in (graph, *([prior.path] if prior else [])):
        _check_graph(file)
    # A graph without weights of its own, or beside others, must be of those very weights.
    path = graph
    source = local_weights(weights)
    if facts.shares_weights or source != graph:
        name, expected = next(iter(facts.sha256.items()), ("", ""))
        if not _is_bare(name):
            raise WeightsError(f"{graph}: its metadata name no weights beside it: {name!r}")
        path = source if source is not None and source != graph else graph.with_name(name)
        if not path.is_file() or sha256_of(path) != expected:
            raise WeightsError(f"{graph}: was exported of other weights than {path}; export them again")
    return ExportedModel(facts.config, path, facts.card, None, facts.published, graph=graph, prior=prior)


def _read_facts(graph: Path) -> GraphFacts:
    content = read_content(graph, WEIGHTS_BYTES, WeightsError)
    try:
        # Anything but an ONNX file is some other protobuf, or none.
        entries = dict(_metadata(memoryview(content)))
    except (IndexError, UnicodeDecodeError) as error:
        raise WeightsError(f"{graph}: not an ONNX file that can be read") from error

    if ENTRY not in entries:
        raise WeightsError(f"{graph}: ONNX, but not exported by `glyphsr export`")

    try:
        return GraphFacts.model_validate_json(entries[ENTRY])
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise WeightsError(f"{graph}: its metadata are not of this version: {place}: {first['msg']}") from error


def _is_bare(name: str) -> bool:
    """Whether a name is that of a file beside another, and no path."""
    return bool(name) and name not in (".", "..") and not any(mark in name for mark in "/\\\0")


def _check_graph(graph: Path) -> None:
    """Refuse what no export of ours has: loops, programs within programs, and tensors in files that lie elsewhere.

    What is left computes a bounded number of steps; their memory is bounded where the graph is run.

    Raises:
        WeightsError: If the file holds such a thing, or cannot be read.
    """
    content = read_content(graph, WEIGHTS_BYTES, WeightsError)
    try:
        for number, value in _fields(memoryview(content)):
            if number == FUNCTIONS_FIELD:
                raise WeightsError(f"{graph}: defines functions, which no export of this library does")
            if number == GRAPH_FIELD:
                for kind, part in _fields(value):
                    _check_part(graph, kind, part)
    except (IndexError, UnicodeDecodeError) as error:
        raise WeightsError(f"{graph}: not an ONNX file that can be read") from error


def _check_part(graph: Path, kind: int, part: memoryview) -> None:
    if kind == SPARSE_FIELD:
        raise WeightsError(f"{graph}: holds sparse tensors, which no export of this library does")
    if kind == INITIALIZER_FIELD:
        _check_tensor(graph, part)
    elif kind == NODE_FIELD:
        operator = ""
        for number, value in _fields(part):
            # The operator's name comes before its attributes, which the message is about.
            operator = bytes(value).decode() if number == OPERATOR_FIELD else operator
            if number != ATTRIBUTE_FIELD:
                continue

            for inner, held in _fields(value):
                if inner in GRAPH_FIELDS or inner in SPARSE_FIELDS:
                    raise WeightsError(f"{graph}: holds a graph within its graph, in {operator or 'a loop'!r}")
                if inner in TENSOR_FIELDS:
                    _check_tensor(graph, held)


def _check_tensor(graph: Path, tensor: memoryview) -> None:
    for number, value in _fields(tensor):
        if number == EXTERNAL_FIELD:
            entry = {inner: bytes(text).decode() for inner, text in _fields(value)}
            name = entry.get(VALUE_FIELD, "")
            # A path in a graph could name any file of this machine.
            if entry.get(KEY_FIELD) == "location" and not (_is_bare(name) and graph.with_name(name).is_file()):
                raise WeightsError(f"{graph}: wants tensors from {name!r}, which is no file beside it")


def _metadata(model: memoryview) -> Iterator[tuple[str, str]]:
    """Keys and values of the metadata of an ONNX file, read without the package ``onnx``, which takes a second."""
    for number, value in _fields(model):
        if number == METADATA_FIELD:
            entry = {inner: bytes(text).decode() for inner, text in _fields(value)}
            yield entry.get(KEY_FIELD, ""), entry.get(VALUE_FIELD, "")


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Numbers and bytes of the fields of a protobuf message that have a length; others are passed over.

    Raises:
        IndexError: If the message ends within a field, or is none.
    """
    at = 0

    while at < len(message):
        # A tag is the field's number and, in its last three bits, the kind of what follows.
        tag, at = _varint(message, at)
        kind = tag & 7

        # Of the kinds of fields only the second has a length; fields of a fixed size are passed over.
        if kind == 0:
            _, at = _varint(message, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        elif kind == 2:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise IndexError(at)
            yield tag >> 3, message[at : at + length]
            at += length
        else:
            raise IndexError(at)


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise IndexError(at)
