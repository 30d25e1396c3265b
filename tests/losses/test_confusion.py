import json
import pickle

import numpy as np
import pytest
import torch

from glyphsr.errors import DataError
from glyphsr.losses.confusion import load_distances
from glyphsr.losses.text_focus import TABLE_ORDER as ORDER
from glyphsr.losses.text_focus import confusion_weights, weights_of_classes
from glyphsr.text.charset import PRINTABLE_94
from recipes.convert_confusion_table import distances_of


def distance(table, pair):
    return float(table[ORDER.index(pair[0]), ORDER.index(pair[1])])


def test_our_table_holds_distances_and_knows_what_looks_alike():
    table = load_distances()
    assert torch.equal(table, table.T)
    assert not table.diagonal().any()
    for alike in ("oO", "sS", "S5", "lI", "8B"):
        assert distance(table, alike) < 0.5 < distance(table, "1W")
    weights = confusion_weights(table)
    assert torch.isfinite(weights).all()
    assert (weights > 0).all()


@pytest.mark.parametrize("form", ["rows", "object"])
def test_a_table_of_ones_own_loads_in_its_forms(tmp_path, form):
    values = load_distances().numpy()
    path = tmp_path / "table.json"
    path.write_text(json.dumps(values.tolist() if form == "rows" else {"distances": values.tolist()}))
    assert np.allclose(load_distances(path).numpy(), values, atol=1e-6)


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_numbers_come_out_of_a_pickle_without_unpickling_it(tmp_path, protocol, kind):
    values = load_distances().numpy()
    path = tmp_path / "confuse.pkl"
    path.write_bytes(pickle.dumps(values.astype(kind), protocol=protocol))
    assert np.array_equal(distances_of(path), values)


def test_what_is_no_table_is_refused_and_code_never_runs(tmp_path):
    class Evil:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    pickled = tmp_path / "confuse.pkl"
    pickled.write_bytes(pickle.dumps([Evil(), load_distances().numpy()]))
    with pytest.raises(DataError, match=r"expected a \.json file"):
        load_distances(pickled)
    distances_of(pickled)
    pickled.write_bytes(b"nonsense")
    with pytest.raises(DataError, match="not a pickle that can be listed"):
        distances_of(pickled)
    assert not (tmp_path / "ran").exists()

    path = tmp_path / "table.json"
    for content, message in (
        ("nonsense", "not JSON"),
        ("{}", "not a table"),
        ("[[1], [1, 2]]", "not a table"),
        ("[" + "9" * 400 + "]", "not a table"),
        (json.dumps(np.ones((3, 3)).tolist()), "expected a table of 62 x 62, got 3 x 3"),
        (json.dumps((-np.ones((62, 62))).tolist()), "distances of 0 or more"),
    ):
        path.write_text(content)
        with pytest.raises(DataError, match=message):
            load_distances(path)
    with pytest.raises(DataError, match=r"none\.json: No such file"):
        load_distances(tmp_path / "none.json")


def test_other_recognizers_get_the_weights_of_their_own_classes():
    distances = load_distances()
    weights = confusion_weights(distances)
    lower = "0123456789abcdefghijklmnopqrstuvwxyz"
    assert torch.equal(weights_of_classes(distances, ["", *lower]), weights)
    last = weights_of_classes(distances, [*lower, ""])  # MORAN's order
    assert last[10, 36] == weights[11, 0]
    assert last[10, 3] == weights[11, 4]
    many = weights_of_classes(distances, ["", *PRINTABLE_94, ""])
    index = {char: i + 1 for i, char in enumerate(PRINTABLE_94)}
    assert many.shape == (96, 96)
    for one, other in ("O0", "oO", "bH", "7Z"):
        assert float(many[index[one], index[other]]) == pytest.approx(1 / distance(distances, one + other), rel=1e-5)
    assert torch.equal(many.diagonal(), torch.ones(96))
    assert many[index["!"], index["b"]] == many[index["b"], 0] == many[95, index["b"]] == 1.0


def test_the_construction_is_the_published_one_step_by_step():
    """Loops after the notes, on a table that is not symmetric, so that rows and columns cannot be mixed up."""
    table = np.random.default_rng(0).uniform(0.1, 3.0, (62, 62)).astype(np.float32)
    np.fill_diagonal(table, 0.0)
    rows = [*range(10), *range(36, 62), *range(10, 36)]  # digits, lower, upper; columns stay
    extended = np.ones((63, 63))
    extended[1:, 1:] = table[rows]
    inverse = np.array([[1.0 if value == 0 else 1.0 / value for value in row] for row in extended])
    expected = inverse.copy()
    for i in range(63):
        for j in range(11, 37):
            if i != j:
                expected[i, j] = max(inverse[i, j], inverse[i, j + 26])
    np.testing.assert_allclose(confusion_weights(torch.from_numpy(table)).numpy(), expected[:37, :37], rtol=1e-5)
