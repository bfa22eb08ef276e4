"""Teacher and student: normalisation, stem, stages of blocks, pooled features and a head.

Shape legend: B batch, C sensor channels, T time steps, D feature width, K classes.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from factory.contracts.network import NetworkSpec
from factory.contracts.recipe import BackboneRecipe
from factory.models.blocks import ConvNorm, Normalise, SqueezeGate, build_stage
from factory.models.heads import FoldableHead, build_head


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
        self.stem = ConvNorm(
            spec.channels, backbone.stem, backbone.stem_kernel, backbone.stem_stride, activation=backbone.activation
        )
        self.stages = nn.ModuleList()
        width = backbone.stem
        for stage in backbone.stages:
            self.stages.append(build_stage(width, stage, backbone))
            width = stage.width
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
