"""Metrics, input preparation, label handling and decoding give the published evaluation's values."""

import math

import numpy as np
import PIL
import pytest
import torch

from glyphsr.config.recognizers import CRNNConfig, PARSeqConfig
from glyphsr.data.pair_loader import HR_SIZE, LR_SIZE, to_tensor
from glyphsr.images.resize import resize_like_pil
from glyphsr.losses.text_focus import attention_difference, confusion_weights, weighted_cross_entropy
from glyphsr.metrics.accuracy import words_match
from glyphsr.metrics.psnr import batch_psnr, psnr
from glyphsr.metrics.ssim import ssim
from glyphsr.nn.layers.grayscale import brightness_mask, luminance
from glyphsr.recognizers.aster.network import ASTER
from glyphsr.recognizers.crnn.network import CRNN
from glyphsr.recognizers.moran.network import MORAN
from glyphsr.recognizers.parseq.network import PARSeq
from glyphsr.text.charset import ALPHANUMERIC, DIGITS, LOWER_ALPHANUMERIC, PRINTABLE_94, filter_lower, keep
from glyphsr.text.ctc import CTCCodec
from glyphsr.text.endings import EndedCodec
from glyphsr.text.tokens import AttentionCodec

from .vectors import functions

VALUES, ARRAYS = functions()


def array(name):
    return torch.from_numpy(ARRAYS[name])


@pytest.mark.parametrize("case", VALUES["metrics"]["values"])
def test_psnr_and_ssim_of_batches_and_single_images(case):
    expected, atol = VALUES["metrics"]["values"][case], VALUES["metrics"]["atol"]
    x, y = array(f"metric/{case}/x"), array(f"metric/{case}/y")
    each = ssim(x, y)
    assert float(batch_psnr(x, y)) == pytest.approx(expected["psnr"], abs=atol)
    assert psnr(x[:, :3], y[:, :3]).tolist() == pytest.approx(expected["psnr_each"], abs=atol)
    assert float(each.mean()) == pytest.approx(expected["ssim"], abs=atol)
    assert each.tolist() == pytest.approx(expected["ssim_each"], abs=atol)


def test_identical_images_have_the_published_psnr():
    x = array("metric/close/x")
    assert float(batch_psnr(x, x)) == float(VALUES["metrics"]["identical_images_psnr"]) == math.inf


@pytest.mark.parametrize("number", range(len(VALUES["resize_mask"]["images"])))
@pytest.mark.parametrize(("side", "size"), [("hr", HR_SIZE), ("lr", LR_SIZE)])
def test_resize_and_mask_are_exact(number, side, size):
    rgb = to_tensor([resize_like_pil(ARRAYS[f"resize/image{number}"], size)])
    prepared = torch.cat([rgb, brightness_mask(rgb)], dim=1)[0]
    expected = ARRAYS[f"resize/{side}{number}"]
    if int(PIL.__version__.partition(".")[0]) < 13:  # it goes along rows first where later ones go along columns
        assert np.abs(prepared[:3].numpy() - expected[:3]).max() < 6 / 255
    else:
        assert np.array_equal(prepared.numpy(), expected)


PREPARED = {
    "crnn": lambda: CRNN(CRNNConfig()),
    "moran": MORAN,
    "aster": ASTER,
    "parseq": lambda: PARSeq(PARSeqConfig(embed_dim=24, encoder_depth=1, encoder_heads=2, decoder_heads=2)),
}


@pytest.mark.parametrize("name", PREPARED)
@pytest.mark.parametrize("side", ["hr", "lr"])
def test_recognizer_inputs_agree(name, side):
    prepared = PREPARED[name]().prepare(array(f"rec/{side}"))
    expected = array(f"rec/{name}_from_{side}")
    assert prepared.shape == expected.shape
    assert (prepared - expected).abs().max() <= VALUES["recogniser_inputs"]["atol"]


