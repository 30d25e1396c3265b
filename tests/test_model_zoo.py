import importlib.util

import pytest

from glyphsr.config.networks import NETWORKS
from glyphsr.models.registry import RECOGNIZERS
from glyphsr.weights.registry import entries

from .conftest import ROOT


@pytest.fixture(scope="module")
def zoo():
    spec = importlib.util.spec_from_file_location("model_zoo", ROOT / "benchmarks" / "model_zoo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def table():
    page = (ROOT / "docs" / "model-zoo.md").read_text(encoding="utf-8")
    lines = page.partition("<!-- made by")[2].partition("<!-- end -->")[0].splitlines()[3:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line]
    return {row[0].strip("`"): row for row in cells}


@pytest.mark.parametrize("kind", [*NETWORKS, *RECOGNIZERS])
def test_the_pages_row_says_what_the_code_is(kind, zoo, table):
    facts = zoo.facts(kind)
    _, paper, parameters, multiply_adds, milliseconds, prior, licence, weights, gap = table[kind]
    assert (parameters, prior, licence, weights) == (f"{facts.parameters:,}", facts.prior, facts.licence, facts.weights)
    assert paper == zoo.PAPERS[kind]
    assert float(multiply_adds.removesuffix(" G")) > 0
    assert float(milliseconds) > 0
    if gap != "-":
        found, tolerance = gap.rstrip(")").split(" (")
        assert float(found) <= float(tolerance)


def test_every_network_says_where_its_weights_are_and_has_a_configuration():
    known = {row.network for row in entries().values()}
    assert set(NETWORKS) <= known
    assert {kind for kind in NETWORKS if not (ROOT / "configs" / f"{kind}.yaml").exists()} <= {"tatt"}


def test_multiply_adds_are_counted_of_recurrent_layers_and_attention_too(zoo):
    import torch

    network = torch.nn.Module()
    network.prepare = lambda lines: lines.flatten(2).transpose(1, 2)[:, :5]  # (B, 5, 3)
    layers = torch.nn.GRU(3, 4, batch_first=True), torch.nn.MultiheadAttention(4, 2, batch_first=True)
    network.forward = lambda x: layers[1](*[layers[0](x)[0]] * 3)
    recurrent, projections, products = 5 * 3 * 4 * (3 + 4), 4 * 5 * 4 * 4, 2 * 5 * 5 * 4
    assert zoo.multiply_adds("crnn", network) == recurrent + projections + products
