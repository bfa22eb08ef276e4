"""CNN-HAR: three convolutions a channel with pooling, joined by one layer over all channels.

Yang, Nguyen, San, Li, Krishnaswamy: "Deep Convolutional Neural Networks on Multichannel Time Series for Human Activity
Recognition", IJCAI 2015, section 3.2 and figure 1: 50, 40 and 20 maps of kernels 5, 5 and 3, pooled by 2, by 3 and to
one step, 400 units that see all channels. The paper's windows have 30 steps, of which the last convolution leaves one;
of longer windows the largest of what it leaves is taken, a channel and map. Batch norm stands where the paper has its
normalisation layers, which no runtime has. 63746 parameters for 6 channels and 6 classes.

Shape legend: B batch, C sensor channels, T time steps, L steps after the convolutions, K classes.
"""

from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

_MAPS, _KERNELS, _POOLS = (50, 40, 20), (5, 5, 3), (2, 3, 1)
_UNITS = 400


class CnnHAR(nn.Module):
    """The whole network; convolutions are shared by the sensor channels until the last layer but one joins them."""

    def __init__(self, channels: int, window: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs, steps = 1, window
        for maps, kernel, pool in zip(_MAPS, _KERNELS, _POOLS, strict=True):
            layers += [nn.Conv2d(inputs, maps, (1, kernel)), nn.ReLU()]
            steps = (steps - kernel + 1) // pool
            layers += [nn.MaxPool2d((1, pool)), nn.BatchNorm2d(maps)] if pool > 1 else [nn.MaxPool2d((1, steps))]
            inputs = maps
        self.convolutions = nn.Sequential(*layers)
        self.unify = nn.Linear(_MAPS[-1] * channels, _UNITS)
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Linear(_UNITS, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, K) of normalised windows (B, C, 1, T)."""
        x = self.convolutions(x.transpose(1, 2))  # (B, 1, C, T) to (B, 20, C, 1)
        return cast(Tensor, self.classifier(self.dropout(F.relu(self.unify(x.flatten(1))))))
