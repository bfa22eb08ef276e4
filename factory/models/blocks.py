"""What networks over time are made of, authored so that every export takes it whole.

Conv2d of kernel (1, k) on (B, C, 1, T) in channels-last memory: 1.6-2 times as fast to train on a CPU as
Conv1d, and no converter has to insert reshapes. Explicit padding, strides (s, s), a squeeze gate of
relu6(x + 3) / 6: docs/adr/0002-lifted-network.md says which target each of these is for.

Shape legend: B batch, C sensor channels, T time steps.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from factory.contracts.recipe import BackboneRecipe, StageRecipe
from factory.contracts.window import Normalisation

_ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "hardswish": nn.Hardswish}


class Normalise(nn.Module):
    """clip((x - mean) / std), so that the network takes raw SI values; constants, never trained."""

    def __init__(self, constants: Normalisation) -> None:
        super().__init__()
        self.clip = constants.clip
        self.register_buffer("mean", torch.tensor(constants.mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("scale", 1 / torch.tensor(constants.std).view(1, -1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, 1, T) in SI units to (B, C, 1, T) within +-clip."""
        scaled = (x - cast(Tensor, self.mean)) * cast(Tensor, self.scale)
        return F.hardtanh(scaled, -self.clip, self.clip)


class ConvNorm(nn.Module):
    """Convolution over time, batch norm, and an activation unless it is None."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, activation: str | None = None
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, (1, kernel), stride, padding=(0, kernel // 2), groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)
        self.act = nn.Identity() if activation is None else _ACTIVATIONS[activation](inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, 1, T) to (B, outputs, 1, ceil(T / stride))."""
        return cast(Tensor, self.act(self.norm(self.conv(x))))

    @torch.no_grad()
    def take(self, folded: "ConvNorm") -> None:
        """Take over what a folded twin computes: its convolution, its bias, and a batch norm that only adds it."""
        norm = cast(nn.BatchNorm2d, self.norm)
        self.conv.weight.copy_(folded.conv.weight)
        cast(Tensor, norm.running_mean).zero_()
        cast(Tensor, norm.running_var).fill_(1 - norm.eps)
        norm.weight.fill_(1)
        norm.bias.copy_(cast(Tensor, folded.conv.bias))

    def fold(self) -> None:
        """Multiply the batch norm into the convolution, in place; for evaluation only."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv.eval(), self.norm.eval())
            self.norm = nn.Identity()


class SqueezeGate(nn.Module):
    """Squeeze-and-excitation with the gate relu6(x + 3) / 6 (HardSigmoid would split XNNPACK's graph)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(width, hidden, 1)
        self.expand = nn.Conv2d(hidden, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, 1, T) to the same, each channel scaled by its gate in [0, 1]."""
        gate = self.expand(F.relu(self.reduce(F.adaptive_avg_pool2d(x, 1))))
        return x * (F.relu6(gate + 3.0) * (1.0 / 6.0))


class InvertedResidual(nn.Module):
    """MobileNetV3's block over time: expand, depthwise, gate, project, and add where shapes allow."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int, activation: str) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        self.body = nn.Sequential(
            ConvNorm(inputs, hidden, 1, activation=activation),
            ConvNorm(hidden, hidden, kernel, stride, groups=hidden, activation=activation),
            SqueezeGate(hidden, max(8, hidden // 4)),
            ConvNorm(hidden, outputs, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, 1, T) to (B, outputs, 1, ceil(T / stride))."""
        y = cast(Tensor, self.body(x))
        return x + y if self.residual else y


class Convolution(nn.Module):
    """One convolution over time with batch norm and activation; with `residual` its input is added where shapes allow.

    The input is added after the activation: so convolution, norm and activation stay one operator in every runtime.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, activation: str, *, residual: bool = False
    ) -> None:
        super().__init__()
        self.residual = residual and stride == 1 and inputs == outputs
        self.body = ConvNorm(inputs, outputs, kernel, stride, activation=activation)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, 1, T) to (B, outputs, 1, ceil(T / stride))."""
        y = cast(Tensor, self.body(x))
        return x + y if self.residual else y


def build_stage(inputs: int, stage: StageRecipe, backbone: BackboneRecipe) -> nn.Sequential:
    """A row of the backbone's blocks over (B, inputs, 1, T); the first one strides."""
    widths = (inputs, *[stage.width] * (stage.blocks - 1))
    strides = (stage.stride, *[1] * (stage.blocks - 1))
    return nn.Sequential(
        *(_block(width, stride, stage, backbone) for width, stride in zip(widths, strides, strict=True))
    )


def _block(inputs: int, stride: int, stage: StageRecipe, backbone: BackboneRecipe) -> nn.Module:
    if backbone.block == "inverted_residual":
        assert stage.expansion is not None, "the recipe sees to it"
        return InvertedResidual(inputs, stage.width, stage.expansion, stage.kernel, stride, backbone.activation)
    residual = backbone.block == "residual"
    return Convolution(inputs, stage.width, stage.kernel, stride, backbone.activation, residual=residual)
