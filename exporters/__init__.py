"""One folder a target: each turns the hand-off ONNX graph into its own files and runs them again."""
