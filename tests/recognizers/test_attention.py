import pytest
import torch
import torch.nn.functional as F

from glyphsr.config.recognizers import ASTERConfig, CRNNConfig, MORANConfig, PARSeqConfig, TelescopeConfig
from glyphsr.models.registry import build_recognizer
from glyphsr.recognizers.aster.decoder import AttentionDecoder
from glyphsr.recognizers.protocols import AttentionRecognizer

GRIDS = {"moran": (1, 1, 25), "aster": (1, 1, 25), "parseq": (2, 8, 16), "telescope": (16, 8, 32)}
CONFIGS = {
    "moran": MORANConfig(hidden=16),
    "aster": ASTERConfig(hidden=16, max_steps=12),
    "parseq": PARSeqConfig(embed_dim=24, encoder_depth=1, encoder_heads=2, decoder_heads=2),
    "telescope": TelescopeConfig(mlp_dim=32, max_steps=4),
}


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    return {name: build_recognizer(config).eval() for name, config in CONFIGS.items()}


@pytest.mark.parametrize("name", CONFIGS)
def test_teaching_shows_where_each_character_is_looked_for(networks, name):
    network = networks[name]
    assert isinstance(network, AttentionRecognizer)
    with torch.no_grad():
        prepared = network.prepare(torch.rand(3, 3, 32, 128))
        taught = network.forward_teacher_forced(prepared, ["Hotel", "a!", ""])
    assert taught.logits.shape == (3, 6, network.num_classes)
    assert taught.attention.shape == (3, GRIDS[name][0], 6, *GRIDS[name][1:])
    assert torch.allclose(taught.attention.flatten(3).sum(dim=3), torch.ones(3, GRIDS[name][0], 6), atol=1e-5)
    lengths = (taught.targets >= 0).sum(dim=1).tolist()
    # Every text has its end; a character that the charset lacks is left out.
    assert lengths == [6, 3 if "!" in network.charset else 2, 1]


@pytest.mark.parametrize("name", CONFIGS)
def test_a_step_sees_the_text_before_it_and_not_behind_it(networks, name):
    network = networks[name]
    with torch.no_grad():
        prepared = network.prepare(torch.rand(1, 3, 32, 128))
        one, other = (network.forward_teacher_forced(prepared, [text]).logits for text in ("abcde", "abxde"))
    assert torch.allclose(one[:, :3], other[:, :3], atol=1e-5)  # step 3 is the first that is given the third character
    assert not torch.allclose(one[:, 3:], other[:, 3:], atol=1e-5)


def test_taught_parseq_equals_its_own_left_to_right_reading(networks):
    network = networks["parseq"]
    with torch.no_grad():
        prepared = network.prepare(torch.rand(2, 3, 32, 128))
        free = build_recognizer(CONFIGS["parseq"].model_copy(update={"refine_iters": 0})).eval()
        free.load_state_dict(network.state_dict())
        texts = [reading.text for reading in free.read_prepared(prepared)]
        logits = free(prepared)
        taught = network.forward_teacher_forced(prepared, [text[:25] for text in texts]).logits
    steps = min(logits.shape[1], taught.shape[1])
    for row, text in enumerate(texts):
        length = min(len(text) + 1, steps)
        assert torch.allclose(logits[row, :length], taught[row, :length], atol=1e-4)
    with pytest.raises(ValueError, match="at most 25 characters"):
        network.forward_teacher_forced(prepared, ["x" * 26, "x"])


def test_taught_crnn_places_its_characters_along_the_steps():
    torch.manual_seed(0)
    network = build_recognizer(CRNNConfig(width=4, hidden=8)).eval()
    assert isinstance(network, AttentionRecognizer)
    prepared = network.prepare(torch.rand(3, 3, 32, 128))
    taught = network.forward_teacher_forced(prepared, ["Hotel", "", "x" * 20], steps=7)
    assert taught.logits.shape == (3, 20, 37)
    assert taught.attention.shape == (3, 1, 20, 1, 26)
    sums = taught.attention.sum(dim=4)[:, 0]
    assert torch.allclose(sums[0, :5], torch.ones(5), atol=1e-4)
    assert not sums[1].any()
    assert taught.targets[0].tolist() == [18, 25, 30, 15, 22] + [-1] * 15
    assert taught.targets[2].tolist() == [-1] * 20  # twenty times the same letter does not fit into 26 steps
    places = (taught.attention[0, 0, :5, 0] * torch.arange(26.0)).sum(dim=1)
    assert (places.diff() > 0).all()
    network.zero_grad()
    taught.logits.sum().backward()
    assert network.cnn.conv0.weight.grad.abs().sum() > 0


def test_least_steps_are_kept_by_all(networks):
    for network in networks.values():
        prepared = network.prepare(torch.rand(2, 3, 32, 128))
        with torch.no_grad():
            short, long = (network.forward_teacher_forced(prepared, ["ab", "c"], steps=steps) for steps in (None, 6))
        assert long.targets.shape == (2, 6)
        assert torch.allclose(short.logits, long.logits[:, :3], atol=1e-5)


def test_telescope_width_must_fit_its_encoder():
    with pytest.raises(ValueError, match="expected 512"):
        build_recognizer(TelescopeConfig(embed_dim=64))


