"""What decides how many instructions a student's int8_static file takes: quantities of its operators, by kind.

A runtime's kernels compute tiles: several time steps by several output channels at once, so that 17 channels cost as
many instructions as 32. What is counted here is therefore padded to tiles of the size that XNNPACK has on arm64.
The front of the network and some heads are float in an int8 file (factory/contracts/front.py); they count apart.
"""

import math
from collections import defaultdict
from collections.abc import Iterator

from torch import fx, nn

from factory.contracts.front import first_in_int8, normalises_by_window
from factory.models.cost import shaped, size_of
from factory.models.network import Network, fold

_KINDS = (
    "macs",
    "taps",
    "outputs",
    "depthwise_macs",
    "depthwise_outputs",
    "linear_macs",
    "elements",
    "pooled",
    "operators",
)
_STORED = ("weights", "channels", "operators")
SPEED = (
    *(f"{precision}_{kind}" for precision in ("float", "int8") for kind in _KINDS),
    "by_window",
    "by_channel",
    "padded",
    "quantised",
    "files",
)
"""Quantities that decide instructions; 'files' is 1 and stands for what every inference costs."""
SIZE = (
    *(f"{precision}_{kind}" for precision in ("float", "int8") for kind in _STORED),
    "sensors",
    "by_window",
    "classes",
    "files",
)
"""Quantities that decide bytes."""
_STEPS = 4
"""Time steps of a tile."""
_WIDTH = {"float": 8, "int8": 16}
"""Output channels of a tile."""
_DEPTH = {"float": 1, "int8": 4}
"""Input channels that are multiplied together."""
_DEPTHWISE = 8
_FLOAT_HEADS = ("sqrt", "softmax", "truediv")
"""Functions of a head that is left in float whole (exporters/tflite/flatbuffer.py)."""
_FUNCTIONS = ("add", "mul", "sub", "truediv")
"""Operators of their own in a file; an activation, the clip of the input too, is part of the one ahead of it."""


def quantities(network: Network) -> dict[str, float]:
    """Each of `SPEED` and `SIZE`, of one inference of a network and of its file."""
    folded = fold(network)
    graph = shaped(folded)
    found: dict[str, float] = defaultdict(float)
    for node, precision in _precisions(graph):
        for name, value in _of_node(graph, node, precision):
            found[name] += value
    found["quantised"] = _boundary(graph)
    spec = network.spec
    found |= {"files": 1.0, "sensors": spec.channels, "classes": spec.classes}
    weights = sum(each.numel() for each in folded.parameters())
    by_window = normalises_by_window(weights, spec.channels, spec.window)
    found["by_window" if by_window else "by_channel"] = spec.channels * spec.window
    return {name: found[name] for name in dict.fromkeys((*SPEED, *SIZE))}


def _precisions(graph: fx.GraphModule) -> Iterator[tuple[fx.Node, str]]:
    """Every node behind the normalisation that computes, and whether the file does it in float or int8."""
    behind = first_in_int8(name for name, _ in graph.named_modules())
    nodes = [node for node in graph.graph.nodes if node.op in ("call_module", "call_function", "call_method")]
    del nodes[: next(index for index, node in enumerate(nodes) if node.op == "call_module")]
    pooled = max((index for index, node in enumerate(nodes) if _called(node) == "adaptive_avg_pool2d"), default=0)
    float_head = any(word in _what(graph, node) for node in nodes[pooled:] for word in _FLOAT_HEADS)
    front = True
    for index, node in enumerate(nodes):
        front = front and not (node.op == "call_module" and str(node.target).startswith(f"{behind}."))
        yield node, "float" if front or (float_head and index > pooled) else "int8"


def _of_node(graph: fx.GraphModule, node: fx.Node, precision: str) -> Iterator[tuple[str, float]]:
    module = graph.get_submodule(str(node.target)) if node.op == "call_module" else None
    if isinstance(module, nn.Conv2d | nn.Linear):
        yield f"{precision}_operators", 1
        yield f"{precision}_weights", module.weight.numel()
        yield f"{precision}_channels", len(module.weight)
    if isinstance(module, nn.Conv2d):
        yield from _convolution(node, module, precision)
    elif isinstance(module, nn.Linear):
        yield f"{precision}_linear_macs", module.in_features * _up(module.out_features, _WIDTH[precision])
    elif _called(node) == "adaptive_avg_pool2d":
        yield f"{precision}_operators", 1
        yield f"{precision}_pooled", size_of(node.all_input_nodes[0])
    elif _called(node) in _FUNCTIONS or isinstance(module, nn.Softmax):
        yield f"{precision}_operators", 1
        yield f"{precision}_elements", size_of(node)


def _convolution(node: fx.Node, module: nn.Conv2d, precision: str) -> Iterator[tuple[str, float]]:
    steps, kernel = size_of(node) // module.out_channels, math.prod(module.kernel_size)
    if module.groups > 1:
        width = _up(module.out_channels, _DEPTHWISE)
        yield f"{precision}_depthwise_macs", steps * width * kernel
        yield f"{precision}_depthwise_outputs", steps * width
    else:
        width, tile = _up(module.out_channels, _WIDTH[precision]), _WIDTH[precision] * _STEPS
        yield f"{precision}_macs", _up(steps, _STEPS) * width * _up(module.in_channels, _DEPTH[precision]) * kernel
        yield f"{precision}_taps", _up(steps, _STEPS) * width // tile * kernel
        yield f"{precision}_outputs", _up(steps, _STEPS) * width
    if module.stride[1] > 1:  # the converter pads in an operator of its own
        yield "padded", size_of(node.all_input_nodes[0])


def _boundary(graph: fx.GraphModule) -> float:
    """Values that are turned into int8 behind the float front."""
    behind = first_in_int8(name for name, _ in graph.named_modules())
    nodes = (node for node in graph.graph.nodes if node.op == "call_module")
    first = next(node for node in nodes if str(node.target).startswith(f"{behind}."))
    return size_of(first.all_input_nodes[0])


def _called(node: fx.Node) -> str:
    """Name of the function that a node calls."""
    return getattr(node.target, "__name__", "") if node.op == "call_function" else ""


def _what(graph: fx.GraphModule, node: fx.Node) -> str:
    module = type(graph.get_submodule(str(node.target))).__name__ if node.op == "call_module" else ""
    return _called(node) or module.lower()


def _up(count: int, tile: int) -> int:
    return math.ceil(count / tile) * tile
