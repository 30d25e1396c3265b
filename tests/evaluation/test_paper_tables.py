import pytest

from glyphsr.config.reader import load
from glyphsr.config.training import TrainConfig
from glyphsr.evaluation.paper_tables import ROWS, TABLES, weighted

from ..conftest import ROOT


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.id)
def test_printed_averages_are_weighted_by_samples(row):
    for judge, scores in row.accuracy.items():
        computed = weighted(scores)
        if computed is not None:
            digits = 0.011 if row.table == "table2" else 0.071
            assert computed == pytest.approx(scores[3], abs=digits), (row.id, judge)
        assert 0 < scores[3] < 100


def test_every_row_that_can_be_trained_has_a_configuration_that_knows_it():
    for table in TABLES.values():
        for row, name in table.configs.items():
            config = load(TrainConfig, ROOT / "configs" / name, environment={})
            assert config.paper_row is not None
            shared = name == "ablation/table2-baseline1.yaml"  # Table 3's first row
            assert shared or config.paper_row == row
    assert {row.id for row in TABLES["table2"].rows} == set(TABLES["table2"].configs)
    assert [len(TABLES[f"table{n}"].rows) for n in (1, 2, 3, 4)] == [13, 4, 8, 3]


def test_rows_of_a_table_differ_where_the_paper_says():
    def config(name):
        return load(TrainConfig, ROOT / "configs" / f"{name}.yaml", environment={})

    paper, official = config("paper"), config("official")
    assert (paper.loss.scale, official.loss.scale) == (1.0, 100.0)
    gpms = [each.model.network.gpm for each in (paper, official)]
    assert [(g.levels, g.attention, g.class_features, g.num_slots) for g in gpms] == [
        (3, "plain", "trunk", 15),
        (2, "softmax", "projected", 16),
    ]
    assert paper.model.network.glyph_srb == 4
    assert not official.loss.hog_gradient
    assert config("ablation/table2-no-gfm").model.network.glyph_srb == 5
