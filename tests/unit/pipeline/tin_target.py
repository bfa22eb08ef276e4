"""A target for tests of the fan-out: real exporters around a worker that behaves as told."""

from exporters.process import run_worker, scratch
from exporters.registry import Target
from factory.contracts.artifact import Artifact, Precision, TensorInfo
from factory.contracts.exporter import ExportRequest
from factory.contracts.files import atomic_write, sha256_file


class Tin:
    """Writes a file after its worker, tests.unit.exporters.behaving, came to its end."""

    how = "well"

    def export(self, request: ExportRequest) -> tuple[Artifact, ...]:
        """One artifact a precision."""
        with scratch(request.build, self.how) as folder, request.progress.track(self.how, 2, "step") as task:
            run_worker(self.how, "tests.unit.exporters.behaving", [self.how], folder, task, request.cancel)
        return tuple(self._write(request, precision) for precision in request.precisions)

    def _write(self, request: ExportRequest, precision: Precision) -> Artifact:
        path = request.build / self.how / f"{precision}.tin"
        with atomic_write(path) as temporary:
            temporary.write_text(self.how)
        end = TensorInfo(name="x", shape=(1,), dtype="float32", layout="1")
        return Artifact(
            target=self.how,
            precision=precision,
            path=f"{self.how}/{precision}.tin",
            sha256=sha256_file(path),
            size_bytes=path.stat().st_size,
            inputs=(end,),
            outputs=(end,),
            tool="tin",
            runtime="tin",
        )


class Failing(Tin):
    """Its worker raises."""

    how = "fails"


class Dying(Tin):
    """Its worker dies."""

    how = "dies"


class Hanging(Tin):
    """Its worker never ends."""

    how = "hangs"


class Buggy(Tin):
    """Raises what no exporter should."""

    how = "bug"

    def export(self, request: ExportRequest) -> tuple[Artifact, ...]:
        """Nothing."""
        raise ZeroDivisionError("oops")


class Full(Tin):
    """Meets a full disk."""

    how = "full"

    def export(self, request: ExportRequest) -> tuple[Artifact, ...]:
        """Nothing."""
        raise OSError(28, "No space left on device", "model.tin")


def row(kind: type[Tin], *needs: str) -> Target:
    """A row of the registry."""
    return Target(
        name=kind.how,
        exporter=f"{__name__}:{kind.__name__}",
        runner="exporters.onnx_runner:OnnxRunner",
        extra=kind.how,
        exports_with=needs,
        runs_with=(),
        packages=("numpy",),
        precisions=(Precision.FP32, Precision.INT8_STATIC),
    )
