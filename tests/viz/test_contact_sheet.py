import numpy as np

from glyphsr.types import Sample
from glyphsr.viz.contact_sheet import COLUMNS, contact_sheet

from ..conftest import draw_word


def test_a_sheet_grows_by_rows_and_shows_both_sides(words):
    one, two = contact_sheet(words), contact_sheet([*words, words[0]])
    assert one.shape[1] == two.shape[1]
    assert two.shape[0] > one.shape[0]
    assert COLUMNS == 4
    without = contact_sheet([Sample(w.id, w.hr, w.label) for w in words])
    assert not np.array_equal(one, without)


def test_labels_in_any_script_and_extreme_pictures_are_drawn():
    samples = [
        Sample("x/1", draw_word("w", 4), "Жук 漢字"),
        Sample("x/2", np.zeros((2, 900, 3), np.uint8), "long"),
        Sample("x/3", np.zeros((900, 2, 3), np.uint8), "tall"),
    ]
    assert contact_sheet(samples).dtype == np.uint8
