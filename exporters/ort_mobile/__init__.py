"""ONNX Runtime Mobile: .ort files; the worked example of docs/adding-a-target.md."""
