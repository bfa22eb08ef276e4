"""What a sample's rows say of one column."""

from functools import cached_property

import numpy as np

from factory.data.guess.sample import Sample

_COUNTER = 0.98
"""Share of different values above which a column of whole numbers counts rows."""
_FEW_ROWS = 30


class Facts:
    """What the sample says of one column, looked up once."""

    def __init__(self, sample: Sample, name: str) -> None:
        self._sample, self.name = sample, name
        self.numeric = sample.numeric(name)

    @cached_property
    def rows(self) -> int:
        """Values that are there."""
        return sum(len(chunk) - chunk.column(self.name).null_count for chunk in self._sample.chunks)

    @cached_property
    def distinct(self) -> int:
        """Different values."""
        import pyarrow as pa
        from pyarrow import compute as pc

        parts = [chunk.column(self.name).combine_chunks() for chunk in self._sample.chunks]
        parts = [part.combine_chunks() if hasattr(part, "combine_chunks") else part for part in parts]
        kinds = {part.type for part in parts}
        joined = pa.chunked_array(parts if len(kinds) == 1 else [part.cast(pa.string()) for part in parts])
        if pa.types.is_nested(joined.type):
            return 0
        return int(pc.count_distinct(joined, mode="only_valid").as_py())

    @cached_property
    def whole(self) -> bool:
        """Whether all are whole numbers."""
        return self.numeric and all(
            bool(np.all(values == np.floor(values)))
            for chunk in self._sample.chunks
            for values in [_numbers(chunk, self.name)]
            for values in [values[np.isfinite(values)]]
        )

    @property
    def counter(self) -> bool:
        """Whether it numbers the rows."""
        return self.whole and self.rows >= _FEW_ROWS and self.distinct >= _COUNTER * self.rows

    @property
    def names_something(self) -> bool:
        """Whether it holds names or numbers of a few things that each have many rows."""
        if self.numeric and not self.whole:
            return False
        return 1 <= self.distinct <= max(1, self.rows // 10)


def _numbers(chunk: "object", name: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """A column of a pyarrow Table as float64, null as NaN."""
    return np.asarray(chunk.column(name).to_numpy(), np.float64)  # type: ignore[attr-defined]
