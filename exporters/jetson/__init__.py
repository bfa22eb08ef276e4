"""TensorRT on Jetson: graphs that its builder takes, a calibration cache, and a static checker for both."""
