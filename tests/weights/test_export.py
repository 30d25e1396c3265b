"""Models as ONNX: equal to torch, distinct from others, and run without torch."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from glyphsr.config.glyph_perception import GPMConfig
from glyphsr.config.model import ModelConfig
from glyphsr.config.recognizers import CTCTransformerConfig, PARSeqConfig
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.models.tsrn.settings import TSRNConfig
from glyphsr.upscaling.line import Line
from glyphsr.upscaling.upscaler import Upscaler
from glyphsr.weights.checkpoints import save_checkpoint
from glyphsr.weights.export import export
from glyphsr.weights.exported import load_exported
from glyphsr.weights.runtimes import choose_runtime
from glyphsr_cli.app import app

from ..conftest import draw_word

READER = CTCTransformerConfig(height=48, channels=(8, 8, 8), blocks=(1, 1), dim=16, depth=1, heads=2)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Every part that a graph has trouble with: glyph fusion, aligned prior, columns, conditioning, halves."""
    torch.manual_seed(5)
    network = GlyphSRConfig(
        num_srbs=2, width=8, prior_width=8, prior_hidden=(8, 8, 8), gfm_from=2, image_channels=3, output="residual",
        prior_layout="aligned", block="convolutional", head_kernel=5, min_height=12, max_height=48, window_aspect=4.0,
        gpm=GPMConfig(width=8),
    )  # fmt: skip
    model = SuperResolver.from_config(ModelConfig(network=network, prior=READER, condition_on_reading=True))
    torch.nn.init.normal_(model.network.head.weight, std=0.05)
    path = tmp_path_factory.mktemp("export") / "m.safetensors"
    save_checkpoint(path, model.half(), kind="super_resolver", config=model.config, card={"strength": 0.9})
    return path


@pytest.fixture(scope="module")
def exported(checkpoint):
    return export(checkpoint, checkpoint.with_suffix(".onnx"), share_weights=True)


def lines():
    found = []
    for text, height in (("OPEN", 16), ("Hotel Royal and Restaurant", 20), ("x", 60)):
        picture = draw_word(text, height).astype(np.float32) / 255
        found.append(Line(picture, (2 * picture.shape[0], 2 * picture.shape[1])))
    return [*found, Line(found[0].rgb, found[0].size, "SHOP")]


def equal(one, other):
    return max(np.abs(a.rgb - b.rgb).max() for a, b in zip(one, other, strict=True))


def test_a_graph_says_what_it_is_and_is_small_where_weights_are_shared(exported, checkpoint):
    assert [path.name for path in exported.files] == ["m.onnx", "m.prior.onnx"]
    assert exported.difference < 1e-4
    facts = load_exported(checkpoint)
    assert (facts.path, facts.default_strength, facts.prior.has_columns) == (checkpoint, 0.9, True)
    assert len(facts.prior.charset) == READER.charset_size
    import onnx

    proto = onnx.load(exported.files[1], load_external_data=False)
    outside = [item for item in proto.graph.initializer if item.external_data]
    assert outside
    assert all(item.data_type == onnx.TensorProto.FLOAT16 for item in outside)


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_lines_come_out_as_by_torch_whatever_their_size(exported, checkpoint, runtime):
    if runtime == "openvino":
        pytest.importorskip("openvino")
    torch_results = Upscaler(checkpoint, runtime="torch", device="cpu", guard="off").upscale_lines(lines())
    results = Upscaler(exported.files[0], runtime=runtime, guard="off").upscale_lines(lines())
    assert equal(results, torch_results) < 1e-4
    assert [[word.text for word in a.words] for a in results] == [
        [word.text for word in b.words] for b in torch_results
    ]
    assert results[0].is_changed


@pytest.mark.parametrize("kind", ["no prior", "parseq"])
def test_published_kinds_export_too(kind, tmp_path):
    torch.manual_seed(0)
    network = GlyphSRConfig(num_srbs=1, width=8, prior_width=8, prior_hidden=(8, 8, 8), gfm_from=None)
    config = ModelConfig(
        network=network, prior=PARSeqConfig(embed_dim=32, encoder_heads=2, encoder_depth=1, decoder_heads=2)
    )
    if kind == "no prior":
        config = ModelConfig(network=TSRNConfig(num_srbs=1, width=8))
    model = SuperResolver.from_config(config)
    save_checkpoint(tmp_path / "p.safetensors", model, kind="super_resolver", config=config, card={})
    made = export(tmp_path / "p.safetensors", tmp_path / "p.onnx")
    assert made.difference < 1e-3
    assert len(made.files) == (1 if kind == "no prior" else 2)
    both = [
        Upscaler(tmp_path / "p.safetensors", runtime=runtime, device="cpu", guard="off").upscale_lines(lines()[:2])
        for runtime in ("torch", "onnx")
    ]
    assert equal(*both) < 1e-3


def test_a_graph_of_other_weights_is_refused_and_auto_goes_back_to_torch(exported, checkpoint, tmp_path):
    for file in (*exported.files, checkpoint):
        shutil.copy(file, tmp_path)
    own = tmp_path / checkpoint.name
    assert choose_runtime("auto", own, device="cpu", precision="auto") == "onnx"
    model = SuperResolver.from_config(load_exported(own).config)
    save_checkpoint(own, model.half(), kind="super_resolver", config=model.config, card={})
    with pytest.raises(WeightsError, match="other weights"):
        load_exported(own)
    assert choose_runtime("auto", own, device="cpu", precision="auto") == "torch"
    (tmp_path / "m.prior.onnx").unlink()
    with pytest.raises(WeightsError, match="guided by it"):
        load_exported(tmp_path / "m.onnx")
    (tmp_path / "m.onnx").write_bytes(b"\x08\x0a\x72\xff\xff")
    with pytest.raises(WeightsError, match="not an ONNX file"):
        load_exported(tmp_path / "m.onnx")


