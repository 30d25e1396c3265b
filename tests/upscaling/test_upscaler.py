import numpy as np
import pytest
import torch
from PIL import Image

import glyphsr
from glyphsr.config.recognizers import CRNNConfig
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.images.resize import resize
from glyphsr.models.glyphsr.network import GlyphSR
from glyphsr.models.glyphsr.official_keys import key_table
from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.recognizers.crnn.network import CRNN
from glyphsr.upscaling.line import Line
from glyphsr.upscaling.target_size import TargetSize
from glyphsr.upscaling.upscaler import Upscaler

from ..conftest import draw_word


@pytest.fixture(scope="module")
def upscaler(tiny_weights):
    return Upscaler(tiny_weights, device="cpu", strength=1.0)


def as_line(array, scale=2):
    return Line(array.astype(np.float32) / 255, (scale * array.shape[0], scale * array.shape[1]))


@pytest.mark.parametrize(
    "array",
    [
        draw_word("RGB", 20),
        draw_word("gray", 20)[..., 0],
        np.dstack([draw_word("RGBA", 20), draw_word("RGBA", 20)[..., 0]]),
        draw_word("16bit", 20).astype(np.uint16) * 257,
        draw_word("float", 20).astype(np.float32) / 255,
    ],
    ids=["rgb", "gray", "rgba", "uint16", "float"],
)
def test_the_result_is_of_the_inputs_kind_and_twice_its_size(upscaler, array):
    out = upscaler.upscale(array).image
    assert out.dtype == array.dtype
    assert out.shape == (2 * array.shape[0], 2 * array.shape[1], *array.shape[2:])
    assert not np.array_equal(out, resize(array.astype(np.float32), out.shape[:2]).astype(array.dtype))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "1"])
def test_pil_images_come_back_as_pil_images(upscaler, mode):
    image = Image.fromarray(draw_word("PIL", 20)).convert(mode)
    out = upscaler.upscale(image, scale=1.5).image
    assert out.size == (round(image.width * 1.5), 30)
    assert out.mode == {"P": "RGB", "1": "L"}.get(mode, mode)


def test_a_sixteen_bit_pil_image_keeps_its_levels(upscaler):
    image = Image.fromarray(np.full((16, 40), 30000, np.uint16))
    out = upscaler.upscale(image).image
    assert out.mode == "I;16"
    assert abs(float(np.asarray(out).mean()) - 30000) < 3000


@pytest.mark.parametrize(
    ("asked", "size"),
    [({}, (40, 100)), ({"scale": 3.0}, (60, 150)), ({"width": 30}, (12, 30)), ({"height": 10}, (10, 25))],
)
def test_sizes(asked, size):
    assert TargetSize(**asked).of(20, 50) == size
    assert TargetSize(width=7, height=9).of(20, 50) == (9, 7)


@pytest.mark.parametrize(
    "asked", [{"scale": 0.0}, {"scale": 99.0}, {"scale": 2.0, "width": 3}, {"width": 0}, {"height": -1}]
)
def test_impossible_sizes_are_refused(asked):
    with pytest.raises(ConfigError):
        TargetSize(**asked)


@pytest.mark.parametrize("asked", [{"guard": "yes"}, {"draw": "none"}, {"precision": "half"}, {"runtime": "onx"}])
def test_words_that_mean_nothing_are_refused(asked):
    (name,) = asked
    with pytest.raises(ConfigError, match=f"{name}: expected one of"):
        Upscaler(**asked)


def test_strength_zero_is_bicubic(tiny_weights):
    line = as_line(draw_word("NIL", 20))
    out = Upscaler(tiny_weights, device="cpu", strength=0.0).upscale_lines([line])[0]
    assert np.allclose(out.rgb, resize(line.rgb, line.size).clip(0, 1), atol=1e-6)


def test_strength_comes_from_the_card_unless_given(tiny_weights):
    assert Upscaler(tiny_weights).strength == 0.5
    assert Upscaler(tiny_weights, strength=0.25).strength == 0.25
    with pytest.raises(ConfigError, match=r"expected 0\.\.1"):
        Upscaler(tiny_weights, strength=1.5)


def test_a_line_does_not_depend_on_the_lines_beside_it(tiny_weights):
    lines = [as_line(draw_word(text, h)) for text, h in (("a", 16), ("bcd", 16), ("abc", 16), ("long " * 12, 20))]
    together = Upscaler(tiny_weights, device="cpu", batch_size=2).upscale_lines(lines)
    for line, expected in zip(lines, together, strict=True):
        alone = Upscaler(tiny_weights, device="cpu").upscale_lines([line])[0]
        assert np.allclose(alone.rgb, expected.rgb, atol=1e-4)
    assert len(together[3].plan.starts) > 1


def test_tiny_pictures_are_enlarged_by_bicubic(upscaler):
    out = upscaler.upscale_lines([Line(np.ones((1, 1, 3), np.float32), (2, 2))])[0]
    assert out.plan is None
    assert np.allclose(out.rgb, 1)


