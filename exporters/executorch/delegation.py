"""What XNNPACK took of a graph, and what was quantised: recorded, and refused where it is not the whole.

Looks at torch.fx graphs by the names of their operators and imports neither torch nor executorch.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Self

from pydantic import Field

from factory.contracts.base import Contract
from factory.contracts.errors import ExportError

_DELEGATE_CALL = "executorch_call_delegate"
_PASSIVE = ("getitem",)
_QUANTIZE, _DEQUANTIZE = "quantize_per_tensor", "dequantize_per_tensor"
_NORMALISATION = ("sub", "mul", "hardtanh")


class Delegation(Contract):
    """model_*.delegation.json: the parts of a program, by who executes them."""

    backend: str
    parts: int = Field(ge=0, description="calls of the backend; 1 is the whole graph at once")
    taken: dict[str, int] = Field(description="operators inside those calls, with how often each occurs")
    left: dict[str, int] = Field(description="operators that ExecuTorch's own kernels would run, likewise")

    @classmethod
    def of(cls, module: Any) -> Self:
        """Read a lowered graph (torch.fx.GraphModule of the edge dialect)."""
        calls = [node for node in module.graph.nodes if node.op == "call_function"]
        delegated = [node for node in calls if _name(node) == _DELEGATE_CALL]
        parts = [getattr(module, node.args[0].target) for node in delegated]
        return cls(
            backend=", ".join(sorted({part.backend_id for part in parts})) or "none",
            parts=len(parts),
            taken=_counted(node for part in parts for node in part.original_module.graph.nodes),
            left=_counted(node for node in calls if node not in delegated),
        )

    def require_whole(self, name: str) -> None:
        """Refuse a program that XNNPACK does not take whole.

        Raises:
            ExportError: Names the operators left and how many parts they make.
        """
        if self.parts == 1 and not self.left:
            return
        left = ", ".join(f"{count} {operator}" for operator, count in self.left.items()) or "none"
        raise ExportError(
            f"executorch, step {name}: XNNPACK takes {self.parts} parts of the graph, expected 1; operators left: "
            f"{left}. XNNPACK has no kernel for them in this type or shape: choose another head or activation "
            "(docs/targets/executorch.md)"
        )


def require_float_normalisation(module: Any) -> None:
    """The three float operators of the normalisation, and nothing else, stand ahead of the first Quantize.

    Args:
        module: A converted PT2E graph (torch.fx.GraphModule).

    Raises:
        ExportError: The raw input, or a part of the normalisation, is quantised: docs/adr/0003 says why that fails.
    """
    (node,) = (node for node in module.graph.nodes if node.op == "placeholder")
    met: list[str] = []
    while (users := _computing(node.users)) and _name(node) != _QUANTIZE:
        met += [" and ".join(_name(user) for user in users)]
        met += [_name(constant) for constant in users[0].all_input_nodes if _name(constant) == _DEQUANTIZE]
        node = users[0]
    if tuple(met) != (*_NORMALISATION, _QUANTIZE):
        raise ExportError(
            f"executorch, step int8_static: the input runs through {' -> '.join(met[:6]) or 'nothing'}, expected "
            f"{' -> '.join(_NORMALISATION)} in float and then {_QUANTIZE}: pin torchao and executorch as "
            "pyproject.toml does"
        )


def _computing(nodes: Iterable[Any]) -> list[Any]:
    """Without the graph's own guards about its batch."""
    return [node for node in nodes if node.op == "call_function" and _name(node) != "sym_size"]


def _counted(nodes: Iterator[Any]) -> dict[str, int]:
    names = (_name(node) for node in nodes if node.op == "call_function")
    return dict(sorted(Counter(name for name in names if name not in _PASSIVE).items()))


def _name(node: Any) -> str:
    """'convolution' of aten.convolution.default, of ATen's and the edge dialect's operators alike."""
    if node.op != "call_function":
        return str(node.op)
    target = node.target
    name = str(getattr(target, "_name", "") or getattr(target, "__name__", target))
    return name.removeprefix("aten::").split("::")[-1].split(".")[0]
