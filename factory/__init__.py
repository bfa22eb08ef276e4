"""SMLDist Model Factory: motion-sensor recordings in, small verified activity models out.

    import factory

    build = factory.build("demo", out="build/demo")      # a Build; a broken gate raises
    model = factory.Model(build.file("tflite", "int8_static"))
    model.predict(windows).labels                        # windows (N, C, T) in SI units

docs/python.md shows each call. Importing this package imports neither torch nor TensorFlow.
"""

import os
from typing import TYPE_CHECKING, Any

# ONNX Runtime reports its use from a thread of its own and keeps a database for it in the home folder, unless told not
# to before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from factory.api import (
        bench,
        bench_estimate,
        bench_table,
        benchmark,
        build,
        check,
        check_recording,
        diff,
        explain,
        export,
        find_model,
        list_models,
        load_recipe,
        open_build,
        predict,
        publish,
        pull,
        search,
        show,
        train,
        tune,
        verify,
    )
    from factory.contracts.recipe import Recipe
    from factory.contracts.release import Release
    from factory.contracts.search import SearchResult
    from factory.contracts.tuning import TuneResult
    from factory.pipeline.compare import ModelDifference
    from factory.pipeline.explain import Explanation
    from factory.pipeline.inference import Model, Predictions
    from factory.pipeline.predict import CheckedRecording, LabelledRecording
    from factory.pipeline.pull import PublishedModel, PulledModel
    from factory.pipeline.result import Build, VerifyResult
    from factory.pipeline.show import Shown

__version__ = "0.1.0"

_HOMES = {
    "Build": "factory.pipeline.result",
    "CheckedRecording": "factory.pipeline.predict",
    "Explanation": "factory.pipeline.explain",
    "LabelledRecording": "factory.pipeline.predict",
    "Model": "factory.pipeline.inference",
    "ModelDifference": "factory.pipeline.compare",
    "Predictions": "factory.pipeline.inference",
    "PublishedModel": "factory.pipeline.pull",
    "PulledModel": "factory.pipeline.pull",
    "Recipe": "factory.contracts.recipe",
    "Release": "factory.contracts.release",
    "SearchResult": "factory.contracts.search",
    "Shown": "factory.pipeline.show",
    "TuneResult": "factory.contracts.tuning",
    "VerifyResult": "factory.pipeline.result",
    "bench": "factory.api",
    "bench_estimate": "factory.api",
    "bench_table": "factory.api",
    "benchmark": "factory.api",
    "build": "factory.api",
    "check": "factory.api",
    "check_recording": "factory.api",
    "diff": "factory.api",
    "explain": "factory.api",
    "export": "factory.api",
    "find_model": "factory.api",
    "list_models": "factory.api",
    "load_recipe": "factory.api",
    "open_build": "factory.api",
    "predict": "factory.api",
    "publish": "factory.api",
    "pull": "factory.api",
    "search": "factory.api",
    "show": "factory.api",
    "train": "factory.api",
    "tune": "factory.api",
    "verify": "factory.api",
}
__all__ = [
    "Build",
    "CheckedRecording",
    "Explanation",
    "LabelledRecording",
    "Model",
    "ModelDifference",
    "Predictions",
    "PublishedModel",
    "PulledModel",
    "Recipe",
    "Release",
    "SearchResult",
    "Shown",
    "TuneResult",
    "VerifyResult",
    "__version__",
    "bench",
    "bench_estimate",
    "bench_table",
    "benchmark",
    "build",
    "check",
    "check_recording",
    "diff",
    "explain",
    "export",
    "find_model",
    "list_models",
    "load_recipe",
    "open_build",
    "predict",
    "publish",
    "pull",
    "search",
    "show",
    "train",
    "tune",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'factory' has no attribute '{name}': it offers {', '.join(__all__)}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
