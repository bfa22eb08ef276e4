"""The hand-off graph itself: written once, run by ONNX Runtime as the reference for every target."""

from exporters.onnx.exporter import export_onnx
from exporters.onnx_runner import OnnxRunner

__all__ = ["OnnxRunner", "export_onnx"]
