"""Runs in the second converter's environment: crosscheck_worker.py STUDENT FOLDER.

Reads FOLDER/windows.npy (N, C, T), converts the student by litert-torch, writes FOLDER/logits.npy (N, K).
"""

import sys
from pathlib import Path

import numpy as np
import torch

from factory.models import fold, load_network


def main(student: Path, folder: Path) -> None:
    """Rebuild, convert, run."""
    import litert_torch  # type: ignore[import-not-found]  # only its own environment has it
    from ai_edge_litert.interpreter import Interpreter

    network = fold(load_network(student))
    windows = np.load(folder / "windows.npy")[:, None, :, None, :]
    path = folder / "second.tflite"
    litert_torch.convert(network.eval(), (torch.zeros(windows.shape[1:]),)).export(str(path))
    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    given, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    logits = []
    for window in windows:
        interpreter.set_tensor(given, np.ascontiguousarray(window))
        interpreter.invoke()
        logits.append(interpreter.get_tensor(result)[0])
    np.save(folder / "logits.npy", np.stack(logits))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
