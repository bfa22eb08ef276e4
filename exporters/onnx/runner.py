"""ONNX Runtime on the hand-off graph: the reference that artifacts are compared with."""

from exporters.onnx_runner import OnnxRunner

__all__ = ["OnnxRunner"]
