"""A trtexec for machines without one: the real one's options and file formats over ONNX Runtime.

Its engine is the ONNX file; it shows that our command lines and readers fit together, and says nothing of TensorRT.
Options it does not know are refused, as the real one does. FAKE_LOG names a file that gets each command line.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path

_FLAGS = {"--buildOnly", "--int8", "--fp16", "--useSpinWait", "--allowGPUFallback", "--help"}
_BUILD = {"--onnx", "--saveEngine", "--exportLayerInfo", "--memPoolSize", "--profilingVerbosity", "--timingCacheFile"}
_RUN = {"--loadEngine", "--exportTimes", "--iterations", "--duration", "--warmUp", "--loadInputs", "--exportOutput"}
_KNOWN = _FLAGS | _BUILD | _RUN | {"--calib", "--useDLACore"}


def main() -> None:
    """Build or run, as the options say."""
    sys.stdout.write("&&&& RUNNING TensorRT.trtexec [TensorRT v8502]\n")
    if log := os.environ.get("FAKE_LOG"):
        with Path(log).open("a") as file:
            file.write(" ".join(sys.argv[1:]) + "\n")
    options = dict(argument.partition("=")[::2] for argument in sys.argv[1:])
    if unknown := [name for name in options if name not in _KNOWN]:
        sys.exit(f"[E] Unknown option: {' '.join(unknown)}")
    if "--help" in options:
        sys.stdout.write("  --buildOnly   Exit after the engine has been built\n")
    elif "--onnx" in options:
        build(options)
    else:
        infer(options)


def build(options: dict[str, str]) -> None:
    """The graph stands for the engine."""
    if "--useDLACore" in options and os.environ.get("FAKE_NO_DLA"):
        sys.exit("[E] Cannot create DLA engine, 0 not available")
    shutil.copy(options["--onnx"], options["--saveEngine"])
    Path(options["--exportLayerInfo"]).write_text('{"Layers": []}')
    if "--timingCacheFile" in options:
        with Path(options["--timingCacheFile"]).open("ab") as cache:
            cache.write(b"timing")


def infer(options: dict[str, str]) -> None:
    """Run once, or as often as asked, with random values where none are loaded."""
    import numpy as np
    import onnxruntime

    engine = Path(options["--loadEngine"]).read_bytes()
    session = onnxruntime.InferenceSession(engine, providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape
    values = np.zeros(shape, np.float32)
    if "--loadInputs" in options:
        values = np.fromfile(options["--loadInputs"].partition(":")[2], "<f4").reshape(shape)
    trace = []
    for _ in range(int(options["--iterations"])):
        start = time.perf_counter() * 1e3
        logits = session.run(["logits"], {"imu": values})[0]
        end = time.perf_counter() * 1e3
        trace.append({"startH2dMs": start, "endD2hMs": end, "computeMs": end - start, "latencyMs": end - start})
    if "--exportTimes" in options:
        Path(options["--exportTimes"]).write_text(json.dumps(trace))
    if "--exportOutput" in options:
        dimensions = "x".join(map(str, logits.shape))
        answer = {"name": "logits", "dimensions": dimensions, "values": logits.ravel().tolist()}
        Path(options["--exportOutput"]).write_text(json.dumps([answer]))


main()
