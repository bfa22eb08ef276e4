"""A sheet as a format shows it: the columns that count, codes replaced by names, columns that only the name tells."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from factory.contracts.errors import DataError
from factory.contracts.table import MISSING
from factory.data.intake.arrays import as_kind
from factory.data.intake.members import Member
from factory.data.intake.sheet import Kind, Sheet

Rewrite = Callable[[str], str]


class View:
    """A sheet with fewer, rewritten or added columns.

    Args:
        sheet: What the file holds.
        keep: Columns that are shown, in order; None shows all.
        texts: Column to a function that rewrites its values as text, for example codes of labels to their names.
        constants: Columns that hold the same text in every row; one that the file has itself stays the file's.
    """

    def __init__(
        self,
        sheet: Sheet,
        keep: Sequence[str] | None = None,
        texts: Mapping[str, Rewrite] | None = None,
        constants: Mapping[str, str | None] | None = None,
    ) -> None:
        self._sheet = sheet
        self._keep = keep
        self._texts = dict(texts or {})
        self._constants = {name: text for name, text in (constants or {}).items() if text}

    @property
    def member(self) -> Member:
        """The file."""
        return self._sheet.member

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that are shown."""
        held = self._sheet.names
        shown = held if self._keep is None else tuple(name for name in self._keep if name in held)
        return (*shown, *(name for name in self._constants if name not in held))

    @property
    def dropped(self) -> int:
        """Rows that the last pass left out."""
        return self._sheet.dropped

    def line(self, row: int) -> str:
        """See `Sheet.line`."""
        return self._sheet.line(row)

    def batches(self, wanted: Mapping[str, Kind], drop_faulty: bool = False) -> Iterator[Any]:
        """See `Sheet.batches`.

        Raises:
            DataError: A row cannot be used; names file, line and remedy.
        """
        import pyarrow as pa

        if absent := [name for name in wanted if name not in self.names]:
            raise DataError(
                f"{self.member} has no column {', '.join(map(repr, absent))}; it has {', '.join(self.names):.300}: "
                "correct the description"
            )
        held = self._sheet.names
        inner: dict[str, Kind] = {
            name: "text" if name in self._texts else kind for name, kind in wanted.items() if name in held
        }
        for batch in self._sheet.batches(inner or {held[0]: "text"}, drop_faulty):
            arrays = [self._column(batch, name, kind) for name, kind in wanted.items()]
            yield pa.RecordBatch.from_arrays(arrays, names=list(wanted))

    def _column(self, batch: Any, name: str, kind: Kind) -> Any:
        import pyarrow as pa

        if name not in self._sheet.names:
            column = pa.repeat(self._constants[name], batch.num_rows)
        elif name in self._texts:
            column = _rewritten(batch.column(batch.schema.names.index(name)), self._texts[name])
        else:
            return batch.column(batch.schema.names.index(name))
        return column if kind in ("text", "any") else as_kind(column, kind, frozenset(MISSING), True)


def codes(names: Mapping[str, str]) -> Rewrite:
    """A rewrite of codes to names: '4' and '4.0' are the same; a code without a name stays."""

    def name_of(code: str) -> str:
        bare = code.strip().removesuffix(".0")
        return names.get(bare, bare)

    return name_of


def _rewritten(column: Any, rewrite: Rewrite) -> Any:
    """Each different text is rewritten once."""
    import pyarrow as pa

    encoded = column.dictionary_encode()
    texts = pa.array([rewrite(text or "") for text in encoded.dictionary.to_pylist()], pa.string())
    return texts.take(encoded.indices)
