"""What a bench leaves behind: results.parquet, bench.json, table.md and the critical-difference picture."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from factory.contracts.bench import BenchSpec
from factory.contracts.bench_result import BenchSummary, CellResult, Record
from factory.contracts.errors import ArtifactError
from factory.contracts.files import atomic_write
from factory.contracts.stored import write_json
from factory.pipeline.bench.plan import Places, arms_of
from factory.pipeline.bench.statistics import rank_blocks, records_of, summarise

PARQUET, SUMMARY, TABLE, PICTURE = "results.parquet", "bench.json", "table.md", "ranks.png"


def write_results(spec: BenchSpec, places: Places, results: Sequence[CellResult], expected: int) -> BenchSummary:
    """Write records, summary, tables and picture.

    Raises:
        ArtifactError: Methods that are compared answered other windows.
    """
    records = records_of(results)
    write_parquet(records, places.out / PARQUET)
    return write_tables(spec, places.out, records, expected)


def write_tables(spec: BenchSpec, out: Path, records: Sequence[Record], expected: int) -> BenchSummary:
    """Summary, tables and picture of records.

    Raises:
        ArtifactError: Methods that are compared answered other windows.
    """
    from factory.reporting.bench import rank_picture, tables

    methods, data = [method.label for method in spec.methods], [arm.label for arm in arms_of(spec)]
    known = [record for record in records if record.method in methods and record.data in data]
    if not known:
        raise ArtifactError(
            f"no record is of {spec.name}'s data ({', '.join(data)}) and methods ({', '.join(methods)}): "
            "run the bench first"
        )
    summary = summarise(spec.name, spec.control, known, expected)
    rank_picture(rank_blocks(known), summary, out / PICTURE)
    write_json(summary, out / SUMMARY)
    with atomic_write(out / TABLE) as temporary:
        temporary.write_text(tables(summary) + "\n", "utf-8")
    return summary


def write_parquet(records: Sequence[Record], path: Path) -> None:
    """One row a record; readable by pandas, Polars and DuckDB."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [field.name for field in fields(Record)]
    rows = [asdict(record) for record in records]
    columns = {name: [row[name] for row in rows] for name in names}
    table = pa.table({name: pa.array(values, type=_type(name)) for name, values in columns.items()})
    with atomic_write(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_parquet(path: Path) -> list[Record]:
    """The records of a results.parquet.

    Raises:
        ArtifactError: No such file, or it is damaged or of something else.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return [Record(**row) for row in rows]
    except (OSError, pa.ArrowInvalid, TypeError) as error:
        raise ArtifactError(f"{path} holds no results of a bench: run factory bench without --table first") from error


def _type(name: str) -> Any:
    import pyarrow as pa

    declared = next(field.type for field in fields(Record) if field.name == name)
    kinds: dict[Any, Any] = {str: pa.string(), int: pa.int64(), bool: pa.bool_()}
    return kinds.get(declared, pa.float64())
