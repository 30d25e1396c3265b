import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor as PublishedPredictor

from glyphsr.errors import WeightsError
from glyphsr.sam.encoder import CanvasEncoder, relative_rows
from glyphsr.sam.layouts import draw, place
from glyphsr.sam.loading import sam_from_state
from glyphsr.sam.predictor import SamPredictor
from glyphsr.sam.shape import PUBLISHED, build_sam, shape_of

from ..helpers.drawn_words import TINY_SAM, draw_glyphs, tiny_sam

SIZES = [(32, 128), (32, 40), (48, 20), (7, 300), (1, 3), (33, 33)]


def picture(size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def points_in(size, count, seed=0):
    rng = np.random.default_rng(seed)
    return np.floor(rng.uniform(0, 1, (count, 2)) * [size[1], size[0]])


@pytest.fixture(scope="module")
def sam():
    return tiny_sam()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("multimask", [True, False])
def test_padded_equals_the_published_predictor(sam, size, multimask):
    image, points = picture(size), points_in(size, 5)
    published = PublishedPredictor(sam)
    published.set_image(image)
    answers = [published.predict(p[None], np.array([1]), multimask_output=multimask) for p in points]
    ours = SamPredictor(copy.deepcopy(sam), TINY_SAM, prompt_batch=2, multimask=multimask).segment([image], [points])[0]
    expected = np.concatenate([masks for masks, _, _ in answers])
    assert ours.masks.shape == expected.shape
    assert expected.any() or size == (1, 3)
    assert (ours.masks != expected).mean() < 1e-3  # a logit of zero may fall either way
    np.testing.assert_allclose(ours.confidence, np.concatenate([scores for _, scores, _ in answers]), atol=1e-5)
    assert ours.prompts.tolist() == np.repeat(np.arange(5), 3 if multimask else 1).tolist()


@pytest.mark.parametrize(
    "shape",
    [
        TINY_SAM,
        replace(TINY_SAM, global_blocks=(0, 2)),
        replace(TINY_SAM, global_blocks=(2,)),
        replace(TINY_SAM, window=14),
    ],
    ids=["second block global", "first block global", "last block global", "large windows"],
)
def test_the_encoder_with_its_cache_of_padding_equals_the_published_one(shape):
    network = tiny_sam(shape=shape).image_encoder
    encoder = CanvasEncoder(network, shape)
    for seed in range(2):  # the second picture meets the cache
        torch.manual_seed(seed)
        pixels = torch.zeros(2, 3, 256, 256)
        pixels[:, :, :80] = torch.randn(2, 3, 80, 256)
        with torch.inference_mode():
            torch.testing.assert_close(encoder.encode(pixels, content_rows=5), network(pixels), atol=1e-5, rtol=1e-4)


def test_a_shorter_axis_takes_the_middle_of_the_table():
    table = torch.arange(7.0)[:, None]  # distances -3 .. 3
    assert relative_rows(table, 2, 4)[..., 0].tolist() == [[3, 2], [4, 3]]
    assert relative_rows(table, 4, 4)[0, :, 0].tolist() == [3, 2, 1, 0]


def test_a_mosaic_stacks_four_and_crop_keeps_sams_scale():
    placements = place([(32, 128)] * 5 + [(32, 32)], "mosaic", TINY_SAM)
    assert [(p.canvas, p.top) for p in placements] == [(0, 0), (0, 64), (0, 128), (0, 192), (1, 0), (1, 64)]
    assert (placements[0].height, placements[0].width) == (64, 256)
    assert (placements[5].height, placements[5].width) == (64, 64)
    cropped, padded = (place([(32, 100)], layout, TINY_SAM) for layout in ("crop", "padded"))
    assert cropped == padded


def test_points_follow_their_picture_onto_the_canvas():
    placement = place([(32, 128)] * 2, "mosaic", TINY_SAM)[1]
    assert placement.points(torch.tensor([[10.0, 5.0]])).tolist() == [[20.0, 64 + 10.0]]
    canvas = draw([picture((32, 128)), picture((32, 128), 1)], place([(32, 128)] * 2, "mosaic", TINY_SAM), TINY_SAM)
    assert canvas.shape == (1, 3, 256, 256)
    assert canvas[0, :, :128].abs().min() < canvas[0, :, :128].abs().max()
    assert not canvas[0, :, 128:].any()


@pytest.mark.parametrize("layout", ["padded", "mosaic", "crop"])
def test_every_layout_answers_every_prompt_at_the_pictures_size(sam, layout):
    images = [picture(size, i) for i, size in enumerate(SIZES)]
    points = [points_in(size, i) for i, size in enumerate(SIZES)]  # the first has no prompt at all
    answers = SamPredictor(copy.deepcopy(sam), TINY_SAM, layout=layout).segment(images, points)
    for size, own, answer in zip(SIZES, points, answers, strict=True):
        assert answer.masks.shape == (3 * len(own), *size)
        assert np.isfinite(answer.confidence).all()


def test_neighbours_in_a_list_change_nothing_where_each_has_a_canvas(sam):
    images, points = [picture(size, i) for i, size in enumerate(SIZES)], [points_in(size, 3) for size in SIZES]
    predictor = SamPredictor(copy.deepcopy(sam), TINY_SAM)
    together = predictor.segment(images, points)
    for i, answer in enumerate(together):
        alone = predictor.segment([images[i]], [points[i]])[0]
        assert np.array_equal(answer.masks, alone.masks)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_lower_precision_gives_nearly_the_same_masks(sam, dtype):
    image, _ = draw_glyphs("oak")
    points = points_in(image.shape[:2], 8)
    exact = SamPredictor(copy.deepcopy(sam), TINY_SAM).segment([image], [points])[0]
    fast = SamPredictor(copy.deepcopy(sam), TINY_SAM, dtype=dtype).segment([image], [points])[0]
    assert (exact.masks == fast.masks).mean() > 0.97
    np.testing.assert_allclose(fast.confidence, exact.confidence, atol=0.05)


def test_what_overflows_in_half_precision_is_redone(sam):
    loud = copy.deepcopy(sam)
    with torch.no_grad():
        loud.image_encoder.blocks[0].mlp.lin2.weight *= 1e6
    image = picture((32, 64))
    points = points_in((32, 64), 3)
    exact = SamPredictor(copy.deepcopy(loud), TINY_SAM).segment([image], [points])[0]
    half = SamPredictor(loud, TINY_SAM, dtype=torch.float16).segment([image], [points])[0]
    assert np.isfinite(half.confidence).all()
    assert (half.masks == exact.masks).mean() > 0.99


def test_norms_whose_squares_overflow_do_not_go_blank_in_half_precision(sam):
    loud = copy.deepcopy(sam)
    with torch.no_grad():
        loud.image_encoder.neck[0].weight *= 300
    image, points = picture((32, 64)), points_in((32, 64), 3)
    exact = SamPredictor(copy.deepcopy(loud), TINY_SAM).segment([image], [points])[0]
    half = SamPredictor(loud, TINY_SAM, dtype=torch.float16).segment([image], [points])[0]
    assert (half.masks == exact.masks).mean() > 0.95


@pytest.mark.parametrize("blocks", [(), (0, 1, 2)])
def test_networks_without_windows_or_without_global_blocks(blocks):
    shape = replace(TINY_SAM, global_blocks=blocks)
    network = tiny_sam(shape=shape)
    assert shape_of(shapes(network)).global_blocks == blocks
    pixels = torch.zeros(1, 3, 256, 256)
    pixels[:, :, :80] = 1
    with torch.inference_mode():
        ours = CanvasEncoder(network.image_encoder, shape_of(shapes(network))).encode(pixels, content_rows=5)
        torch.testing.assert_close(ours, network.image_encoder(pixels), atol=1e-5, rtol=1e-4)


def test_the_prompt_batch_is_halved_when_memory_runs_out(sam, monkeypatch):
    image, points = picture((32, 64)), points_in((32, 64), 7)
    predictor = SamPredictor(copy.deepcopy(sam), TINY_SAM, prompt_batch=8)
    expected = predictor.segment([image], [points])[0]
    decode, seen = predictor.decoder.decode, []

    def tight(features, code, sparse, **options):
        seen.append(len(sparse))
        if len(sparse) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return decode(features, code, sparse, **options)

    monkeypatch.setattr(predictor.decoder, "decode", tight)
    answer = predictor.segment([image], [points])[0]
    assert seen == [7, 4, 2, 2, 2, 1]
    assert (answer.masks == expected.masks).mean() > 0.999
    assert predictor.prompt_batch == 2


def test_memory_that_suffices_for_no_prompt_is_an_error(sam, monkeypatch):
    predictor = SamPredictor(copy.deepcopy(sam), TINY_SAM)

    def never(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(predictor.decoder, "decode", never)
    with pytest.raises(torch.OutOfMemoryError):
        predictor.segment([picture((8, 8))], [points_in((8, 8), 3)])


def shapes(network):
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


def test_shapes_are_read_off_the_keys(sam):
    assert shape_of(shapes(sam)) == TINY_SAM
    assert TINY_SAM.type is None


@pytest.mark.parametrize(
    ("name", "entries", "parameters"),
    [("vit_b", 314, 93_735_472), ("vit_l", 482, 312_342_832), ("vit_h", 594, 641_090_608)],
)
def test_published_sizes(name, entries, parameters):
    with torch.device("meta"):
        network = build_sam(PUBLISHED[name])
    assert len(network.state_dict()) == entries
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert shape_of(shapes(network)).type == name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: {"conv.weight": torch.zeros(3)}, "no Segment Anything checkpoint"),
        (lambda s: {}, "no Segment Anything checkpoint"),
        (
            lambda s: {k: v for k, v in s.items() if k != "mask_decoder.iou_token.weight"},
            "no Segment Anything checkpoint",
        ),
        (lambda s: {k: v for k, v in s.items() if k != "image_encoder.neck.1.bias"}, "image_encoder.neck.1.bias"),
        (lambda s: s | {"extra": torch.zeros(1)}, "'extra'"),
        (lambda s: s | {"image_encoder.neck.1.bias": torch.zeros(5)}, "image_encoder.neck.1.bias"),
        (lambda s: s | {"image_encoder.neck.1.bias": torch.full((32,), torch.nan)}, "values that are NaN or infinite"),
        (lambda s: s | {"mask_decoder.iou_token.weight": torch.zeros(1, 20)}, "no Segment Anything checkpoint"),
        (lambda s: s | {"image_encoder.patch_embed.proj.weight": torch.zeros(32, 3, 14, 14)}, "patches of 14 pixels"),
    ],
)
def test_files_that_are_no_sam_are_refused(sam, change, message):
    with pytest.raises(WeightsError, match=message):
        sam_from_state(change(dict(sam.state_dict())), "file.pth")


def test_a_published_network_that_was_cut_off_is_refused():
    with torch.device("meta"):
        state = build_sam(PUBLISHED["vit_b"]).state_dict()
    cut = {key: value for key, value in state.items() if ".blocks.11." not in key}
    with pytest.raises(WeightsError, match="as wide as vit_b, but not of its depth"):
        sam_from_state(cut, "file.pth")


def test_another_type_than_asked_for_is_refused(sam):
    with pytest.raises(WeightsError, match="holds an encoder 32 wide and 3 blocks deep, not vit_b"):
        sam_from_state(sam.state_dict(), "file.pth", type_="vit_b")


def test_shapes_that_ask_for_a_huge_network_take_no_memory(sam):
    state = dict(sam.state_dict())
    state["image_encoder.patch_embed.proj.weight"] = torch.zeros(200_000, 3, 1, 1)
    state["mask_decoder.transformer.layers.1000000000.norm1.weight"] = torch.zeros(1)
    with pytest.raises(WeightsError):
        sam_from_state(state, "hostile.pth")
