"""int8 must begin where the float front ends: graphs in which it does not are refused."""

import importlib
import warnings

import pytest

torch = pytest.importorskip("torch")

from torch import fx  # noqa: E402

from exporters.executorch.delegation import require_float_front  # noqa: E402
from factory.contracts.errors import ExportError  # noqa: E402


def _graph(*operators: str) -> fx.GraphModule:
    """A chain of 'add', 'mul' and 'round' (a Quantize and its Dequantize), as PT2E's conversion leaves one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("torch.ao.quantization.fx._decomposed")  # registers the operators
    quantised = torch.ops.quantized_decomposed
    graph = fx.Graph()
    node = graph.placeholder("x")
    for operator in operators:
        if operator == "round":
            limits = (0.1, 0, -128, 127, torch.int8)
            stored = graph.call_function(quantised.quantize_per_tensor.default, (node, *limits))
            node = graph.call_function(quantised.dequantize_per_tensor.default, (stored, *limits))
        else:
            node = graph.call_function(getattr(torch.ops.aten, operator).Tensor, (node, 2.0))
    graph.output(node)
    return fx.GraphModule({}, graph)


def test_a_front_in_float_is_taken() -> None:
    require_float_front(_graph("add", "mul", "round", "mul"), ["add", "mul"])


@pytest.mark.parametrize("operators", [("round", "add", "mul"), ("add", "round", "mul")])
def test_a_front_that_is_quantised_early_is_refused(operators: tuple[str, ...]) -> None:
    with pytest.raises(ExportError, match=r"expected the 2 of the front \(add, mul"):
        require_float_front(_graph(*operators), ["add", "mul"])


def test_a_front_that_ends_late_is_refused() -> None:
    with pytest.raises(ExportError, match="3 float operators stand ahead of the first Quantize, expected the 2"):
        require_float_front(_graph("add", "mul", "add", "round"), ["add", "mul"])
