"""Joining a Ray cluster, by a stand-in: Ray itself is tested in tests/integration/test_bench.py."""

import sys
from types import ModuleType
from typing import Any

import pytest

from factory.contracts.errors import MissingToolError
from factory.pipeline.cluster import connect


class Ray(ModuleType):
    """Starts after some failures."""

    def __init__(self, failures: int) -> None:
        super().__init__("ray")
        self.failures = failures
        self.asked: list[dict[str, Any]] = []

    def init(self, **options: Any) -> None:
        self.asked.append(options)
        if len(self.asked) <= self.failures:
            raise Exception("The current node timed out during startup.")

    def shutdown(self) -> None:
        """Of what did not start."""


def test_a_node_that_took_too_long_is_started_again_and_asks_for_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    monkeypatch.setitem(sys.modules, "ray", ray := Ray(failures=1))
    connect(None, cpus=1)
    first, second = ray.asked
    assert first == second
    assert (first["address"], first["num_cpus"], first["include_dashboard"]) == ("local", 1, False)
    assert first["object_store_memory"] < 2**27


def test_a_node_that_never_starts_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", Ray(failures=9))
    with pytest.raises(MissingToolError, match=r"did not start on this machine, 2 times .* --address"):
        connect(None)


def test_a_cluster_that_is_named_is_asked_once_and_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", ray := Ray(failures=9))
    with pytest.raises(MissingToolError, match=r"did not start at auto"):
        connect("auto")
    (asked,) = ray.asked
    assert "object_store_memory" not in asked
    assert "num_cpus" not in asked
