"""Published networks: sizes as their authors give them, shapes, and recurrent layers written out."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.benchmarks.peers.cnn_har import CnnHAR
from tests.benchmarks.peers.deep_conv_lstm import PAPER, DeepConvLSTM
from tests.benchmarks.peers.networks import PEERS
from tests.benchmarks.peers.recurrent import Unrolled, macs, unroll
from tests.benchmarks.peers.tinier_har import TinierHAR
from tests.benchmarks.peers.tiny_har import TinyHAR

# Channels and classes as their authors have them: HAPT 6 and 12, PAMAP2 18 and 12, WISDM 3 and 6, DSADS 45 and 19.
_PUBLISHED: list[tuple[Callable[[int, int, int], nn.Module], int, int, int]] = [
    (TinierHAR, 6, 12, 7_483),  # logged with the code of arXiv:2507.07949, as are the next six
    (TinyHAR, 6, 12, 27_674),
    (TinyHAR, 18, 12, 37_274),
    (TinyHAR, 3, 6, 25_028),
    (TinyHAR, 45, 19, 59_161),
    (DeepConvLSTM, 6, 12, 326_732),
    (DeepConvLSTM, 45, 19, 1_605_587),
]


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def windows(count: int, channels: int = 6, steps: int = 128) -> Tensor:
    return torch.randn(count, channels, 1, steps, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("network", "channels", "classes", "published"), _PUBLISHED)
def test_it_has_as_many_parameters_as_its_authors_say(
    network: Callable[[int, int, int], nn.Module], channels: int, classes: int, published: int
) -> None:
    assert parameters(network(channels, 128, classes)) == published


def test_cnn_har_has_the_maps_and_units_of_its_paper() -> None:
    """WHAR Arena, arXiv:2606.13194, says 63 k parameters of CNN-HAR on six channels and classes."""
    convolutions, norms = (300, 10_040, 2_420), 2 * (50 + 40)
    assert parameters(CnnHAR(6, 128, 6)) == sum(convolutions) + norms + 120 * 400 + 400 + 400 * 6 + 6 == 63_746


def test_deep_conv_lstm_of_its_paper_has_the_papers_layers() -> None:
    """Opportunity, 113 channels, windows of 24: what Ordonez and Roggen list, of each LSTM the matrices of one gate."""
    network = DeepConvLSTM(113, 24, 5, **PAPER)
    convolutions = [parameters(layer) for layer in network.convolutions if isinstance(layer, nn.Conv2d)]
    assert convolutions == [384, 20_544, 20_544, 20_544]
    first, second = (
        [tuple(getattr(network.lstm, f"weight_{of}_l{layer}").shape) for of in ("ih", "hh")] for layer in (0, 1)
    )
    assert first == [(4 * 128, 7232), (4 * 128, 128)]
    assert second == [(4 * 128, 128), (4 * 128, 128)]
    assert network.convolutions(windows(1, 113, 24).transpose(1, 2)).shape == (1, 64, 113, 8)


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize(("channels", "steps", "classes"), [(6, 128, 12), (3, 64, 2)])
def test_windows_become_logits(name: str, channels: int, steps: int, classes: int) -> None:
    network = PEERS[name](channels, steps, classes).eval()
    logits = network(windows(4, channels, steps))
    assert logits.shape == (4, classes)
    torch.testing.assert_close(network(windows(4, channels, steps)[2:3]), logits[2:3], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", PEERS)
def test_every_channel_and_class_counts(name: str) -> None:
    torch.manual_seed(0)
    network, x = PEERS[name](6, 128, 12).eval(), windows(2).requires_grad_()
    network(x).square().sum().backward()
    assert x.grad is not None
    assert (x.grad.abs().amax(dim=(0, 2, 3)) > 0).all()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize(
    "layer",
    [
        nn.LSTM(5, 4, num_layers=2, batch_first=True),
        nn.GRU(5, 4, bidirectional=True, batch_first=True),
        nn.LSTM(5, 4, num_layers=2, bidirectional=True, batch_first=True),
    ],
    ids=["lstm", "gru", "both"],
)
def test_a_layer_written_out_gives_the_same(layer: nn.LSTM | nn.GRU) -> None:
    x = torch.randn(3, 9, 5)
    torch.testing.assert_close(Unrolled(layer)(x)[0], layer(x)[0], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", PEERS)
def test_a_network_written_out_gives_the_same_and_is_another(name: str) -> None:
    network = PEERS[name](6, 128, 12).eval()
    written_out = unroll(network)
    assert not any(isinstance(parent, nn.Sequential) and _recurrent(parent) for parent in written_out.modules())
    torch.testing.assert_close(written_out(windows(2)), network(windows(2)), atol=1e-6, rtol=1e-5)
    assert parameters(written_out) == parameters(network)


def _recurrent(parent: nn.Module) -> bool:
    return any(isinstance(child, nn.LSTM | nn.GRU) for child in parent.children())


def test_macs_are_counted_by_hand() -> None:
    """CNN-HAR: three convolutions of 124, 58 and 17 steps in 6 channels, and two layers."""
    expected = 6 * (124 * 50 * 5 + 58 * 40 * 50 * 5 + 17 * 20 * 40 * 3) + 120 * 400 + 400 * 12
    assert macs(CnnHAR(6, 128, 12), 6, 128) == expected
    lstm = 29 * 4 * 128 * (64 * 6 + 128)  # 29 steps, of which each has a product of input and of state
    convolved = 6 * 64 * 5 * (124 + 64 * (60 + 56 + 26))
    assert macs(DeepConvLSTM(6, 128, 12), 6, 128) - lstm - 128 * 12 == pytest.approx(convolved, rel=0.05)
