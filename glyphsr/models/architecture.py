"""Where packages of others may import the contract from, too; it stands in :mod:`glyphsr.nn.architecture`."""

from glyphsr.nn.architecture import Architecture as Architecture
