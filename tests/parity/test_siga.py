"""Our SIGA gives the published network's numbers for the same weights."""

import numpy as np
import pytest
import torch

from glyphsr.config.recognizers import SIGAConfig
from glyphsr.models.registry import key_table
from glyphsr.recognizers.siga.rectifier import sample
from glyphsr.weights.published import recognizer_from_official

from .vectors import check_constants, check_entries, vector

POINTS = "model_one.Transformation.LocalizationNetwork.localization_fc2.bias"
GOLDEN = vector("siga")


@pytest.fixture(scope="module")
def network():
    points = torch.tensor(GOLDEN.manifest["kept_entries"][POINTS]["values"])
    return recognizer_from_official(GOLDEN.state | {POINTS: points}, "siga")


@pytest.fixture(scope="module")
def seen(network):
    with torch.no_grad():
        return network.look(torch.from_numpy(GOLDEN.expected("rectified")))


def near(name, tensor):
    """Behind the rectifier, from the reference's own straight picture."""
    spec = GOLDEN.manifest["outputs"][name]
    assert tensor.shape == GOLDEN.expected(name).shape
    gap = np.abs(tensor.numpy() - GOLDEN.expected(name)).max()
    assert gap <= spec.get("atol_from_rectified", spec["atol"]), f"{name}: off by {gap:.2g}"


def test_shape_is_read_off_the_keys_and_every_entry_is_used_or_named_as_unused(network):
    assert network.config == SIGAConfig()
    check_entries(network, "siga")
    table = key_table(network.config)
    state = {table.published(key): value for key, value in network.state_dict().items()}
    kept = {key: value for key, value in GOLDEN.manifest["kept_entries"].items() if key != POINTS}
    check_constants(kept, state)


def test_pictures_are_prepared_alike_up_to_rounding_to_eight_bits(network):
    pictures = GOLDEN.input("picture").permute(0, 3, 1, 2).float() / 255
    assert (network.prepare(pictures) - GOLDEN.input("image")).abs().max() < 2 / 255 / 0.224


def test_rectifier_agrees(network):
    image = GOLDEN.input("image")
    with torch.no_grad():
        GOLDEN.check("control_points", network.rectifier.localizer(image))
        grid = network.rectifier.grid(image)
        GOLDEN.check("rectified", sample(image, grid))
        GOLDEN.check("rectified_mask", sample(GOLDEN.input("mask"), grid))


def test_foreground_columns_and_maps_agree(seen):
    near("seg_logits", seen.foreground_logits)
    near("foreground", seen.foreground)
    near("attention_1d", seen.columns.transpose(1, 2))
    near("src_logits", seen.column_logits)
    near("char_logits_low", seen.half_maps)
    near("char_logits_middle", seen.quarter_maps)


def test_texts_agree(network, seen):
    near("fused_logits_low", seen.fused_half)
    near("fused_logits_middle", seen.fused_quarter)
    near("logits", seen.logits)
    assert seen.logits.argmax(dim=2).tolist() == GOLDEN.expected("ids").tolist()
    texts = [network.codec.decode(row) for row in seen.logits.argmax(dim=2).tolist()]
    assert texts == GOLDEN.strings["tokens_until_end"]


def test_single_branches_agree(network, seen):
    with torch.no_grad():
        features = network.backbone(torch.from_numpy(GOLDEN.expected("rectified")))
        near("trba_logits", network.decoder(network.encoder(features.columns), steps=26)[0])
        near("flat_logits_low", network.half_decoder(seen.glyphs_half))
        near("flat_logits_middle", network.quarter_decoder(seen.glyphs_quarter))


def test_all_agrees_with_the_text_given(network):
    straight = torch.from_numpy(GOLDEN.expected("rectified"))
    with torch.no_grad():
        forced = network.look(straight, GOLDEN.input("text"))
        taught = network.condition_on_text(network.backbone(straight), GOLDEN.strings["words"], steps=26)
    near("teacher_logits", forced.logits)
    near("teacher_src_logits", forced.column_logits)
    near("teacher_attention_1d", forced.columns.transpose(1, 2))
    near("teacher_fused_logits_low", forced.fused_half)
    for row, length in enumerate(GOLDEN.input("length").tolist()):  # what stands behind the end has no meaning
        assert torch.allclose(taught.attention[row, 0, :length, 0], forced.columns[row, :length], atol=1e-6)


def test_whole_network_agrees_from_the_picture_on(network):
    with torch.no_grad():
        GOLDEN.check("logits", network(GOLDEN.input("image")))
        GOLDEN.check("foreground", network.foreground(GOLDEN.input("image")))
