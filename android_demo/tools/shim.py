"""Builds the small C library through which the ExecuTorch classifier is tested on the host.

    python android_demo/tools/shim.py --out android_demo/executorch/host/target/libsmldist_executorch.so

Needs g++ and the executorch wheel of this Python; its libraries need no torch.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

_SOURCE = Path(__file__).parents[1] / "executorch/host/src/main/cpp/shim.cpp"
_LIBRARIES = (
    "executorch",
    "executorch_kernels_optimized",
    "executorch_kernels_quantized",
    "executorch_backend_xnnpack",
)


def build(out: Path) -> None:
    """Compile the library `out`.

    Raises:
        SystemExit: The wheel or the compiler is missing, or refuses; one line.
    """
    spec = find_spec("executorch")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("error: the executorch wheel is missing: pip install 'smldist-factory[executorch]'")
    wheel = Path(spec.submodule_search_locations[0])
    include, lib = wheel / "include", wheel / "lib"
    part = out.with_name(f".{out.name}.part")
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [
        "g++", "-std=c++17", "-O1", "-shared", "-fPIC", "-DC10_USING_CUSTOM_GENERATED_MACROS", f"-I{include}",
        f"-I{include / 'executorch/runtime/core/portable_type/c10'}", str(_SOURCE), "-o", str(part), f"-L{lib}",
        f"-Wl,-rpath,{lib}", "-Wl,--no-as-needed", *(f"-l{name}" for name in _LIBRARIES),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise SystemExit("error: g++ is missing: apt-get install g++") from None
    if done.returncode:
        raise SystemExit(f"error: g++ refuses {_SOURCE.name}: {' '.join(done.stderr.split())[:600]}")
    part.replace(out)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0; a failure leaves by SystemExit, after one line on stderr."""
    parser = argparse.ArgumentParser(description="Build the test library of the ExecuTorch classifier.")
    parser.add_argument("--out", type=Path, required=True)
    build(parser.parse_args(arguments).out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
