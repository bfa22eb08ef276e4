"""A static checker of ONNX graphs against TensorRT 8.5 and DLA 1.0: docs/targets/tensorrt-checker.md."""

from exporters.jetson.checker.check import check_file, check_graph
from exporters.jetson.checker.report import Coverage, Device, Diagnostic, GraphReport, Level

__all__ = ["Coverage", "Device", "Diagnostic", "GraphReport", "Level", "check_file", "check_graph"]
