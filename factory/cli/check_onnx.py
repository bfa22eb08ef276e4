"""factory check-onnx: would TensorRT 8.5 or the DLA take this graph?"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory.cli._output import print_json
from factory.contracts.errors import ExportError

if TYPE_CHECKING:
    from exporters.jetson.checker import GraphReport


class DeviceChoice(StrEnum):
    """What the engine is for."""

    GPU = "gpu"
    DLA = "dla"


class PrecisionChoice(StrEnum):
    """Precision of the engine."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


def check_onnx(
    file: Annotated[Path, typer.Argument(help="An ONNX graph.", show_default=False)],
    device: Annotated[DeviceChoice, typer.Option(help="GPU or DLA of a Jetson Xavier.")] = DeviceChoice.GPU,
    precision: Annotated[PrecisionChoice, typer.Option(help="Precision of the engine.")] = PrecisionChoice.FP16,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a graph against TensorRT 8.5 and DLA 1.0, without either.

    Example: factory check-onnx build/demo/jetson/model.onnx --device dla
    """
    from exporters.jetson.checker import Device, check_file
    from factory.contracts.artifact import Precision

    held = Precision.INT8_STATIC if precision is PrecisionChoice.INT8 else Precision(precision.value)
    report = check_file(file, Device(device.value), held)
    if as_json:
        print_json(report)
    else:
        _show(report)
    if report.errors:
        raise ExportError(
            f"{file} has {len(report.errors)} errors for {device.value} in {precision.value}: follow the remedies above"
        )


def _show(report: "GraphReport") -> None:
    for diagnostic in report.diagnostics:
        typer.echo(f"{diagnostic.level:7} {diagnostic.rule}  {diagnostic.node}")
        typer.echo(f"        {diagnostic.message}: {diagnostic.remedy}")
    errors, warnings = len(report.errors), len(report.diagnostics) - len(report.errors)
    typer.echo(f"{report.file}, {report.device} {report.precision}: {errors} errors, {warnings} warnings")
    if (covered := report.coverage) is not None:
        typer.echo(
            f"DLA: {covered.per_cent:.1f} % of {covered.macs} MACs in {covered.parts} parts; "
            f"on the GPU: {', '.join(covered.on_gpu) or 'nothing'}"
        )
