"""What the rest of the library knows of one kind of network: a class per folder, one line in the registry."""

import importlib
from collections.abc import Collection
from typing import Any, ClassVar

from glyphsr.config.base import Config
from glyphsr.nn.key_tables import KeyTable, Shapes


class Architecture:
    """One kind of super-resolution network or recognizer: its settings, and how it is built and loaded.

    Subclasses stand in the ``__init__.py`` of their folder and set ``kind`` and ``settings``; networks of this
    package also ``network`` and, where files are published, ``signature`` and a module ``official_keys``. Nothing heavy
    is imported before a network is built.
    """

    kind: ClassVar[str]
    """Value of ``kind`` in a configuration."""
    settings: ClassVar[type[Config]]
    """Configuration class."""
    network: ClassVar[str]
    """``module:Class`` of the network, a :class:`torch.nn.Module`."""
    signature: ClassVar[str | None] = None
    """A published key that files of this kind have and files of later kinds in the registry have not."""
    image_channels: ClassVar[int | None] = None
    """Channels that the first convolution of a published file sees, where only they tell two kinds apart."""

    @classmethod
    def build(cls, config: Any, *, num_classes: int = 0) -> Any:
        """The network that a configuration describes, with fresh weights.

        Args:
            config: Of the type ``settings``.
            num_classes: Classes K of the text prior, 0 without; recognizers take none.
        """
        module, _, name = cls.network.partition(":")
        network = getattr(importlib.import_module(module), name)
        # Recognizers are built from their settings alone.
        make = getattr(network, "from_config", None)
        return network(config) if make is None else make(config, num_classes=num_classes)

    @classmethod
    def detect(cls, keys: Collection[str], *, image_channels: int | None = None) -> bool:
        """Whether a published file is of this kind.

        Args:
            keys: Of its state dict.
            image_channels: Channels that its first convolution sees, where known.
        """
        if cls.signature is None or cls.signature not in keys:
            return False
        return cls.image_channels is None or cls.image_channels == image_channels

    @classmethod
    def key_table(cls, config: Any) -> KeyTable:
        """Published names and ours; without published files both are the same."""
        return KeyTable({}) if cls.signature is None else cls._official().key_table(config)

    @classmethod
    def read_shape(cls, shapes: Shapes) -> Any:
        """The configuration of a published file; of a network also its number of prior classes.

        Raises:
            KeyError: If a key is missing that files of this kind always have.
            ValueError: If a shape is none that is supported.
        """
        return cls._official().config_from_keys(shapes)

    @classmethod
    def _official(cls) -> Any:
        return importlib.import_module(f"{cls.__module__}.official_keys")
