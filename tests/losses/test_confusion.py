import json
import pickle

import numpy as np
import pytest
import torch

from glyphsr.errors import DataError
from glyphsr.losses.confusion import ORDER, load_distances
from glyphsr.losses.text_focus import confusion_weights, weights_of_classes
from glyphsr.text.charset import PRINTABLE_94


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


@pytest.mark.parametrize("form", ["confuse.pkl", "table.npy", "table.json", "lists.pkl"])
def test_a_published_table_loads_in_its_forms(tmp_path, form):
    values = load_distances().numpy()
    path = tmp_path / form
    if form == "confuse.pkl":
        path.write_bytes(pickle.dumps(values.astype(np.float64), protocol=2))
    elif form == "lists.pkl":
        path.write_bytes(pickle.dumps(values.tolist()))
    elif form == "table.npy":
        np.save(path, values)
    else:
        path.write_text(json.dumps(values.tolist()))
    assert np.allclose(load_distances(path).numpy(), values, atol=1e-6)


def test_what_is_no_table_is_refused_and_code_never_runs(tmp_path):
    class Evil:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    path = tmp_path / "confuse.pkl"
    for content, message in (
        (pickle.dumps(Evil()), "is no number"),
        (b"nonsense", "not a table"),
        (pickle.dumps(np.ones((3, 3))), "expected a table of 62 x 62, got 3 x 3"),
        (pickle.dumps(-np.ones((62, 62))), "distances of 0 or more"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=message):
            load_distances(path)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(DataError, match=r"none\.json: No such file"):
        load_distances(tmp_path / "none.json")


def test_other_recognizers_get_the_weights_of_their_own_classes():
    weights = confusion_weights(load_distances())
    assert torch.equal(weights_of_classes(weights, ["", *"0123456789abcdefghijklmnopqrstuvwxyz"]), weights)
    many = weights_of_classes(weights, ["", *PRINTABLE_94])
    index = {char: i + 1 for i, char in enumerate(PRINTABLE_94)}
    assert many.shape == (95, 95)
    assert many[index["O"], index["0"]] == weights[1 + 10 + 14, 1]
    assert many[index["!"], index["b"]] == 1.0
    assert many[index["b"], 0] == 1.0