def _with_metadata_of(path, nodes, *, initializers=(), name="hostile.onnx"):
    """A graph of its own that says that it is an export of ours."""
    onnx = pytest.importorskip("onnx")
    known = onnx.load(path, load_external_data=False)
    value = onnx.helper.make_tensor_value_info
    inputs = [value("lr", 1, [None, 3, None, None]), value("guide", 1, None)]
    graph = onnx.helper.make_graph(nodes(onnx), "g", inputs, [value("sr", 1, None)], list(initializers))
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    proto.metadata_props.extend(known.metadata_props)
    target = path.with_name(name)
    target.write_bytes(proto.SerializeToString())
    shutil.copy(path.with_name(f"{path.stem}.prior.onnx"), target.with_name(f"{target.stem}.prior.onnx"))
    return target


def _loop(onnx):
    value = onnx.helper.make_tensor_value_info
    body = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["go"], ["go_on"]), onnx.helper.make_node("Sin", ["x"], ["y"])],
        "body",
        [value("i", 7, []), value("go", 9, []), value("x", 1, None)],
        [value("go_on", 9, []), value("y", 1, None)],
    )
    return [onnx.helper.make_node("Loop", ["", "", "lr"], ["sr"], body=body)]


def _grown(onnx):
    size = onnx.numpy_helper.from_array(np.array([1 << 40], np.int64))
    return [
        onnx.helper.make_node("Constant", [], ["size"], value=size),
        onnx.helper.make_node("ConstantOfShape", ["size"], ["large"]),
        onnx.helper.make_node("ReduceSum", ["large"], ["sum"], keepdims=0),
        onnx.helper.make_node("Add", ["lr", "sum"], ["sr"]),
    ]


def _small(onnx):
    return [onnx.helper.make_node("Identity", ["lr"], ["sr"])]


def _elsewhere(onnx):
    tensor = onnx.TensorProto(name="", dims=[4], data_type=1, data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return [
        onnx.helper.make_node("Constant", [], ["t"], value=tensor),
        onnx.helper.make_node("Add", ["lr", "t"], ["sr"]),
    ]


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (_loop, "holds a graph within its graph, in 'Loop'"),
        (_elsewhere, "wants tensors from '../../etc/passwd', which is no file beside it"),
        (_grown, "onnx cannot (load|run) it"),
        (_small, r"gives \(1, 3, .*export it again"),
    ],
)
def test_a_graph_that_says_it_is_ours_neither_runs_on_nor_grows_nor_looks_elsewhere(exported, nodes, said):
    path = _with_metadata_of(exported.files[0], nodes)
    with pytest.raises(WeightsError, match=said):
        Upscaler(path, guard="off", runtime="onnx").upscale_lines(lines()[:1])


def test_what_does_not_go_together_is_said(exported, checkpoint, tiny_weights):
    graph = exported.files[0]
    for asked, weights, device, precision in (
        ("torch", graph, "auto", "auto"),
        ("onnx", graph, "cuda", "auto"),
        ("onnx", graph, "cpu", "bf16"),
    ):
        with pytest.raises(ConfigError, match=r"--(runtime|device|precision)"):
            choose_runtime(asked, weights, device=device, precision=precision)
    with pytest.raises(WeightsError, match="glyphsr export"):
        choose_runtime("onnx", tiny_weights, device="cpu", precision="auto")
    assert choose_runtime("auto", checkpoint, device="cpu", precision="bf16") == "torch"
    with pytest.raises(ConfigError, match="exists already"):
        export(checkpoint, graph)


def test_the_command_names_its_files(checkpoint, tmp_path):
    result = CliRunner().invoke(app, ["export", str(checkpoint), "-o", str(tmp_path / "a.onnx")])
    assert result.exit_code == 0, result.stderr
    assert result.stdout.split() == [str(tmp_path / "a.onnx"), str(tmp_path / "a.prior.onnx")]
    assert "differs from torch" in result.stderr
    bad = CliRunner().invoke(app, ["export", str(checkpoint), "-o", str(tmp_path / "a.bin")])
    assert (bad.exit_code, bad.stdout) == (2, "")


def test_the_bundled_graphs_are_those_of_the_bundled_weights():
    """Else: glyphsr export compact -o glyphsr/weights/bundled/compact.onnx --share-weights --overwrite."""
    assert choose_runtime("onnx", "compact", device="cpu", precision="auto") == "onnx"
    facts = load_exported("compact")
    assert facts.path.name == "compact.safetensors"
    by_torch = Upscaler(runtime="torch", device="cpu", guard="off").upscale_lines(lines()[:1])
    assert equal(Upscaler(runtime="onnx", guard="off").upscale_lines(lines()[:1]), by_torch) < 1e-3


@pytest.mark.process
def test_torch_is_not_imported_on_the_way(picture):
    code = (
        "import sys\n"
        "from glyphsr_cli.app import app\n"
        "try:\n"
        f"    app(['upscale', {str(picture)!r}, '--guard', 'revert', '--runtime', 'onnx'])\n"
        "except SystemExit as stop:\n"
        "    assert stop.code == 0, stop.code\n"
        "assert not {'torch', 'torchvision', 'timm', 'safetensors'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert picture.with_name("word_x2.png").is_file()
