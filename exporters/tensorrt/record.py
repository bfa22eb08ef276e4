"""checker.json: what the static checker said of every graph when it was exported."""

from typing import Literal

from exporters.tensorrt.checker import GraphReport
from factory.contracts.base import Contract


class CheckRecord(Contract):
    """One report a graph and precision that engines are built in."""

    schema_version: Literal[1] = 1
    reports: tuple[GraphReport, ...]
