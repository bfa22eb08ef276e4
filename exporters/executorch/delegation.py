"""What XNNPACK took of a graph, and what was quantised: recorded, and refused where it is not the whole.

Looks at torch.fx graphs by the names of their operators and imports neither torch nor executorch.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import takewhile
from typing import Any, Self

from pydantic import Field

from factory.contracts.base import Contract
from factory.contracts.errors import ExportError

_DELEGATE_CALL = "executorch_call_delegate"
_PASSIVE = ("getitem",)
_QUANTIZE, _UNPACK = "quantize_per_tensor", "dequantize"


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
        delegated = [node for node in calls if operator_name(node) == _DELEGATE_CALL]
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


def require_float_front(module: Any, expected: list[str]) -> None:
    """Exactly the operators of the front stand ahead of the first Quantize, and none of them has quantised operands.

    Args:
        module: A converted PT2E graph (torch.fx.GraphModule); its nodes are in execution order.
        expected: Names of the front's operators in the float graph, in order.

    Raises:
        ExportError: The raw input or a part of the front is quantised: docs/adr/0003 says why that fails.
    """
    calls = [node for node in module.graph.nodes if node.op == "call_function"]
    ahead = list(takewhile(lambda node: operator_name(node) != _QUANTIZE, calls))
    computing = [node for node in ahead if not operator_name(node).startswith(_UNPACK)]
    got = [operator_name(node) for node in computing]
    rounded = [operator_name(node) for node in computing for given in node.all_input_nodes if _is_rounded(given)]
    if got != expected or rounded:
        raise ExportError(
            f"executorch, step int8_static: {len(got)} float operators stand ahead of the first Quantize, expected "
            f"the {len(expected)} of the front ({', '.join(expected[:4])}, ...); {len(rounded)} of them have int8 "
            "operands, none may: pin torchao and executorch as pyproject.toml does"
        )


def _is_rounded(node: Any) -> bool:
    return node.op == "call_function" and operator_name(node).startswith(_UNPACK)


def _counted(nodes: Iterator[Any]) -> dict[str, int]:
    names = (operator_name(node) for node in nodes if node.op == "call_function")
    return dict(sorted(Counter(name for name in names if name not in _PASSIVE).items()))


def operator_name(node: Any) -> str:
    """'convolution' of aten.convolution.default, of ATen's and the edge dialect's operators alike."""
    if node.op != "call_function":
        return str(node.op)
    target = node.target
    name = str(getattr(target, "_name", "") or getattr(target, "__name__", target))
    return name.removeprefix("aten::").split("::")[-1].split(".")[0]