@pytest.mark.parametrize("name", ["moran", "aster", "telescope"])
def test_free_reading_gives_one_text_with_a_probability(networks, name):
    readings = networks[name].read(torch.rand(2, 3, 16, 64))
    assert len(readings) == 2
    for reading in readings:
        assert 0 <= reading.confidence <= 1
        assert len(reading.text) <= networks[name].max_length + 1


def exhaustive(decoder, features, *, steps, end):
    """Best text by trying all of them: with a beam as wide as everything, beam search must find it."""
    best = (-float("inf"), ())
    texts = [((), 0.0)]
    for _ in range(steps):
        grown = []
        for text, score in texts:
            previous = torch.tensor([[*text, 0]])
            logits, _ = decoder(features, steps=len(text) + 1, previous=previous)
            for symbol, value in enumerate(F.log_softmax(logits[0, -1], dim=0).tolist()):
                longer = ((*text, symbol), score + value)
                if symbol == end:
                    best = max(best, (longer[1], longer[0]))
                else:
                    grown.append(longer)
        texts = grown
    return max([best, *((score, text) for text, score in texts)])


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_finds_the_best_text_of_all(seed):
    torch.manual_seed(seed)
    decoder = AttentionDecoder(4, 6, 3).eval()
    torch.nn.init.normal_(decoder.classifier.weight, std=3)
    features = torch.randn(1, 5, 4)
    with torch.no_grad():
        found = decoder.beam_search(features, steps=4, beam=81, end=2)[0]
        score, text = exhaustive(decoder, features, steps=4, end=2)
    assert found.classes == text
    assert found.score == pytest.approx(score, abs=1e-4)


def test_a_beam_of_one_is_greedy_and_pictures_do_not_mix():
    torch.manual_seed(1)
    decoder = AttentionDecoder(4, 6, 7).eval()
    torch.nn.init.normal_(decoder.classifier.weight, std=3)
    features = torch.randn(3, 5, 4)
    with torch.no_grad():
        logits, _ = decoder(features, steps=9)
        together = decoder.beam_search(features, steps=9, beam=1, end=6)
        alone = [decoder.beam_search(row[None], steps=9, beam=1, end=6)[0] for row in features]
    for found, single, row in zip(together, alone, logits.argmax(dim=2).tolist(), strict=True):
        length = row.index(6) + 1 if 6 in row else 9
        assert list(found.classes) == row[:length]
        assert found.classes == single.classes


def walked_back(decoder, features, *, steps, beam, end):
    """The published search for one picture: all steps, then back from the last, ended beams taking places in turn."""
    rows = features.expand(beam, -1, -1)
    keys, state, last = decoder._start(rows)
    scores = torch.full((beam,), -float("inf"))
    scores[0] = 0
    history = []
    for _ in range(steps):
        logits, state, _ = decoder.step(rows, keys, state, last)
        scores, chosen = (scores[:, None] + logits.log_softmax(dim=1)).flatten().topk(beam)
        parents, last = chosen // decoder.num_classes, chosen % decoder.num_classes
        state = state[:, parents]
        history.append((scores.tolist(), parents.tolist(), last.tolist()))
        scores = scores.masked_fill(last == end, -float("inf"))
    order = sorted(range(beam), key=lambda k: -history[-1][0][k])
    places = [history[-1][0][k] for k in order]
    texts = [[] for _ in range(beam)]
    pointers, found = order, 0
    for final, parents, symbols in reversed(history):
        texts = [[symbols[k], *text] for k, text in zip(pointers, texts, strict=True)]
        pointers = [parents[k] for k in pointers]
        for k in reversed(range(beam)):
            if symbols[k] == end and final[k] > -float("inf"):
                place = beam - found % beam - 1
                found += 1
                places[place], texts[place], pointers[place] = final[k], [end], parents[k]
    best = max(range(beam), key=lambda k: places[k])
    text = texts[best]
    return tuple(text[: text.index(end) + 1] if end in text else text), places[best]


@pytest.mark.parametrize("seed", range(30))
def test_stopping_early_changes_nothing_of_the_published_search(seed):
    torch.manual_seed(seed)
    decoder = AttentionDecoder(4, 6, 7).eval()
    torch.nn.init.normal_(decoder.classifier.weight, std=2)
    decoder.classifier.bias.data[6] += 1.5  # many readings end, more than there are beams
    features = torch.randn(1, 5, 4)
    with torch.no_grad():
        found = decoder.beam_search(features, steps=12, beam=3, end=6)[0]
        text, score = walked_back(decoder, features, steps=12, beam=3, end=6)
    assert (found.classes, found.score) == (text, pytest.approx(score, abs=1e-4))


def test_readings_that_end_after_enough_have_ended_do_not_count():
    # Pictures share a search: while a slow one continues, a quick one may find a better reading, too late to count.
    for seed in range(60):
        torch.manual_seed(seed)
        decoder = AttentionDecoder(4, 6, 7).eval()
        torch.nn.init.normal_(decoder.classifier.weight, std=2)
        decoder.classifier.bias.data.zero_()
        decoder.classifier.bias.data[[0, 6]] = torch.tensor([3.0, 1.5])
        features = 3 * torch.randn(2, 5, 4)
        with torch.no_grad():
            together = decoder.beam_search(features, steps=12, beam=2, end=6)
            alone = [decoder.beam_search(row[None], steps=12, beam=2, end=6)[0] for row in features]
        assert [found.classes for found in together] == [found.classes for found in alone]
