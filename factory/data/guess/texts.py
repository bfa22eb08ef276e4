"""Columns of texts as codes, and the rows of each recording."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from factory.contracts.dataset import Ints
from factory.data.intake.patterns import braced


def codes_of(table: Any, column: str) -> tuple[Ints, list[str]]:
    """A column of a pyarrow Table or RecordBatch, or a template of the path's fields, as codes and their texts.

    Missing values are the empty text.
    """
    names = table.schema.names
    fields = [] if column in names else braced(column)
    if not fields:
        return _encoded(table.column(column))
    rows, texts = np.zeros(table.num_rows, np.int64), [column]
    for name in fields:
        codes, values = _encoded(table.column(name))
        rows, texts = _combined(rows, texts, codes, [(name, value) for value in values])
    return rows, texts


def _combined(
    rows: Ints, texts: Sequence[str], codes: Ints, values: Sequence[tuple[str, str]]
) -> tuple[Ints, list[str]]:
    joined = rows * len(values) + codes
    used, dense = np.unique(joined, return_inverse=True)
    pairs = [divmod(int(code), len(values)) for code in used]
    return dense.astype(np.int64), [texts[a].replace(*values[b]) for a, b in pairs]


def _encoded(column: Any) -> tuple[Ints, list[str]]:
    import pyarrow as pa
    from pyarrow import compute as pc

    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = pc.fill_null(array.cast(pa.string()), "").dictionary_encode()
    codes: Ints = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, [str(text) for text in encoded.dictionary.to_pylist()]


def grouped(table: Any, columns: Sequence[str]) -> list[tuple[tuple[str, ...], Ints]]:
    """The rows of each combination of texts, in order, with the texts."""
    rows = np.zeros(table.num_rows, np.int64)
    keys: list[tuple[str, ...]] = [()]
    for column in columns:
        codes, texts = codes_of(table, column)
        joined = rows * max(len(texts), 1) + codes
        used, rows = np.unique(joined, return_inverse=True)
        keys = [(*keys[int(code) // len(texts)], texts[int(code) % len(texts)]) for code in used]
    order = np.argsort(rows, kind="stable")
    cuts = np.flatnonzero(np.diff(rows[order])) + 1
    return [(keys[int(rows[part[0]])], part) for part in np.split(order, cuts) if len(part)]
