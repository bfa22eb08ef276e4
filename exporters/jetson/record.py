"""checker.json: what the static checker said of every graph when it was exported."""

from typing import Literal

from exporters.jetson.checker import GraphReport
from factory.contracts.base import Contract


class CheckRecord(Contract):
    """One report a graph and precision that engines are built in.

    Schema 2: `diagnostics` with a `level`, which were `findings` with a `severity`.
    """

    schema_version: Literal[2] = 2
    reports: tuple[GraphReport, ...]