def test_text_focus_gray_agrees():
    assert (luminance(array("rec/hr")) - array("focus/gray")).abs().max() <= VALUES["text_focus"]["atol"]


@pytest.mark.parametrize("case", VALUES["label_filter"]["cases"], ids=lambda case: repr(case["text"]))
def test_label_filters_agree(case):
    text = case["text"]
    assert filter_lower(text) == case["lower"]
    assert keep(text, DIGITS) == case["digit"]
    assert keep(text, LOWER_ALPHANUMERIC + LOWER_ALPHANUMERIC[10:].upper()) == case["upper"]
    assert keep(text, PRINTABLE_94) == case["all"]


@pytest.mark.parametrize("case", VALUES["decoding"]["crnn"]["cases"], ids=lambda case: case["text"])
def test_crnn_paths_decode_alike(case):
    assert CTCCodec(LOWER_ALPHANUMERIC).decode(case["ids"]) == case["text"]


@pytest.mark.parametrize("case", VALUES["decoding"]["moran"]["cases"], ids=lambda case: case["raw"])
def test_moran_classes_decode_alike(case):
    assert EndedCodec(LOWER_ALPHANUMERIC, end=36).decode(case["ids"]) == case["text"]


@pytest.mark.parametrize("case", VALUES["decoding"]["aster"]["cases"], ids=lambda case: case["text"][:8])
def test_aster_classes_decode_alike(case):
    assert filter_lower(EndedCodec(PRINTABLE_94, end=94).decode(case["ids"])) == case["text"]


@pytest.mark.parametrize("case", VALUES["decoding"]["aster_normalise"], ids=lambda case: case["result"])
def test_aster_tokens_normalise_alike(case):
    # The published order is letters first, lower case second; texts of ASTER's own charset come out alike either way.
    text = keep("".join(case["tokens"]), ALPHANUMERIC)
    assert text.lower() == case["result"]
    assert words_match(text, case["result"])


@pytest.mark.parametrize("case", VALUES["decoding"]["parseq"]["cases"], ids=lambda case: case["adapted"])
def test_parseq_tokens_decode_alike(case):
    text = AttentionCodec(PRINTABLE_94).decode(case["ids"])
    assert text == case["text"]
    assert filter_lower(text) == case["adapted"]


def test_parseq_labels_encode_alike():
    expected = VALUES["decoding"]["parseq"]["encode"]
    assert AttentionCodec(PRINTABLE_94).encode_rows(expected["labels"]) == expected["ids"]


def test_text_focus_weights_and_losses_agree():
    expected, atol = VALUES["text_focus"], VALUES["text_focus"]["atol"]
    weights = confusion_weights(array("focus/confusion_counts"))
    assert torch.allclose(weights, array("focus/weight_table"), rtol=1e-6, atol=atol)
    logits, targets = array("focus/logits"), array("focus/gt")
    weighted = weighted_cross_entropy(logits, targets, weights)
    plain = weighted_cross_entropy(logits, targets, torch.ones(37, 37))
    assert float(weighted) == pytest.approx(expected["weighted_cross_entropy"], abs=atol)
    assert float(plain) == pytest.approx(expected["unweighted_cross_entropy"], abs=atol)
    difference = attention_difference(array("focus/attention_a"), array("focus/attention_b"))
    assert float(difference) == pytest.approx(expected["attention_l1"], abs=atol)


def test_text_focus_labels_encode_alike():
    codec = EndedCodec(LOWER_ALPHANUMERIC, end=0, first=1)
    expected = VALUES["text_focus"]
    rows = [codec.encode(label) for label in expected["labels"]]
    assert ["".join(("-" + LOWER_ALPHANUMERIC)[i] for i in row) for row in rows] == expected["filtered"]
    assert [i for row in rows for i in row] == array("focus/gt").tolist()
    assert [len(row) for row in rows] == array("focus/text_length").tolist()
