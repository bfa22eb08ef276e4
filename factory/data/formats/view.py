"""A sheet as a format shows it: the columns that count, codes replaced by names, columns that only the name tells."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from factory.contracts.table import MISSING
from factory.data.intake.arrays import as_kind
from factory.data.intake.members import Member
from factory.data.intake.sheet import Kind, Sheet, require_columns

Rewrite = Callable[[Any], Any]
"""A pyarrow array of texts or numbers to one of texts, of the same length."""


class View:
    """A sheet with fewer, rewritten or added columns.

    Args:
        sheet: What the file holds.
        keep: Columns that are shown, in order; None shows all.
        texts: Column to the one that it is made of (often itself) and what makes its texts: codes of labels to names.
        constants: Columns that hold the same text in every row; a column of the file goes before one of that name.
    """

    def __init__(
        self,
        sheet: Sheet,
        keep: Sequence[str] | None = None,
        texts: Mapping[str, tuple[str, Rewrite]] | None = None,
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
        made = (name for name, (source, _) in self._texts.items() if source in held)
        return tuple(dict.fromkeys((*shown, *made, *self._constants)))

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

        require_columns(self, wanted)
        inner = self._inner(wanted)
        for batch in self._sheet.batches(inner, drop_faulty):
            arrays = [self._column(batch, name, kind) for name, kind in wanted.items()]
            yield pa.RecordBatch.from_arrays(arrays, names=list(wanted))

    def _inner(self, wanted: Mapping[str, Kind]) -> dict[str, Kind]:
        """What the sheet itself is asked for: sources of texts as its user wants them, or else as text."""
        held = self._sheet.names
        inner = {name: kind for name, kind in wanted.items() if name in held and name not in self._texts}
        for name in wanted:
            if name in self._texts:
                inner.setdefault(self._texts[name][0], "text")
        return inner or {held[0]: "text"}

    def _column(self, batch: Any, name: str, kind: Kind) -> Any:
        import pyarrow as pa

        if name in self._texts:
            source, rewrite = self._texts[name]
            column = rewrite(batch.column(batch.schema.names.index(source)))
        elif name in self._sheet.names:
            return batch.column(batch.schema.names.index(name))
        else:
            column = pa.repeat(self._constants[name], batch.num_rows)
        return column if kind in ("text", "any") else as_kind(column, kind, frozenset(MISSING), True)


def each(name_of: Callable[[str], str]) -> Rewrite:
    """A rewrite of one value at a time, as text; each different one is rewritten once, null is the empty text."""

    def rewrite(column: Any) -> Any:
        import pyarrow as pa

        encoded = column.dictionary_encode(null_encoding="encode")
        values = encoded.dictionary.to_pylist()
        texts = pa.array([name_of("" if value is None else str(value)) for value in values], pa.string())
        return texts.take(encoded.indices)

    return rewrite


def codes(names: Mapping[str, str]) -> Rewrite:
    """A rewrite of codes to names: '4' and '4.0' are the same; a code without a name stays."""

    def name_of(code: str) -> str:
        bare = code.strip().removesuffix(".0")
        return names.get(bare, bare)

    return each(name_of)


def time_first(names: Iterable[str]) -> tuple[str, ...]:
    """Columns with those of time in front."""
    return tuple(sorted(names, key=lambda name: not name.startswith(("time (", "date"))))
