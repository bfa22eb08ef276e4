"""SMLDist Model Factory: motion-sensor recordings in, small verified activity models out.

    import factory

    build = factory.build("demo", out="build/demo")      # a Build; a broken gate raises
    model = factory.Model(build.file("tflite", "int8_static"))
    model.predict(windows).labels                        # windows (N, C, T) in SI units

docs/python.md shows each call. Importing this package imports neither torch nor TensorFlow.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from factory.api import benchmark, build, check, export, load_recipe, open_build, show, train, verify
    from factory.contracts.recipe import Recipe
    from factory.pipeline.inference import Model, Predictions
    from factory.pipeline.result import Build, VerifyResult
    from factory.pipeline.show import Shown

__version__ = "0.1.0"

_HOMES = {
    "Build": "factory.pipeline.result",
    "Model": "factory.pipeline.inference",
    "Predictions": "factory.pipeline.inference",
    "Recipe": "factory.contracts.recipe",
    "Shown": "factory.pipeline.show",
    "VerifyResult": "factory.pipeline.result",
    "benchmark": "factory.api",
    "build": "factory.api",
    "check": "factory.api",
    "export": "factory.api",
    "load_recipe": "factory.api",
    "open_build": "factory.api",
    "show": "factory.api",
    "train": "factory.api",
    "verify": "factory.api",
}
__all__ = [
    "Build",
    "Model",
    "Predictions",
    "Recipe",
    "Shown",
    "VerifyResult",
    "__version__",
    "benchmark",
    "build",
    "check",
    "export",
    "load_recipe",
    "open_build",
    "show",
    "train",
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
