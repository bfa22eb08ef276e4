"""SMLDist Model Factory: motion-sensor recordings in, small verified activity models out."""

__version__ = "0.1.0"
