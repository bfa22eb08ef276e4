"""DeepConvLSTM: convolutions a channel, then LSTMs over time.

Ordóñez, Roggen: "Deep Convolutional and LSTM Recurrent Neural Networks for Multimodal Wearable Activity Recognition",
Sensors 16(1), 115 (2016), section on DeepConvLSTM: four convolutions of 64 filters and kernel 5 without padding, two
LSTMs of 128 units, the last step classified. By default it is the cheaper form that the authors of TinyHAR and
TinierHAR compare themselves with: the second and fourth convolution stride by 2, one LSTM; 326732 parameters for 6
channels and 12 classes. `PAPER` gives the original's.

Shape legend: B batch, C sensor channels, T time steps, L steps after the convolutions, F filters, K classes.
"""

from typing import Any, cast

from torch import Tensor, nn

_KERNEL = 5
PAPER: dict[str, Any] = {"strides": (1, 1, 1, 1), "layers": 2}


class DeepConvLSTM(nn.Module):
    """The whole network; convolutions are shared by the sensor channels until the LSTM joins them."""

    def __init__(
        self,
        channels: int,
        window: int,
        classes: int,
        *,
        filters: int = 64,
        units: int = 128,
        strides: tuple[int, ...] = (1, 2, 1, 2),
        layers: int = 1,
    ) -> None:
        super().__init__()
        convolutions: list[nn.Module] = []
        for index, stride in enumerate(strides):
            convolutions += [nn.Conv2d(filters if index else 1, filters, (1, _KERNEL), (1, stride)), nn.ReLU()]
        self.convolutions = nn.Sequential(*convolutions)
        self.dropout = nn.Dropout(0.5)
        self.lstm = nn.LSTM(filters * channels, units, layers, batch_first=True)
        self.classifier = nn.Linear(units, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, K) of normalised windows (B, C, 1, T)."""
        x = self.convolutions(x.transpose(1, 2))  # (B, 1, C, T) to (B, F, C, L)
        sequence = x.permute(0, 3, 1, 2).flatten(2)  # (B, L, F C)
        outputs, _ = self.lstm(self.dropout(sequence))
        return cast(Tensor, self.classifier(outputs[:, -1]))
