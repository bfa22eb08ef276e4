"""docs/results/peers.json, and the table of it."""

from collections.abc import Iterator

from factory.contracts.artifact import Precision
from factory.contracts.base import Contract
from factory.contracts.manifest import Provenance

CORES = ("cortex-a76", "cortex-a53")
LOSS = 0.01
"""Macro-F1 that a network's cheapest file may lose to the network itself."""
_HEADER = (
    "| network | parameters | MACs | macro-F1 | its cheapest file | kB | cortex-a76 | cortex-a53 | its macro-F1 |"
    "\n|---|---|---|---|---|---|---|---|---|"
)


class PeerFile(Contract):
    """One file of a network."""

    target: str
    precision: Precision
    runtime: str
    size_bytes: int
    macro_f1: float
    instructions: dict[str, int]
    """Of one inference, by core."""


class PeerRow(Contract):
    """One trained network; all scores are of the recipe's test subjects."""

    recipe: str
    seed: int
    network: str
    epochs: int
    train_windows: int
    test_windows: int
    parameters: int
    macs: int
    macro_f1: float
    files: tuple[PeerFile, ...]
    refused: dict[str, str]
    """'<target> <precision>' -> what the converter said."""

    @property
    def cheapest(self) -> PeerFile:
        """The file of the fewest instructions on the large core that loses no more than `LOSS`."""
        kept = [file for file in self.files if file.macro_f1 >= self.macro_f1 - LOSS]
        return min(kept or self.files, key=lambda file: file.instructions[CORES[0]])


class PeerResults(Contract):
    """Every row that one command made."""

    command: str
    provenance: Provenance
    rows: tuple[PeerRow, ...] = ()


def table(results: PeerResults) -> Iterator[str]:
    """Markdown, a table a recipe and seed; instructions in thousands."""
    for recipe, seed, epochs in dict.fromkeys((row.recipe, row.seed, row.epochs) for row in results.rows):
        rows = [row for row in results.rows if (row.recipe, row.seed, row.epochs) == (recipe, seed, epochs)]
        yield f"\n{recipe}, seed {seed}, {epochs} epochs; thousand instructions an inference\n"
        yield _HEADER
        for row in sorted(rows, key=lambda row: row.cheapest.instructions[CORES[0]]):
            file = row.cheapest
            counts = " | ".join(f"{file.instructions[core] / 1e3:,.0f}" for core in CORES)
            yield (
                f"| {row.network} | {row.parameters:,} | {row.macs:,} | {row.macro_f1:.4f} "
                f"| {file.runtime}, {file.precision} | {file.size_bytes / 1e3:.0f} | {counts} | {file.macro_f1:.4f} |"
            )
