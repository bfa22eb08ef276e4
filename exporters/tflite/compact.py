"""A .tflite file without what no reader needs: long tensor names, constants held twice, empty tables.

A converter names each tensor after every operator that it stands for, and gives each a buffer and a quantisation
table, empty or not. In a student's file that outweighs the int8 weights. What is computed stays the same, bit for bit.
"""

from typing import Any


def compact(model: Any) -> None:
    """Shorten a model's tree in place.

    A tensor without a name in the signature is named t<index>, by its place in the file: localisation matches tensors
    by content and only prints the name.
    """
    _share_buffers(model)
    for graph in model.subgraphs:
        named = {*graph.inputs, *graph.outputs}
        for index, tensor in enumerate(graph.tensors):
            tensor.quantization = _told(tensor.quantization)
            if index not in named:
                tensor.name = f"t{index}".encode()


def _share_buffers(model: Any) -> None:
    """One buffer for equal contents; the first is empty, by the format's rule, and stands for all empty ones."""
    places: dict[bytes, int] = {b"": 0}
    kept = [model.buffers[0]]
    assert kept[0].data is None or not len(kept[0].data), "the first buffer is empty"
    moved = []
    for buffer in model.buffers:
        content = b"" if buffer.data is None else bytes(buffer.data)
        if content not in places:
            places[content] = len(kept)
            kept.append(buffer)
        moved.append(places[content])
    model.buffers = kept
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer = moved[tensor.buffer]
    for entry in model.metadata or []:
        entry.buffer = moved[entry.buffer]


def _told(parameters: Any) -> Any:
    """Quantisation parameters that say something, or None."""
    if parameters is None:
        return None
    lists = (parameters.scale, parameters.zeroPoint, parameters.min, parameters.max)
    return parameters if parameters.details is not None or any(each is not None for each in lists) else None
