"""What a network costs: parameters, multiply-accumulates and peak activation memory of one window.

Counted on the folded network, operator by operator, so the figures are those of the exported graph.
"""

import math

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from factory.contracts.manifest import NetworkCost
from factory.models.ensemble import Ensemble
from factory.models.network import Network, fold

_FLOAT_BYTES = 4
_VIEWS = ("flatten", "reshape", "view")


def network_cost(network: Network) -> NetworkCost:
    """Cost of the folded network for one window (1, C, 1, T)."""
    folded = fold(network)
    graph = shaped(folded)
    return NetworkCost(
        parameters=sum(p.numel() for p in folded.parameters()),
        macs=sum(_macs(graph, node) for node in graph.graph.nodes),
        peak_activation_bytes=_peak_bytes(graph),
    )


def shaped(folded: Network) -> fx.GraphModule:
    """The operators of a folded network, each with the shape that it gives for one window."""
    graph = fx.symbolic_trace(folded)
    ShapeProp(graph).propagate(torch.zeros(1, folded.spec.channels, 1, folded.spec.window))
    return graph


def size_of(node: fx.Node) -> int:
    """Values of a node's result; 0 for what is no tensor."""
    meta = node.meta.get("tensor_meta")
    return math.prod(meta.shape) if meta is not None and hasattr(meta, "shape") else 0


def ensemble_cost(ensemble: Ensemble) -> NetworkCost:
    """Cost of a teacher whose members run one after the other: sums, and the peak of one."""
    one = network_cost(ensemble.first)
    count = len(ensemble.members)
    return one.model_copy(update={"parameters": count * one.parameters, "macs": count * one.macs})


def _macs(graph: fx.GraphModule, node: fx.Node) -> int:
    if node.op == "call_function" and node.target is torch.nn.functional.linear:
        return size_of(node) * node.args[0].meta["tensor_meta"].shape[-1]  # type: ignore[union-attr, no-any-return]
    if node.op != "call_module":
        return 0
    module = graph.get_submodule(str(node.target))
    if isinstance(module, nn.Conv2d):
        return size_of(node) * module.in_channels // module.groups * math.prod(module.kernel_size)
    if isinstance(module, nn.Linear):
        return size_of(node) * module.in_features
    return 0


def _peak_bytes(graph: fx.GraphModule) -> int:
    """Largest sum of live tensors; a view, an identity and an activation in place share their input's memory."""
    nodes = [node for node in graph.graph.nodes if node.op not in ("get_attr", "output")]
    position = {node: index for index, node in enumerate(graph.graph.nodes)}
    owner: dict[fx.Node, fx.Node] = {}
    last_use: dict[fx.Node, int] = {}
    for node in nodes:
        owner[node] = owner[node.all_input_nodes[0]] if _shares_memory(graph, node) else node
        until = max((position[user] for user in node.users), default=position[node])
        last_use[owner[node]] = max(last_use.get(owner[node], 0), until)
    return _FLOAT_BYTES * max(
        sum(size_of(tensor) for tensor, until in last_use.items() if position[tensor] <= position[node] <= until)
        for node in nodes
    )


def _shares_memory(graph: fx.GraphModule, node: fx.Node) -> bool:
    if node.op == "call_method":
        return node.target in _VIEWS
    if node.op != "call_module":
        return False
    module = graph.get_submodule(str(node.target))
    return isinstance(module, nn.Identity | nn.Dropout) or getattr(module, "inplace", False)
