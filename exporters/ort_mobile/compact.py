"""A graph without what no reader needs: long names, equal constants, recorded shapes.

torch names a tensor after every module around it, quantisation adds to that, and an .ort file keeps each name and
shape as text beside its node: in an int8 student that outweighs the weights. What is computed stays the same.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import GraphProto, TensorProto


def compact(graph: "GraphProto") -> None:
    """Shorten a graph in place; names of its inputs and outputs stay, all others become t<number> and n<number>."""
    names = {value.name: value.name for value in (*graph.input, *graph.output)} | {"": ""}
    _share_constants(graph, names)
    for index, node in enumerate(graph.node):
        node.name = f"n{index}"
        for values in (node.input, node.output):
            values[:] = [names.setdefault(name, f"t{len(names)}") for name in values]
    del graph.value_info[:]


def _share_constants(graph: "GraphProto", names: dict[str, str]) -> None:
    """One constant for those of equal type, shape and content; the new name of each goes into `names`."""
    from onnx import TensorProto

    kept: dict[tuple[int, tuple[int, ...], bytes], TensorProto] = {}
    for constant in graph.initializer:
        one = kept.setdefault(_content(constant), TensorProto.FromString(constant.SerializeToString()))
        if one.name == constant.name:
            one.name = f"t{len(names)}"
        names[constant.name] = one.name
    del graph.initializer[:]
    graph.initializer.extend(kept.values())


def _content(constant: "TensorProto") -> tuple[int, tuple[int, ...], bytes]:
    from onnx import numpy_helper

    return constant.data_type, tuple(constant.dims), numpy_helper.to_array(constant).tobytes()
