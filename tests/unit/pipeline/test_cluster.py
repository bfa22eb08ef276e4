"""Joining a Ray cluster, by a stand-in: Ray itself is tested in tests/integration/test_bench.py and test_search.py."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import factory
from factory.contracts.errors import MissingToolError, RecipeError, TrainingError
from factory.contracts.progress import Cancel, Cancelled
from factory.pipeline.cluster import Cluster, as_they_come, cluster_of, connect, task_of


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


class RayError(Exception):
    """As ray.exceptions.RayError."""


class Tasks(ModuleType):
    """A cluster on which tasks end last first, and some are lost."""

    exceptions = SimpleNamespace(RayError=RayError)

    def __init__(self, lost: str = "") -> None:
        super().__init__("ray")
        self._lost = lost
        self.cancelled: list[str] = []

    def wait(self, references: list[str], **_: Any) -> tuple[list[str], list[str]]:
        return references[-1:], references[:-1]

    def get(self, reference: str) -> str:
        if reference == self._lost:
            raise RayError("the node\n died")
        return reference.upper()

    def cancel(self, reference: str, force: bool) -> None:
        self.cancelled.append(reference)


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


def test_answers_come_as_tasks_end_and_a_task_that_was_given_up_is_one() -> None:
    (second, lost), (first, answer) = as_they_come(Tasks(lost="b"), {"a": 1, "b": 2}, Cancel())
    assert (first, answer, second) == (1, "A", 2)
    assert isinstance(lost, TrainingError)
    assert str(lost).startswith("its worker was lost 6 times, or a node lacks this package (RayError: the node died): ")


def test_tasks_of_a_run_that_stops_are_cancelled() -> None:
    ray, cancel = Tasks(), Cancel()
    answers = as_they_come(ray, {"a": 1, "b": 2, "c": 3}, cancel)
    assert next(answers) == (3, "C")
    cancel.set()
    with pytest.raises(Cancelled):
        next(answers)
    assert ray.cancelled == ["a", "b"]


@pytest.mark.parametrize(
    ("address", "cpus", "gpus", "fits"),
    [(None, 4, 0, True), (None, 4.5, 0, False), (None, 0.5, 0.5, False), ("auto", 64, 8, True)],
)
def test_a_share_that_this_machine_does_not_have_is_refused(
    address: str | None, cpus: float, gpus: float, fits: bool
) -> None:
    ray = SimpleNamespace(
        cluster_resources=lambda: {"CPU": 4.0, "memory": 1e9},
        remote=lambda **options: lambda function: (function, options),
    )
    if fits:
        _, options = task_of(ray, print, Cluster(address=address, cpus=cpus, gpus=gpus))
        assert (options["num_cpus"], options["num_gpus"]) == (cpus, gpus)
        return
    with pytest.raises(MissingToolError, match="Ray here has 4 and 0: lower --cpus or --gpus, or name"):
        task_of(ray, print, Cluster(cpus=cpus, gpus=gpus))


def test_an_engine_that_is_none_or_takes_no_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", Ray(failures=0))
    assert cluster_of("ray", "auto", 0.5, 0.0) == Cluster(address="auto", cpus=0.5)
    assert cluster_of("local", None, 1.0, 0.0) is None
    with pytest.raises(RecipeError, match="engine is 'dask', expected local or ray"):
        factory.search("demo", engine="dask")  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="address is 'auto', engine is local, which has none: choose engine ray"):
        factory.bench("quick", address="auto")


def test_without_ray_the_install_command_is_named_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingToolError, match=r"needs ray: pip install 'smldist-factory\[ray\]'"):
        factory.search("demo", engine="ray", out=tmp_path / "search")
    assert not (tmp_path / "search").exists()
