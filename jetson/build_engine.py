"""Build TensorRT engines from the bundle's graphs, on the board that will run them.

    python3 build_engine.py --report build.json
    python3 build_engine.py --precision int8 --device dla --report build.json

An engine that is there already for this graph, L4T, TensorRT and power mode is kept (--rebuild makes it anew).
"""

from __future__ import annotations

import argparse
import hashlib
import time
from pathlib import Path
from typing import Any

import board
import engines
import report
from bundle import Plan, Refusal, add_arguments, open_bundle, work_folder

GATE = "engine.build"


def main() -> int:
    """Build what is asked for; the exit code."""
    args = _arguments()
    bundle, facts, runtime = open_bundle(args), board.describe(), engines.runtime(args.runtime)
    work = work_folder(args)
    built: list[dict[str, Any]] = []
    checks = []
    for plan in bundle.plans:
        if args.runtime == "onnxruntime":
            checks.append(report.check(GATE, plan.precision, plan.name, note=f"built by TensorRT alone: {runtime}"))
            continue
        engine = engines.engine_path(work, plan, facts)
        timing = engines.timing_path(work, facts)
        try:
            built.append(_build(plan, engine, timing, args))
            checks.append(report.check(GATE, plan.precision, plan.name, outcome=report.PASSED))
        except Refusal as error:
            checks.append(report.check(GATE, plan.precision, plan.name, outcome=report.FAILED, note=str(error)))
    content = {"runtime": runtime, "board": facts, "engines": built, "checks": checks}
    return report.write(args.report, "build_engine", content)


def _build(plan: Plan, engine: Path, timing: Path, args: argparse.Namespace) -> dict[str, Any]:
    start = time.monotonic()
    builder = engines.choose_builder(args.builder, python_first=False)
    kept = engine.is_file() and not args.rebuild
    if not kept:
        engines.build(plan, engine, timing, builder)
    return {
        "name": plan.name,
        "precision": plan.precision,
        "file": engine.name,
        "size_bytes": engine.stat().st_size,
        "sha256": hashlib.sha256(engine.read_bytes()).hexdigest(),
        "builder": builder,
        "kept": kept,
        "seconds": time.monotonic() - start,
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--rebuild", action="store_true", help="build engines anew that are there already")
    return parser.parse_args()


if __name__ == "__main__":
    report.guarded(main)
