"""A source of recordings with a null class: a described table in which the label '0' means none of the classes."""

import numpy as np

from factory.contracts.dataset import NULL, Ints
from factory.data.sources.table import Table
from factory.data.sources.table_reader import Batch

TEXT = "0"


class NullTable(Table):
    """As the table, whose description lists '0' as unlabelled; here it is null."""

    def _classes(self, batch: Batch) -> Ints:
        null = np.array([text == TEXT for text in batch.labels])[batch.label]
        classes: Ints = np.where(null, NULL, super()._classes(batch))
        return classes
