"""A MobileNet over time, authored so that every export takes it whole.

Conv2d of kernel (1, k) on (B, C, 1, T) in channels-last memory: 1.6-2 times as fast to train on a CPU as
Conv1d, and no converter has to insert reshapes. Explicit padding, strides (s, s), a squeeze gate of
relu6(x + 3) / 6: docs/adr/0002-lifted-network.md says which target each of these is for.

Shape legend: B batch, C sensor channels, T time steps, D feature width, K classes.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from factory.contracts.network import NetworkSpec
from factory.contracts.recipe import STEM_STRIDE, BackboneRecipe
from factory.contracts.window import Normalisation
from factory.models.heads import FoldableHead, build_head

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


class Network(nn.Module):
    """Normalisation, stem, stages, pooled features and a head.

    Attributes:
        spec: What it was built from.
        stage_widths: Channels after each stage, for distillation adapters.
    """

    def __init__(self, spec: NetworkSpec, head: nn.Module) -> None:
        super().__init__()
        self.spec = spec
        backbone: BackboneRecipe = spec.backbone
        self.normalise = Normalise(spec.normalisation)
        self.stem = ConvNorm(spec.channels, backbone.stem, 5, stride=STEM_STRIDE, activation=backbone.activation)
        self.stages = nn.ModuleList()
        width = backbone.stem
        for stage in backbone.stages:
            blocks = []
            for index in range(stage.blocks):
                stride = stage.stride if index == 0 else 1
                blocks.append(
                    InvertedResidual(width, stage.width, stage.expansion, stage.kernel, stride, backbone.activation)
                )
                width = stage.width
            self.stages.append(nn.Sequential(*blocks))
        self.last = ConvNorm(width, backbone.features, 1, activation=backbone.activation)
        self.dropout = nn.Dropout(backbone.dropout)
        self.head = head
        self.stage_widths = tuple(stage.width for stage in backbone.stages)

    def backbone(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Pooled features (B, D) and the output of each stage (B, C_s, 1, L_s) of windows (B, C, 1, T)."""
        x = self.stem(self.normalise(x))
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        features = F.adaptive_avg_pool2d(self.last(x), 1).flatten(1)
        return features, outputs

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, K) of windows (B, C, 1, T) in SI units."""
        features, _ = self.backbone(x)
        return cast(Tensor, self.head(self.dropout(features)))


def build_network(spec: NetworkSpec) -> Network:
    """A freshly initialised network in channels-last memory."""
    head = build_head(spec.head, spec.backbone.features, spec.classes, spec.patterns)
    return Network(spec, head).to(memory_format=torch.channels_last)


def fold(network: Network) -> Network:
    """An inference copy: batch norms in their convolutions, head constants multiplied out, no dropout.

    Returns:
        A new network in eval mode whose logits equal the original's up to float rounding.
    """
    folded = build_network(network.spec)
    folded.load_state_dict(network.state_dict())
    folded.eval()
    for module in folded.modules():
        if isinstance(module, ConvNorm):
            module.fold()
    folded.dropout = nn.Dropout(0.0)
    if isinstance(folded.head, FoldableHead):
        folded.head = folded.head.folded()
    return folded.eval()


@torch.no_grad()
def unfold(folded: Network, network: Network) -> None:
    """Give `network` the function of a folded copy that was trained on; its head's own form stays as it was.

    Args:
        folded: From `fold(network)`; a head that folds into another form must not have been trained.
        network: Changed in place.
    """
    theirs = dict(folded.named_modules())
    for name, module in network.named_modules():
        if isinstance(module, ConvNorm):
            module.take(cast(ConvNorm, theirs[name]))
        elif isinstance(module, SqueezeGate):
            module.load_state_dict(theirs[name].state_dict())
    if not isinstance(network.head, FoldableHead):
        network.head.load_state_dict(folded.head.state_dict())
