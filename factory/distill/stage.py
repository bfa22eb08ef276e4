"""Stage distillation: the direction in which intermediate features are learnt [paper idea; weighting ours].

Shape legend: B batch, C channels of the teacher's stage, L time steps of the teacher's stage.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def dct_matrix(length: int) -> Tensor:
    """Orthonormal DCT-II, (L, L): rows are frequencies, `D @ D.T` is the identity."""
    time = torch.arange(length, dtype=torch.float64) + 0.5
    frequency = torch.arange(length, dtype=torch.float64)[:, None]
    matrix = torch.cos(math.pi / length * frequency * time) * math.sqrt(2 / length)
    matrix[0] /= math.sqrt(2)
    return matrix.float()


def spectral_energy(hint: Tensor, dct: Tensor) -> Tensor:
    """Mean energy (C, L) of each channel and frequency of a hint (B, C, L)."""
    return (hint @ dct.T).square().mean(dim=0)


def frequency_weights(energy: Tensor, emphasis: float) -> Tensor:
    """a_{c,w} = (1 - gamma) + gamma C L E_{c,w} / sum E; mean one, detached.

    Args:
        energy: (C, L), not negative.
        emphasis: gamma in [0, 1]; 0 gives ones.
    """
    share = energy * energy.numel() / energy.sum().clamp_min(1e-12)
    return ((1 - emphasis) + emphasis * share).detach()


def stage_loss(
    student: Sequence[Tensor], hints: Sequence[Tensor], weights: Sequence[Tensor], dct: Sequence[Tensor]
) -> Tensor:
    """Frequency-weighted error between student stages and teacher hints; docs/method.md#stage.

    Args:
        student: Per stage, (B, C, L) float32, already mapped to the teacher's shape.
        hints: Same length and shapes, detached.
        weights: Per stage, (C, L) from `frequency_weights`; ones give the plain mean squared error (Parseval).
        dct: Per stage, (L, L) from `dct_matrix`.

    Returns:
        Scalar, mean over stages.

    Raises:
        ValueError: If a stage's shapes differ; names the stage.
    """
    losses = []
    for index, (ours, theirs, weight, basis) in enumerate(zip(student, hints, weights, dct, strict=True)):
        if ours.shape != theirs.shape:
            raise ValueError(f"stage {index}: student {tuple(ours.shape)}, teacher {tuple(theirs.shape)}: map it first")
        losses.append((weight * ((ours - theirs) @ basis.T).square()).mean())
    return torch.stack(losses).mean()


class StageAdapter(nn.Module):
    """r_s: the student's stage mapped to the teacher's shape; training only, never exported."""

    def __init__(self, inputs: int, outputs: int, length: int) -> None:
        super().__init__()
        self.map = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        self.length = length

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, 1, L_student) to (B, outputs, L)."""
        if x.shape[-1] != self.length:
            x = F.adaptive_avg_pool2d(x, (1, self.length))
        return self.map(x).squeeze(2)  # type: ignore[no-any-return]


class StageDistiller(nn.Module):
    """Adapters and running spectra of all stages.

    Hints are divided by their running root mean square, so that one weight serves every stage and teacher [ours].
    """

    def __init__(
        self, student_widths: Sequence[int], hint_shapes: Sequence[tuple[int, int]], emphasis: float, decay: float = 0.9
    ) -> None:
        super().__init__()
        self.emphasis = emphasis
        self.decay = decay
        self.adapters = nn.ModuleList(
            StageAdapter(width, *shape) for width, shape in zip(student_widths, hint_shapes, strict=True)
        )
        for index, (width, length) in enumerate(hint_shapes):
            self.register_buffer(f"dct{index}", dct_matrix(length), persistent=False)
            self.register_buffer(f"energy{index}", torch.zeros(width, length))

    def forward(self, student: Sequence[Tensor], hints: Sequence[Tensor]) -> Tensor:
        """Scalar loss of student stages (B, C_s, 1, L_s) against teacher stages (B, C, 1, L).

        The running spectra move in training mode alone.
        """
        mapped, scaled, weights, bases = [], [], [], []
        for index, (adapter, ours, hint) in enumerate(zip(self.adapters, student, hints, strict=True)):
            basis, running = self.get_buffer(f"dct{index}"), self.get_buffer(f"energy{index}")
            theirs = hint.detach().squeeze(2)
            energy = spectral_energy(theirs, basis)
            spectrum = running if running.any() else energy
            if self.training:
                spectrum = torch.lerp(energy, spectrum, self.decay)
                running.copy_(spectrum)
            mapped.append(adapter(ours))
            scaled.append(theirs / spectrum.mean().sqrt().clamp_min(1e-6))
            weights.append(frequency_weights(spectrum, self.emphasis))
            bases.append(basis)
        return stage_loss(mapped, scaled, weights, bases)
