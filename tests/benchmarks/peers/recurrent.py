"""Recurrent layers step by step, for converters that take none: the same function of the same parameters.

ONNX Runtime has operators for LSTM and GRU. onnx2tf refuses them, and ExecuTorch writes them out by itself. Input
products of all steps are one matrix product, as a kernel would do it; each step then is one product of the state.

Shape legend: B batch, T time steps, D input width, H hidden width, G gates (4 or 3).
"""

import copy
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

_Weights = tuple[Tensor, Tensor, Tensor, Tensor]


class Unrolled(nn.Module):
    """An LSTM or a GRU of any number of layers and directions, one operator after the other."""

    def __init__(self, layer: nn.LSTM | nn.GRU) -> None:
        super().__init__()
        assert layer.batch_first, "no peer has it otherwise"
        assert layer.bias, "no peer is without"
        self.layer = layer
        self._step: Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]] = (
            _lstm_step if isinstance(layer, nn.LSTM) else _gru_step
        )

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """(B, T, D) to the outputs of all steps (B, T, H * directions); the last state is not given."""
        for index in range(self.layer.num_layers):
            outputs = [self._direction(x, f"l{index}", backwards=False)]
            if self.layer.bidirectional:
                outputs.append(self._direction(x, f"l{index}_reverse", backwards=True))
            x = torch.cat(outputs, dim=2) if len(outputs) > 1 else outputs[0]
        return x, None

    def _direction(self, x: Tensor, name: str, *, backwards: bool) -> Tensor:
        """(B, T, D) to (B, T, H); matrices in between, since onnx2tf takes a tensor of three axes for a signal."""
        weights = (getattr(self.layer, f"{kind}_{name}") for kind in ("weight_ih", "bias_ih", "weight_hh", "bias_hh"))
        of_input, input_bias, of_state, state_bias = cast(_Weights, tuple(weights))
        count, steps, width = (int(size) for size in x.shape)  # constants of an exported graph
        rows = x.reshape(steps, width) if count == 1 else x.transpose(0, 1).reshape(steps * count, width)
        ahead = F.linear(rows, of_input, input_bias)
        hidden = memory = x.new_zeros(count, self.layer.hidden_size)
        outputs: list[Tensor] = []
        for time in reversed(range(steps)) if backwards else range(steps):
            state = F.linear(hidden, of_state, state_bias)
            hidden, memory = self._step(ahead[time * count : (time + 1) * count], state, hidden, memory)
            outputs.append(hidden)
        joined = torch.cat(outputs[::-1] if backwards else outputs)
        return joined.view(steps, count, -1).transpose(0, 1) if count > 1 else joined.unsqueeze(0)


def _lstm_step(ahead: Tensor, state: Tensor, hidden: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """New state and memory (B, H) from the products of input and state (B, 4 H): input, forget, cell, output."""
    admit, keep, cell, show = torch.chunk(ahead + state, 4, dim=1)
    memory = torch.sigmoid(keep) * memory + torch.sigmoid(admit) * torch.tanh(cell)
    return torch.sigmoid(show) * torch.tanh(memory), memory


def _gru_step(ahead: Tensor, state: Tensor, hidden: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """New state (B, H) from the products of input and state (B, 3 H): reset, update, new; no memory."""
    width = hidden.shape[1]
    reset, update = torch.chunk(torch.sigmoid(ahead[:, : 2 * width] + state[:, : 2 * width]), 2, dim=1)
    new = torch.tanh(ahead[:, 2 * width :] + reset * state[:, 2 * width :])
    return new + update * (hidden - new), memory


def unroll(network: nn.Module) -> nn.Module:
    """A copy of a network in which every LSTM and GRU is `Unrolled`, in evaluation mode."""
    twin = copy.deepcopy(network)
    for parent in list(twin.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.LSTM | nn.GRU) and not isinstance(parent, Unrolled):
                setattr(parent, name, Unrolled(child))
    return twin.eval()


def macs(network: nn.Module, channels: int, window: int) -> int:
    """Multiply-accumulates of one window (1, C, 1, T): convolutions and matrix products, recurrent ones included."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        unroll(network)(torch.zeros(1, channels, 1, window))
    return counter.get_total_flops() // 2
