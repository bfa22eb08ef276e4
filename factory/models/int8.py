"""A network's int8 arithmetic imitated in float, so that it can be trained to bear it.

What is imitated is what the exporters do: weights symmetric, one scale an output channel; activations asymmetric, one
scale a tensor; the front (normalisation, stem and first stage) and heads with a softmax or a root in float
(docs/adr/0003). Rounding lets gradients through unchanged (straight-through estimator, arXiv:1712.05877).
"""

import operator
from functools import partial

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from factory.contracts.front import first_in_int8
from factory.models.network import Network

_LEAST_SCALE = 1e-8
_MOMENTUM = 0.05
_WEIGHTED = (nn.Conv2d, nn.Linear)
_RECTIFIERS = (nn.ReLU, F.relu, F.relu6)
_ROUNDED = (*_WEIGHTED, *_RECTIFIERS, F.hardtanh, F.adaptive_avg_pool2d, operator.add, operator.mul)
_FLOAT_HEADS = ("hopfield", "cosine")


class RoundedWeight(nn.Module):
    """A weight rounded to int8, one symmetric scale an output channel."""

    def forward(self, weight: Tensor) -> Tensor:
        """(out, ...) to the same."""
        scale = weight.detach().abs().flatten(1).amax(dim=1).clamp_min(_LEAST_SCALE) / 127
        zero = torch.zeros(len(scale), dtype=torch.int32, device=weight.device)
        return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -127, 127)


class RoundedActivation(nn.Module):
    """A tensor rounded to int8 on one scale; in training it follows the extremes of the batches."""

    low: Tensor
    high: Tensor
    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))
        self.register_buffer("seen", torch.zeros((), dtype=torch.bool))

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        if self.training:
            self._observe(x.detach())
        scale = ((self.high - self.low) / 255).clamp_min(_LEAST_SCALE)
        zero = (-128 - torch.round(self.low / scale)).clamp(-128, 127).to(torch.int32)
        return torch.fake_quantize_per_tensor_affine(x, scale, zero, -128, 127)

    @torch.no_grad()
    def _observe(self, x: Tensor) -> None:
        low, high = torch.aminmax(x)
        share = torch.where(self.seen, _MOMENTUM, 1.0)
        self.low += share * (low.clamp_max(0) - self.low)  # zero must be a step of the scale: padding is zero
        self.high += share * (high.clamp_min(0) - self.high)
        self.seen.fill_(True)


def imitate_int8(network: Network, begins: str = "") -> fx.GraphModule:
    """The network as its int8_static export computes: (B, C, 1, T) -> (B, K).

    Args:
        network: Folded. Parameters are shared with it, and its weights are rounded whenever they are read,
            until `release_weights`.
        begins: Name of the first module in int8; what follows the first stage unless said otherwise.
    """
    begins = begins or first_in_int8(name for name, _ in network.named_modules()) or ""
    assert begins, "a Network has a last convolution"
    traced = fx.symbolic_trace(network)
    modules = dict(traced.named_modules())
    _skip_passing(traced, modules)
    for index, node in enumerate(_in_int8(traced, modules, network, begins)):
        module = modules.get(str(node.target))
        if index and isinstance(module, _WEIGHTED):
            parametrize.register_parametrization(module, "weight", RoundedWeight())
        if any(_operation(user, modules) in _RECTIFIERS for user in node.users):
            continue  # one fused operator: what leaves it is rounded
        traced.add_submodule(f"rounded_{index}", RoundedActivation())
        with traced.graph.inserting_after(node):
            rounded = traced.graph.call_module(f"rounded_{index}", (node,))
        node.replace_all_uses_with(rounded, delete_user_cb=partial(operator.is_not, rounded))
    traced.recompile()
    return traced


def release_weights(network: nn.Module) -> None:
    """Give every weight back its unrounded value."""
    for module in network.modules():
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)


def _skip_passing(traced: fx.GraphModule, modules: dict[str, nn.Module]) -> None:
    """Remove what only passes a tensor on in a folded network."""
    for node in list(traced.graph.nodes):
        if _operation(node, modules) in (nn.Identity, nn.Dropout):
            node.replace_all_uses_with(node.all_input_nodes[0])
            traced.graph.erase_node(node)


def _in_int8(traced: fx.GraphModule, modules: dict[str, nn.Module], network: Network, begins: str) -> list[fx.Node]:
    """Nodes whose results are int8 in the export; the first is the float front's result."""
    nodes = list(traced.graph.nodes)
    first = next(node for node in nodes if str(node.target).startswith(f"{begins}.")).all_input_nodes[0]
    pooled = [index for index, node in enumerate(nodes) if node.target == "flatten"][-1]
    last = pooled if network.spec.head in _FLOAT_HEADS else len(nodes)
    return [node for node in nodes[nodes.index(first) : last] if _operation(node, modules) in _ROUNDED]


def _operation(node: fx.Node, modules: dict[str, nn.Module]) -> object:
    return type(modules[str(node.target)]) if node.op == "call_module" else node.target