@pytest.mark.parametrize("array", [np.zeros((4, 4, 5)), np.zeros((0, 4)), np.zeros((4, 4), np.int32), np.zeros(4)])
def test_arrays_of_other_kinds_are_refused(upscaler, array):
    with pytest.raises(ValueError, match="expected"):
        upscaler.upscale(array)


def test_memory_shortage_halves_the_batch(tiny_weights, monkeypatch):
    upscaler = Upscaler(tiny_weights, device="cpu", batch_size=8)
    lines = [as_line(draw_word("mem", 16)) for _ in range(6)]
    expected = upscaler.upscale_lines(lines)
    network = upscaler.loaded.model.network
    real, sizes = network.forward, []

    def short_of_memory(lr, *rest, **options):
        sizes.append(len(lr))
        if len(lr) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(lr, *rest, **options)

    monkeypatch.setattr(network, "forward", short_of_memory)
    assert all(
        np.allclose(a.rgb, b.rgb, atol=1e-5) for a, b in zip(upscaler.upscale_lines(lines), expected, strict=True)
    )
    assert sizes[0] > 2
    assert sum(size for size in sizes if size <= 2) == 6


def test_half_precision_stays_close(tiny_weights):
    line = as_line(draw_word("half", 16))
    full = Upscaler(tiny_weights, device="cpu", precision="fp32").upscale_lines([line])[0]
    half = Upscaler(tiny_weights, device="cpu", precision="bf16").upscale_lines([line])[0]
    assert 0 < np.abs(full.rgb - half.rgb).max() < 0.05


def test_a_batch_that_overflows_half_precision_is_redone(tiny_weights):
    line = as_line(draw_word("inf", 16))
    results = []
    for precision in ("fp32", "fp16"):
        upscaler = Upscaler(tiny_weights, device="cpu", precision=precision, strength=1.0)
        network = upscaler.loaded.model.network
        with torch.no_grad():
            network.stem.conv.weight.mul_(1e6)  # beyond float16's 65504, no trouble for float32
            network.head.weight.mul_(1e-6)
        results.append(upscaler.upscale_lines([line])[0].rgb)
    assert np.isfinite(results[1]).all()
    assert np.allclose(results[0], results[1], atol=1e-6)


def test_a_published_network_runs_with_its_prior(tmp_path):
    config = GlyphSRConfig()
    network = GlyphSR.from_config(config, num_classes=37)
    published = {key_table(config).published(k): v for k, v in network.state_dict().items()}
    torch.save({"state_dict_G": published}, tmp_path / "g.pth")
    torch.save(CRNN().state_dict(), tmp_path / "crnn.pth")
    upscaler = Upscaler(tmp_path / "g.pth", prior_weights=tmp_path / "crnn.pth", device="cpu")
    assert upscaler.upscale(draw_word("paper", 24)).image.shape[0] == 48
    assert upscaler.strength == 1.0
    with pytest.raises(ConfigError, match="--prior-weights"):
        Upscaler(tmp_path / "g.pth").load()
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="not a recognizer's checkpoint"):
        Upscaler(tmp_path / "g.pth", prior_weights=tmp_path / "other.pth").load()
    wide = CRNN(CRNNConfig(charset_size=36)).state_dict() | {}
    wide["rnn.1.embedding.weight"], wide["rnn.1.embedding.bias"] = torch.zeros(40, 512), torch.zeros(40)
    torch.save(wide, tmp_path / "wide.pth")
    with pytest.raises(WeightsError, match="40 classes; expected one of 37, 63, 95"):
        Upscaler(tmp_path / "g.pth", prior_weights=tmp_path / "wide.pth").load()
    many = CRNN(CRNNConfig(charset_size=94)).state_dict()
    torch.save(many, tmp_path / "many.pth")
    with pytest.raises(WeightsError, match=r"gives 95 classes, but g\.pth was trained with 37"):
        Upscaler(tmp_path / "g.pth", prior_weights=tmp_path / "many.pth").load()


@pytest.mark.parametrize("device", ["cuda:99", "tpu", "xyz"])
def test_an_absent_device_is_named(tiny_weights, device):
    with pytest.raises(ConfigError, match=device):
        Upscaler(tiny_weights, device=device)


def test_package_level_function(tiny_weights):
    out = glyphsr.upscale(draw_word("one", 16), weights=tiny_weights, device="cpu", height=20)
    assert out.image.shape[0] == 20
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        glyphsr.nothing  # noqa: B018


def test_what_is_too_large_for_a_line_is_plain_and_takes_no_copies(tiny_weights, monkeypatch):
    import glyphsr.upscaling.upscaler as module

    monkeypatch.setattr(module, "LINE_PIXELS", 16 * 64 * 4)
    upscaler = Upscaler(tiny_weights, guard="off", device="cpu")
    small, large = (np.full((16, width, 3), 0.5, np.float32) for width in (64, 600))
    results = upscaler.upscale_lines([Line(small, (32, 128)), Line(large, (16, 600))])
    assert [result.plan is None for result in results] == [False, True]
    assert results[1].rgb is large
