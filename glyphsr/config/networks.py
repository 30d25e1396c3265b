"""Kinds of super-resolution networks; each one's settings stand in its own folder."""

import importlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, Union

from pydantic import Discriminator, PlainValidator, SerializeAsAny, Tag, ValidationInfo

from glyphsr.config.plugins import load_plugin, plugin_names
from glyphsr.config.trunk import PLUGIN, TrunkConfig

NETWORKS: dict[str, str] = {
    "tbsrn": "glyphsr.models.tbsrn:TBSRNArchitecture",
    "tatt": "glyphsr.models.tatt:TATTArchitecture",
    "lemma": "glyphsr.models.lemma:LEMMAArchitecture",
    "pean": "glyphsr.models.pean:PEANArchitecture",
    "tsan": "glyphsr.models.tsan:TSANArchitecture",
    "rtsrn": "glyphsr.models.rtsrn:RTSRNArchitecture",
    "c3stisr": "glyphsr.models.c3stisr:C3STISRArchitecture",
    "glyphsr": "glyphsr.models.glyphsr:GlyphSRArchitecture",
    "tpgsr": "glyphsr.models.tpgsr:TPGSRArchitecture",
    "tg": "glyphsr.models.tg:TextGestaltArchitecture",
    "tsrn": "glyphsr.models.tsrn:TSRNArchitecture",
}
"""``kind`` of a network -> its architecture; a new network is a new folder and one line here.

Published files are recognised in this order, so what has the most keys of its own comes first.
"""


def _settings_class(path: str) -> type[TrunkConfig]:
    """Settings of an architecture that is named by its place, the way an entry point names another package's.

    The name is a text because this room is below the networks. A folder's ``__init__`` and ``settings`` are light;
    torch comes with its ``network``.
    """
    module, _, name = path.partition(":")
    found: type[TrunkConfig] = getattr(importlib.import_module(module), name).settings
    return found


SETTINGS: Mapping[str, type[TrunkConfig]] = {kind: _settings_class(path) for kind, path in NETWORKS.items()}
"""``kind`` -> its class of settings."""


def _tag(value: Any) -> str:
    """The union's branch for a network; configurations written before there was a choice do not name its kind."""
    kind = str(value.get("kind", "glyphsr") if isinstance(value, dict) else value.kind)
    return PLUGIN if kind not in NETWORKS and kind in plugin_names() else kind


def _of_plugin(value: Any, info: ValidationInfo) -> TrunkConfig:
    """Settings of another package's network, by the class that it brings."""
    if isinstance(value, TrunkConfig):
        return value
    settings: type[TrunkConfig] = load_plugin(str(value["kind"])).settings
    return settings.model_validate_json(json.dumps(value)) if info.mode == "json" else settings.model_validate(value)


if TYPE_CHECKING:
    NetworkConfig: TypeAlias = TrunkConfig
else:
    _own = [Annotated[settings, Tag(kind)] for kind, settings in SETTINGS.items()]
    _others = Annotated[SerializeAsAny[TrunkConfig], PlainValidator(_of_plugin), Tag(PLUGIN)]
    NetworkConfig = Annotated[Union[(*_own, _others)], Discriminator(_tag)]
    """Any super-resolution network; without ``kind`` it is GlyphSR."""
