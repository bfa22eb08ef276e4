"""Choosing what sets the scales of an int8 artifact."""

from factory.quantize.calibration import choose_calibration

__all__ = ["choose_calibration"]
