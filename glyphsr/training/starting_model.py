"""What a run trains, and the weights that it starts from."""

from collections.abc import Callable

from torch import Tensor

from glyphsr.config.training import TrainConfig
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.models.protocols import ExtendedNetwork, GrowableNetwork
from glyphsr.models.registry import PriorNetwork, RecognizerNetwork, build_recognizer
from glyphsr.models.super_resolver import SuperResolver, Trained
from glyphsr.nn.layers.aligned_prior import expand_classes
from glyphsr.recognizers.protocols import CharsetFolder
from glyphsr.weights.checkpoints import load_state, read_checkpoint
from glyphsr.weights.hub import resolve
from glyphsr.weights.loading import load_recognizer

ALIGNED_PRIOR = "prior_transformer.conv1.weight"
"""Weight of the network that sees the classes of an aligned prior."""

NETWORK_PREFIX = "network."
"""Where a super-resolver's checkpoint keeps its network."""


def build_model(config: TrainConfig, say: Callable[[str], None], *, offline: bool = False) -> Trained:
    """What a run trains, with the weights that it starts from.

    Raises:
        WeightsError: If named weights are not available, or are another network's.
        ConfigError: If weights are named that nothing needs.
    """
    # A recognizer alone, or a super-resolver with its prior.
    if config.task == "recognizer":
        try:
            recognizer = build_recognizer(config.recognizer)
        except ValueError as error:
            raise ConfigError(f"recognizer: {error}") from error
        if config.recognizer_weights is not None:
            _start_recognizer(recognizer, config.recognizer_weights, offline=offline)
        return recognizer

    model = SuperResolver.from_config(config.model)
    start_prior(model, config, say, offline=offline)
    start_network(model, config, offline=offline)
    return model


def _start_recognizer(recognizer: RecognizerNetwork, weights: str, *, offline: bool) -> None:
    # A file over more characters starts one over fewer: rows of its last layers are left out.
    path = resolve(weights, offline=offline)
    found = load_recognizer(path)
    state = found.state_dict()
    config = found.config
    has_fewer = set(recognizer.charset) < set(found.charset)
    if has_fewer and isinstance(found, CharsetFolder) and isinstance(recognizer, CharsetFolder):
        state = found.state_for_charset(recognizer.charset)
        config = config.model_copy(update={"charset_size": getattr(recognizer.config, "charset_size", None)})

    if config != recognizer.config:
        raise WeightsError(f"{path}: holds another recognizer than the configuration describes")
    recognizer.load_state_dict(state)


def start_prior(
    model: SuperResolver, config: TrainConfig, say: Callable[[str], None], *, offline: bool = False
) -> None:
    """Give the text prior the weights that the configuration names.

    Raises:
        WeightsError: If they are not available, or are another recognizer's.
        ConfigError: If the network has no prior.
    """
    if config.prior_weights is None:
        if model.prior is not None and not config.trains_prior:
            say("the text prior has random weights and does not learn; name some with prior_weights")
        return

    if model.prior is None:
        raise ConfigError(f"prior_weights: of no use, since {config.model.network.kind} has no text prior")

    path = resolve(config.prior_weights, offline=offline)
    recognizer = load_recognizer(path)
    if recognizer.config != config.model.prior:
        raise WeightsError(f"{path}: holds another prior than model.prior describes")
    model.prior.recognizer.load_state_dict(recognizer.state_dict())


def start_network(model: SuperResolver, config: TrainConfig, *, offline: bool = False) -> None:
    """Give the network the weights that the configuration names.

    Raises:
        WeightsError: If they are not available, or are another network's.
    """
    if config.network_weights is None:
        return

    path = resolve(config.network_weights, offline=offline)
    checkpoint = read_checkpoint(path)
    # A super-resolver's file holds its prior too; published networks come without.
    own = {k.removeprefix(NETWORK_PREFIX): v for k, v in checkpoint.tensors.items() if k.startswith(NETWORK_PREFIX)}
    state = own or checkpoint.tensors
    if checkpoint.kind == "super_resolver" and model.prior is not None:
        state = _for_prior(state, load_recognizer(path), model.prior.recognizer, str(path))

    # A smaller network's weights become those of a larger one that computes the same.
    if config.enlarge_network:
        assert isinstance(model.network, GrowableNetwork)  # the configuration is checked
        try:
            state = model.network.state_from_smaller(state)
        except ValueError as error:
            raise WeightsError(f"{path}: {error}") from error

    # Parts that the file cannot know start at random.
    if isinstance(model.network, ExtendedNetwork):
        fresh = model.network.state_dict()
        state = {k: v for k, v in fresh.items() if k.startswith(model.network.added_parts)} | state

    load_state(model.network, state, str(path))


def _for_prior(state: dict[str, Tensor], before: RecognizerNetwork, now: PriorNetwork, where: str) -> dict[str, Tensor]:
    """A network's weights for a prior over more characters than it was trained with."""
    weight = state.get(ALIGNED_PRIOR)
    # Only an aligned prior of the old charset is widened; all else must fit as it is.
    if weight is None or before.charset == now.charset or weight.shape[1] != 2 * (len(before.charset) + 1):
        return state
    try:
        return state | {ALIGNED_PRIOR: expand_classes(weight, before.charset, now.charset)}
    except ValueError as error:
        raise WeightsError(f"{where}: {error}") from error
