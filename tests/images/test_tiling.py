import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glyphsr.images.resize import resize
from glyphsr.images.tiling import (
    SIZE_MULTIPLE,
    add_residual,
    blend_tiles,
    cut_tiles,
    novel_residual,
    plan_tiles,
    within_ground,
)
from glyphsr.models.glyphsr.settings import GlyphSRConfig

CONFIG = GlyphSRConfig(min_height=12, max_height=48, window_aspect=8.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(4, 300), st.integers(4, 3000))
def test_windows_cover_every_line_and_share_a_quarter(height, width):
    plan = plan_tiles(height, width, CONFIG)
    if width < 0.1 * height:
        assert plan is None
        return
    assert 12 <= plan.height <= 48
    assert plan.window % SIZE_MULTIPLE[1] == 0
    assert plan.starts[0] == 0
    assert plan.starts[-1] + plan.window >= plan.width
    steps = np.diff(plan.starts)
    assert (steps <= 0.76 * plan.window).all()
    if len(plan.starts) > 1:
        assert plan.starts[-1] + plan.window == plan.width


@settings(max_examples=25, deadline=None)
@given(st.integers(12, 48), st.integers(8, 1500))
def test_blending_untouched_windows_gives_the_line_back(height, width):
    plan = plan_tiles(height, width, CONFIG)
    line = np.random.default_rng(width).random((plan.height, plan.width, 3), np.float32)
    windows = cut_tiles(line, plan)
    assert {w.shape for w in windows} == {(plan.height, plan.window, 3)}
    assert np.allclose(blend_tiles(windows, plan, factor=1), line, atol=1e-5)


def test_windows_that_disagree_meet_without_a_seam():
    plan = plan_tiles(16, 600, CONFIG)
    windows = [np.full((32, 2 * plan.window, 3), i % 2, np.float32) for i in range(len(plan.starts))]
    blended = blend_tiles(windows, plan)
    assert len(plan.starts) > 3
    assert np.abs(np.diff(blended[0, :, 0])).max() < 0.05


@pytest.mark.parametrize("size", [(1, 1), (3, 4000), (4000, 3), (100, 9)])
def test_what_cannot_hold_text_is_left_to_bicubic(size):
    assert plan_tiles(*size, CONFIG) is None


def test_the_network_sees_the_heights_it_knows():
    assert [plan_tiles(h, 4 * h, CONFIG).height for h in (6, 12, 31, 48, 200)] == [12, 12, 32, 48, 48]
    paper = GlyphSRConfig()
    assert [plan_tiles(h, 4 * h, paper).height for h in (8, 16, 64)] == [16, 16, 16]
    assert plan_tiles(16, 64, paper).window == 64


def test_a_short_line_fills_its_window_and_a_long_one_keeps_its_width():
    plans = [plan_tiles(16, width, CONFIG) for width in (57, 64, 129)]
    assert [(plan.width, plan.window) for plan in plans] == [(64, 64), (64, 64), (129, 128)]
    assert cut_tiles(np.zeros((16, 64, 3), np.float32), plans[0])[0].shape == (16, 64, 3)


def test_strength_scales_the_change_between_bicubic_and_network():
    rng = np.random.default_rng(0)
    line = rng.random((16, 40, 3), np.float32) * 0.5 + 0.25
    change = (rng.random((32, 80, 3), np.float32) - 0.5) * 0.2
    plain = resize(line, (32, 80))
    sr = plain + change
    none, half, full = (add_residual(line, line, sr, size=(32, 80), strength=s) for s in (0.0, 0.5, 1.0))
    assert np.allclose(none, plain.clip(0, 1), atol=1e-6)
    assert np.allclose(full, within_ground(sr, line, plain).clip(0, 1), atol=1e-6)
    assert np.allclose(half, within_ground(plain + 0.5 * change, line, plain).clip(0, 1), atol=1e-5)
    assert np.abs(full - sr).mean() < 0.2 * np.abs(change).mean()  # little of it goes beyond the ground
    assert add_residual(line, line, sr, size=(50, 99), strength=1.0).shape == (50, 99, 3)


def test_a_sharp_tall_picture_keeps_its_own_detail_and_a_blurred_one_takes_the_networks():
    rng = np.random.default_rng(0)
    line = np.full((8, 8, 3), 0.5, np.float32)
    change = rng.normal(0, 0.1, (8, 8, 3)).astype(np.float32)
    sharp = line + rng.normal(0, 0.2, (8, 8, 3)).astype(np.float32)
    assert not novel_residual(sharp, line, change).any()
    assert np.allclose(novel_residual(line, line, change), change)


@pytest.mark.parametrize("size", [(1, 1), (7, 90), (64, 3), (16, 16)])
def test_resize_keeps_dimensions_and_flat_areas(size):
    flat = np.full((16, 16, 3), 0.3, np.float32)
    assert resize(flat, size).shape == (*size, 3)
    assert np.allclose(resize(flat, size), 0.3, atol=1e-6)
    assert resize(flat[..., 0], size).shape == size


def test_what_was_drawn_a_little_larger_stays_sharp():
    line = np.full((16, 24, 3), 0.5, np.float32)
    stripes = np.zeros((32, 48, 3), np.float32)
    stripes[:, (np.arange(48) // 2) % 2 == 1] = 1.0
    for size, is_sharp in (((32, 44), True), ((16, 24), False)):
        drawn = add_residual(line, line, stripes, size=size, strength=1.0)
        averaged = resize(stripes, size)
        assert (drawn.std() > 1.02 * averaged.std()) == is_sharp
        assert np.allclose(drawn, averaged, atol=1e-6) == (not is_sharp)
