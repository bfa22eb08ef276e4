"""What does an inference cost in energy? (power under load - power when idle) x time / inferences, all rails summed.

    python3 power.py --report power.json

Power mode and clocks change everything, and are in the report: pin them first (sudo nvpmodel -m 0; sudo jetson_clocks)
and keep the board otherwise idle. Needs TensorRT's Python package, since a load must start and end at known times.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

import board
import engines
import rails
import report
import standin
from bundle import Plan, Refusal, add_arguments, open_bundle, work_folder

GATE = "power.above_idle"
LEAST_MW = 1.0
"""Less than one step of the sensor: a load that adds no more was not measured."""
_CALLS = 50


def main() -> int:
    """Measure what is asked for; the exit code."""
    args = _arguments()
    bundle, facts, runtime = open_bundle(args), board.describe(args.root), engines.runtime(args.runtime)
    stand_in, found = args.runtime == "onnxruntime", rails.find(args.root)
    work, windows = work_folder(args), bundle.golden().x
    measured: list[dict[str, Any]] = []
    checks = []
    for plan in bundle.plans:
        limit = {"relation": ">=", "limit": LEAST_MW, "unit": "mW"}
        if stand_in:
            note = f"{runtime}: no engine was run"
            checks.append(report.check(f"engine.{GATE}", plan.precision, plan.name, note=note, **limit))
            if not found.rails or not standin.can_run(plan):
                continue
        row = report.check(f"{'graph' if stand_in else 'engine'}.{GATE}", plan.precision, plan.name, **limit)
        why = "" if stand_in else _not_measurable(found)
        if why or found.trouble:
            outcome = report.NOT_RUN if why else report.FAILED
            checks.append({**row, "outcome": outcome, "note": why or found.trouble})
            continue
        try:
            engine = None if stand_in else engines.engine_path(work, plan, facts)
            measured.append(_measure(plan, engine, found.rails, windows, args))
            checks.append(report.judged(row, measured[-1]["load_mw"] - measured[-1]["idle_mw"]))
        except Refusal as error:
            checks.append({**row, "outcome": report.FAILED, "note": str(error)})
    content = {"runtime": runtime, "board": facts, "engines": measured, "checks": checks}
    return report.write(args.report, "power", content)


def _not_measurable(found: rails.Found) -> str:
    if not found.rails:
        return "no INA3221 rails here: not a Jetson AGX Xavier, or their driver is not loaded"
    return "" if board.has_python_tensorrt() else "needs TensorRT's Python package: sudo apt install python3-libnvinfer"


def _measure(
    plan: Plan, engine: Path | None, supplies: list[rails.Rail], windows: np.ndarray, args: argparse.Namespace
) -> dict[str, Any]:
    with engines.open_runner(plan, engine, "python") as runner:
        runner.time_us(windows, _CALLS)
        time.sleep(args.settle)
        idle = rails.idle(supplies, args.seconds)
        calls, start = 0, time.monotonic()
        with rails.Sampler(supplies) as sampler:
            while time.monotonic() - start < args.seconds:
                calls += len(runner.time_us(windows, _CALLS))
            clocks = board.clocks(args.root)
            seconds = time.monotonic() - start
    load, inferences = sampler.mean_mw(), calls * plan.batch
    idle_mw, load_mw = sum(idle.values()), sum(load.values())
    return {
        "name": plan.name,
        "precision": plan.precision,
        "inferences": inferences,
        "seconds": seconds,
        "idle_mw": idle_mw,
        "load_mw": load_mw,
        "energy_mj": rails.energy_mj(idle_mw, load_mw, seconds, inferences),
        "rails_idle_mw": idle,
        "rails_load_mw": load,
        "clocks_under_load": clocks,
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--seconds", type=float, default=10, help="of idling, and of load, an engine (default: 10)")
    parser.add_argument("--settle", type=float, default=2, help="pause after warming up (default: 2)")
    parser.add_argument("--root", type=Path, default=Path("/"), help="folder that stands for / (default: /)")
    args = parser.parse_args()
    if args.seconds <= 0 or args.settle < 0:
        parser.error("--seconds is more than 0, --settle not less")
    return args


if __name__ == "__main__":
    report.guarded(main)
