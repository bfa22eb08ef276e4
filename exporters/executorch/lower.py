"""A network to an ExecuTorch program: exported, quantised where asked, given to XNNPACK whole.

Needs executorch.exir and torchao, which cost ten seconds to import: used by `exporters.executorch.worker` alone.

Shape legend: N windows, B batch, C channels, T time steps, K classes.
"""

from importlib.metadata import version
from typing import Any

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    XNNPACKQuantizer,
    get_symmetric_quantization_config,
)
from executorch.exir import ExecutorchBackendConfig, to_edge_transform_and_lower
from torch import Tensor, nn
from torch.export import Dim
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

from exporters.executorch.delegation import Delegation, operator_name, require_float_front
from exporters.executorch.runner import CONTRACT_METHOD, VERSION_METHOD
from factory.contracts.front import float_front

_BATCH = 64
_ALIGNMENT = 16
"""Bytes; what XNNPACK's constants need (executorch/backends/xnnpack/serialization). Each is a segment of its own, which
ExecuTorch would begin at a multiple of 128."""
_FLOAT_ONLY = (torch.ops.aten.softmax.int, torch.ops.aten.sqrt.default, torch.ops.aten.div.Tensor)
"""Operators of a head that XNNPACK takes in float alone; such a head is left in float."""


def plain_layout(network: nn.Module) -> nn.Module:
    """The network with every constant in the default memory order, in place.

    Training keeps channels-last strides, which XNNPACK's passes refuse; `Tensor.contiguous` would return kernels
    of height 1 unchanged, because both orders describe them.
    """
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.data = tensor.detach().clone(memory_format=torch.contiguous_format)
    return network


def capture(network: nn.Module, window: Tensor) -> GraphModule:
    """The network as a graph of ATen operators, any batch, in terms that XNNPACK takes.

    Args:
        network: (B, C, 1, T) to (B, K), in evaluation mode.
        window: (2 or more, C, 1, T).
    """
    program = torch.export.export(network, (window,), dynamic_shapes=({0: Dim.DYNAMIC},))
    return _sums_as_products(program.module())


def quantise(graph: GraphModule, calibration: Tensor) -> GraphModule:
    """int8 weights a channel and activations a tensor by post-training calibration; the front stays float.

    A head with a softmax or a root stays float as well: XNNPACK takes those in float alone.

    Args:
        graph: From `capture`.
        calibration: (N, C, 1, T) windows of training subjects, SI units.

    Raises:
        ExportError: The quantiser touched the front.
    """
    modules = float_front(name for node in graph.graph.nodes for name in _modules(node))
    front = [node for node in graph.graph.nodes if _part_of(node, modules)]
    expected = [operator_name(node) for node in front if node.op == "call_function"]
    in_float = (*modules, "head") if _has_float_head(graph) else modules
    quantiser = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    quantiser.set_filter_function(lambda node: not _part_of(node, in_float))
    prepared = prepare_pt2e(graph, quantiser)
    with torch.no_grad():
        for batch in torch.split(calibration, _BATCH):
            prepared(batch)
    converted: GraphModule = convert_pt2e(prepared)
    require_float_front(converted, expected)
    return converted


def lower(graph: GraphModule, window: Tensor, methods: dict[str, str]) -> tuple[bytes, Delegation]:
    """The .pte of a graph and what XNNPACK took of it.

    Args:
        graph: From `capture` or `quantise`.
        window: (1, C, 1, T), the only batch that the file runs.
        methods: Texts that the file answers with, by name of the method.
    """
    program = torch.export.export(graph, (window,))
    edge = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()], constant_methods=methods)
    record = Delegation.of(edge.exported_program().graph_module)
    return bytes(edge.to_executorch(ExecutorchBackendConfig(segment_alignment=_ALIGNMENT)).buffer), record


def describing_methods(contract: str) -> dict[str, str]:
    """What a file says of itself, as methods without inputs: the exporter's version and the sensor contract."""
    return {VERSION_METHOD: version("executorch").partition("+")[0], CONTRACT_METHOD: contract}


def _sums_as_products(graph: GraphModule) -> GraphModule:
    """Sums over features (B, D) as products with ones: XNNPACK takes a matrix product, and no sum of a matrix."""
    for node in graph.graph.find_nodes(op="call_function", target=torch.ops.aten.sum.dim_IntList):
        (values, axes, *_), shape = node.args, node.args[0].meta["val"].shape
        if len(shape) != 2 or list(axes) != [1] or node.meta["val"].ndim != 2:
            continue
        name = f"ones_{node.name}"
        graph.register_buffer(name, torch.ones(1, int(shape[1])))
        with graph.graph.inserting_before(node):
            product = graph.graph.call_function(torch.ops.aten.linear.default, (values, graph.graph.get_attr(name)))
        product.meta = dict(node.meta)
        node.replace_all_uses_with(product)
        graph.graph.erase_node(node)
    graph.recompile()
    return graph


def _has_float_head(graph: GraphModule) -> bool:
    return any(node.target in _FLOAT_ONLY for node in graph.graph.nodes if _part_of(node, ("head",)))


def _part_of(node: Node, modules: tuple[str, ...]) -> bool:
    """Whether a node came from one of these modules of the network, or from inside one."""
    name = (_modules(node) or [""])[-1]
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def _modules(node: Node) -> list[str]:
    """Names of the network's modules that a node came from, outermost first."""
    stack: dict[str, tuple[str, Any]] = node.meta.get("nn_module_stack") or {}
    return [name for name, _ in stack.values()]
