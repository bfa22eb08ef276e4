"""Training by several processes that share each batch out: `--devices`.

Every process makes the whole training, from the same seeds: the same windows, augmentation, mixtures and dropout. A
backbone sees its process's rows of a batch alone, its batch norms the statistics of all rows; pooled features, and
stages where a loss looks at them, are then put together. So heads and losses see the whole batch, whatever the method,
and a step is that of one process up to rounding. What is not a backbone, such as the last epochs in int8 arithmetic,
is computed by every process alike.

All of it lies over a training that knows nothing of it, and comes off again: a training by one process is what it was.
Processes talk by gloo, on GPUs too: it says at once that another one died, where NCCL waits, and a step of such small
networks moves a few hundred kB.

Shape legend: B batch, b rows of this process, C channels, L time steps of a stage, D feature width.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode

from factory.models import Network

PATIENCE_S = 600
"""Without an answer of another process: then it is taken for lost."""
_LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"
_Backbone = Callable[[Network, Tensor], tuple[Tensor, list[Tensor]]]


class LostError(Exception):
    """Another process of the training died, or does not answer."""


def connect(rank: int, count: int, meeting: Path) -> None:
    """Meet the other processes of this machine.

    Args:
        rank: Of this process, from 0.
        count: Of processes.
        meeting: A file that is not there yet, the same for all.

    Raises:
        LostError: They did not come.
    """
    os.environ.setdefault("GLOO_SOCKET_IFNAME", _LOOPBACK)
    patience = timedelta(seconds=PATIENCE_S)
    try:
        dist.init_process_group("gloo", meeting.as_uri(), rank=rank, world_size=count, timeout=patience)
    except RuntimeError as error:
        raise LostError(str(error)) from error


@contextmanager
def shared_out(rank: int, count: int, join: Callable[[], None]) -> Iterator[None]:
    """Trainings of this thread, within the block, share their batches with other processes.

    Args:
        rank: Of this process, from 0.
        count: Of processes, each of which trains the same in the same order.
        join: Called once, when there is the first batch to share; ends with `connect`.

    Raises:
        LostError: Another process died or does not answer.
    """
    member, whole = _Member(rank, count, join), Network.backbone

    def backbone(network: Network, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        return member.backbone(whole, network, x)

    hook = register_optimizer_step_pre_hook(member.sum_gradients)
    Network.backbone = backbone  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        Network.backbone = whole  # type: ignore[method-assign]
        hook.remove()
        if dist.is_initialized():
            dist.destroy_process_group()


class _Member:
    """This process among those of a training."""

    def __init__(self, rank: int, count: int, join: Callable[[], None]) -> None:
        self._rank, self._count, self._join = rank, count, join
        self._joined = False
        self._thread = threading.get_ident()
        self._shared: dict[int, nn.Parameter] = {}

    def backbone(self, whole: _Backbone, network: Network, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """As `Network.backbone`, of (B, C, 1, T), by all processes."""
        # Other threads' networks are their own; a network that is traced is shown no tensor.
        if threading.get_ident() != self._thread or not isinstance(x, Tensor) or len(x) < self._count:
            return whole(network, x)
        if not self._joined:
            self._join()
            self._joined = True
        if network.training and torch.is_grad_enabled():
            own = (weight for name, weight in network.named_parameters() if not name.startswith("head."))
            self._shared |= {id(weight): weight for weight in own}
        rows = slice(len(x) * self._rank // self._count, len(x) * (self._rank + 1) // self._count)
        with _NormsOverAllRows():
            features, stages = whole(network, x[rows])
        (features,) = _Gathered([features], rows, len(x))
        return features, cast(list[Tensor], _Gathered(stages, rows, len(x)))

    def sum_gradients(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Before a step: backbones have the gradient of their rows alone, all else that of the whole batch."""
        weights = [w for group in optimizer.param_groups for w in group["params"] if w.grad is not None]
        if threading.get_ident() != self._thread or not any(id(weight) in self._shared for weight in weights):
            return
        parts = [w.grad if id(w) in self._shared else w.grad / self._count for w in weights]
        flat = torch.cat([part.flatten() for part in parts])
        _add_up(flat)
        for weight, summed in zip(weights, torch.split(flat, [weight.numel() for weight in weights]), strict=True):
            weight.grad.copy_(summed.view(weight.shape))


class _Gathered(Sequence[Tensor]):
    """Tensors (b, ...) of this process as those (B, ...) of all, each put together when it is first looked at."""

    def __init__(self, own: Sequence[Tensor], rows: slice, count: int) -> None:
        self._own, self._rows, self._count = own, rows, count
        self._whole: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self._own)

    def __getitem__(self, index: Any) -> Any:
        place = range(len(self))[index]
        if place not in self._whole:
            self._whole[place] = _Gather.apply(self._own[place], self._rows, self._count)
        return self._whole[place]


class _NormsOverAllRows(TorchFunctionMode):
    """Batch norms in training mode take mean and variance over the rows of all processes."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is F.batch_norm:
            return _batch_norm(*args, **(kwargs or {}))
        return function(*args, **(kwargs or {}))


def _batch_norm(
    x: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    weight: Tensor,
    bias: Tensor,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`torch.nn.functional.batch_norm` of (b, C, 1, L), over the rows of all processes in training mode."""
    if not training:
        return F.batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    var, mean = torch.var_mean(x, dim=(0, *range(2, x.ndim)), correction=0)
    values = x.numel() / x.shape[1]
    moments = values * torch.stack([mean.double(), var.double() + mean.double() ** 2])
    sums = _Sum.apply(torch.cat([moments.flatten(), moments.new_tensor([values])]))
    mean, square = (sums[:-1] / sums[-1]).view(2, -1)
    var = square - mean**2
    with torch.no_grad():
        running_mean.lerp_(mean.to(x.dtype), momentum)
        running_var.lerp_((var * sums[-1] / (sums[-1] - 1)).to(x.dtype), momentum)
    scale = weight * torch.rsqrt(var + eps)
    shift = bias - mean * scale
    shape = (1, -1, *[1] * (x.ndim - 2))
    return torch.addcmul(shift.to(x.dtype).view(shape), x, scale.to(x.dtype).view(shape))


class _Sum(torch.autograd.Function):
    """The sum over processes of a tensor of any shape; what each makes of it comes back to all."""

    @staticmethod
    def forward(context: FunctionCtx, x: Tensor) -> Tensor:
        return _add_up(x.clone())

    @staticmethod
    def backward(context: FunctionCtx, gradient: Tensor) -> Tensor:
        return _add_up(gradient.clone())


class _Gather(torch.autograd.Function):
    """(B, ...) of the (b, ...) of all processes. All make the same of it, so each keeps the gradient of its rows."""

    @staticmethod
    def forward(context: Any, own: Tensor, rows: slice, count: int) -> Tensor:
        context.rows = rows
        whole = own.new_zeros((count, *own.shape[1:]))
        whole[rows] = own
        return _add_up(whole)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient[context.rows], None, None


def _add_up(x: Tensor) -> Tensor:
    """The sum over processes, in place, the same in each to the last bit."""
    try:
        dist.all_reduce(x)
    except RuntimeError as error:
        raise LostError(str(error)) from error
    return x
