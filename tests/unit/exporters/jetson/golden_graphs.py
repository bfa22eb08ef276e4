"""Small graphs, one that keeps and one that breaks each rule of the checker, in ONNX's own text form.

The node to be named in a diagnostic is the one that computes `at`, or else `logits`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx.parser
from numpy.typing import NDArray
from onnx import numpy_helper

from exporters.jetson.checker import Device
from factory.contracts.artifact import Precision

Array = NDArray[Any]
FP32, FP16, INT8 = Precision.FP32, Precision.FP16, Precision.INT8_STATIC
NODE = "named"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A rule, where it applies, a graph that keeps it and one that breaks it."""

    rule: str
    keeps: onnx.ModelProto
    breaks: onnx.ModelProto
    device: Device = Device.GPU
    precision: Precision = FP16
    whole: bool = False
    """The diagnostic is about the graph, not about a node."""
    kept_in: Precision | None = None
    """Another precision for the graph that keeps it."""


def graph(
    body: str, *, ir: int = 8, opset: int = 17, imu: str = "float[1,4,1,16]", **constants: Any
) -> onnx.ModelProto:
    """A model of one input `imu` and one output `logits` of inferred shape."""
    text = f'<ir_version: {ir}, opset_import: ["": {opset}]> g ({imu} imu) => (float logits) {{ {body} }}'
    model = onnx.parser.parse_model(text)
    model.graph.output[0].type.tensor_type.ClearField("shape")
    marked = (node for node in _every_node(model.graph) if "at" in node.output)
    next(marked, model.graph.node[-1]).name = NODE
    for name, value in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model


def _every_node(part: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """The nodes of a graph and of the bodies in it."""
    for node in part.node:
        yield node
        for attribute in node.attribute:
            yield from _every_node(attribute.g)


def of_type(model: onnx.ModelProto, kind: int) -> onnx.ModelProto:
    """The same with another element type of the output."""
    model.graph.output[0].type.tensor_type.elem_type = kind
    return model


def foreign(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same, allowed to use ONNX Runtime's own operators."""
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    return model


def weights(*sizes: int) -> Array:
    return np.random.default_rng(0).normal(0, 0.3, sizes).astype(np.float32)


def stored(*sizes: int) -> Array:
    return np.random.default_rng(0).integers(-127, 128, sizes).astype(np.int8)


W = weights(4, 4, 1, 3)
RELU = graph("logits = Relu(imu)")
CONV = graph("logits = Conv<pads=[0,1,0,1]>(imu, w)", w=W)
CLIP = graph("logits = Clip(imu, low, high)", low=np.array(0, np.float32), high=np.array(6, np.float32))

S, Z = np.array(0.1, np.float32), np.array(0, np.int8)
S4, Z4 = np.full(4, 0.1, np.float32), np.zeros(4, np.int8)
_QDQ: dict[str, Any] = {"s": S, "z": Z, "t": S4, "y": Z4, "v": stored(4, 4, 1, 3)}
_ACTIVATION = "q = QuantizeLinear(n, s, z) d = DequantizeLinear(q, s, z)"
_WEIGHT = "e = DequantizeLinear<axis=0>(v, t, y)"
_CONV = "logits = Conv<kernel_shape=[1,3], pads=[0,1,0,1]>(d, e)"


def qdq(
    activation: str = _ACTIVATION,
    weight: str = _WEIGHT,
    then: str = _CONV,
    first: str = "n = Relu(imu)",
    **changed: Any,
) -> onnx.ModelProto:
    """A quantised convolution; the arguments replace a part of it."""
    return graph(f"{first} {activation} {weight} {then}", **{**_QDQ, **changed})


QDQ = qdq()

_IF = "h = ReduceMax<keepdims=0>(imu) c = Cast<to=9>(h) logits = If(c) "
_BRANCHES = (
    "<then_branch = one () => (float[] a) {{ {} }}, "
    "else_branch = two () => (float[] {other}) {{ {other} = Relu(imu) }}>"
)
_LOOP = (
    "logits = Loop(n, , imu) "
    "<body = g (int64 i, bool c, float[1,4,1,16] x) => (bool d, float[] y) {{ d = Identity(c) {} }}>"
)
_SCAN = "logits = Scan<num_scan_inputs=1, body = g (float[4,1,16] x) => (float[] y) {{ {} }}>(imu)"


def branch(body: str, other: str = "b", condition: str = _IF, **constants: Any) -> onnx.ModelProto:
    """A model of one If, with these operators in the branch that computes `a`."""
    return graph(condition + _BRANCHES.format(body, other=other), **constants)


def loop(body: str) -> onnx.ModelProto:
    """A model of one Loop, with these operators from `x` to `y`, and its result's sizes stated."""
    model = graph(_LOOP.format(body), n=np.array(2))
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("logits", 1, (1, 4, 1, 16)))
    return model


def scan(body: str) -> onnx.ModelProto:
    """A model of one Scan, with these operators from `x` to `y`."""
    return graph(_SCAN.format(body))


_SWISH_DQ = (
    "at = Conv<kernel_shape=[1,3], pads=[0,1,0,1], group={}>(d, e) g = Sigmoid(at) m = Mul(at, g) "
    "p = QuantizeLinear(m, s, z) l = DequantizeLinear(p, s, z) "
)
_DEPTHWISE = stored(4, 1, 1, 3)


_ADD = "a = Relu(n) f = QuantizeLinear(a, s, z) g = DequantizeLinear(f, s, z) logits = Add(d, {other})"


def resize(
    coordinates: str, mode: str = "linear", nearest: str = "round_prefer_floor", scales: Sequence[float] = (1, 1, 1, 2)
) -> onnx.ModelProto:
    """A model of one Resize by scales."""
    attributes = f'coordinate_transformation_mode="{coordinates}", mode="{mode}", nearest_mode="{nearest}"'
    return graph(
        f"logits = Resize<{attributes}>(imu, roi, scales)",
        roi=np.array([0, 0, 0, 0, 1, 1, 1, 1], np.float32),
        scales=np.array(scales, np.float32),
    )


CASES = (
    Case(rule="model.ir", keeps=RELU, breaks=graph("logits = Relu(imu)", ir=9), whole=True),
    Case(rule="model.opset", keeps=RELU, breaks=graph("logits = Relu(imu)", opset=18), whole=True),
    Case(rule="model.domain", keeps=RELU, breaks=foreign(graph("logits = com.microsoft.Gelu(imu)"))),
    Case(
        rule="operator.unsupported",
        keeps=graph("logits = Softmax(imu)"),
        breaks=graph("logits = LayerNormalization(imu, w)", w=weights(16)),
    ),
    Case(
        rule="operator.clip_bounds",
        keeps=graph("m = ReduceMax<keepdims=0>(imu) logits = Clip(imu, m)"),
        breaks=graph(
            "q = QuantizeLinear(imu, s, z) n = Cast<to=3>(imu) m = ReduceMax<keepdims=0>(n) at = Clip(q, m) "
            "logits = DequantizeLinear(at, s, z)",
            s=S,
            z=Z,
        ),
    ),
    Case(
        rule="operator.pool_indices",
        keeps=graph("logits = MaxPool<kernel_shape=[1,2]>(imu)"),
        breaks=graph("at, index = MaxPool<kernel_shape=[1,2]>(imu) logits = Relu(at)"),
    ),
    Case(
        rule="operator.axes",
        keeps=graph("logits = Squeeze(imu, axes)", axes=np.array([2])),
        breaks=graph(
            "s = Shape(imu) one = Slice(s, begin, to) logits = Squeeze(imu, one)",
            begin=np.array([2]),
            to=np.array([3]),
        ),
    ),
    Case(
        rule="operator.constant",
        keeps=graph("logits, index = TopK(imu, k)", k=np.array([2])),
        breaks=graph("n = Size(imu) k = Reshape(n, one) logits, index = TopK(imu, k)", one=np.array([1])),
    ),
    Case(
        rule="operator.constant_form",
        keeps=graph("c = Constant<value_floats=[1.0, 2.0]>() logits = Sum(imu, c)", imu="float[1,4,1,2]"),
        breaks=graph("at = Constant<value_ints=[2]>() logits = Squeeze(imu, at)"),
    ),
    Case(
        rule="operator.rank",
        keeps=graph("logits = InstanceNormalization(imu, w, b)", w=weights(4), b=weights(4)),
        breaks=graph("logits = InstanceNormalization(imu, w, b)", imu="float[1,4]", w=weights(4), b=weights(4)),
    ),
    Case(
        rule="operator.pool_dilations",
        keeps=graph("logits = MaxPool<kernel_shape=[1,2], dilations=[1,1]>(imu)"),
        breaks=graph("logits = MaxPool<kernel_shape=[1,2], dilations=[1,2]>(imu)"),
    ),
    Case(
        rule="operator.resize",
        keeps=resize("half_pixel"),
        breaks=resize("tf_crop_and_resize"),
    ),
    Case(
        rule="operator.einsum",
        keeps=graph('logits = Einsum<equation="abcd,de->abce">(imu, w)', w=weights(16, 3)),
        breaks=graph('logits = Einsum<equation="...d,de->...e">(imu, w)', w=weights(16, 3)),
    ),
    Case(
        rule="operator.training",
        keeps=graph("logits = Dropout(imu, ratio, mode)", ratio=np.array(0.5, np.float32), mode=np.array(False)),
        breaks=graph("logits = Dropout(imu, ratio, mode)", ratio=np.array(0.5, np.float32), mode=np.array(True)),
    ),
    Case(rule="operator.if_outputs", keeps=branch("a = Tanh(imu)"), breaks=branch("a = Tanh(imu)", other="a")),
    Case(
        rule="conv.rank",
        keeps=CONV,
        breaks=graph("logits = Conv(imu, w)", imu="float[1,4,16]", w=weights(4, 4, 3)),
    ),
    Case(
        rule="conv.weights",
        keeps=graph("k = Relu(imu) logits = Conv<kernel_shape=[1,16]>(imu, k)"),
        breaks=qdq(
            first="n = Relu(imu) h = Relu(w)",
            weight="e = QuantizeLinear(h, s, z) f = DequantizeLinear(e, s, z)",
            then="logits = Conv<kernel_shape=[1,3]>(d, f)",
            w=W,
        ),
        precision=INT8,
    ),
    Case(
        rule="conv.kernel_shape",
        keeps=graph("k = Relu(imu) logits = Conv<kernel_shape=[1,16]>(imu, k)"),
        breaks=graph("k = Relu(imu) logits = Conv(imu, k)"),
    ),
    Case(
        rule="type.cast",
        keeps=graph("logits = Cast<to=1>(imu)", imu="int32[1,4]"),
        breaks=graph("logits = Cast<to=1>(imu)", imu="int64[1,4]"),
        whole=True,
    ),
    Case(
        rule="type.end", keeps=RELU, breaks=of_type(graph("logits = Relu(imu)", imu="double[1,4,1,16]"), 11), whole=True
    ),
    Case(
        rule="type.double",
        keeps=graph("h = Cast<to=10>(imu) logits = Cast<to=1>(h)"),
        breaks=graph("at = Cast<to=11>(imu) logits = Cast<to=1>(at)"),
    ),
    Case(
        rule="type.unsupported",
        keeps=graph("h = Cast<to=6>(imu) logits = Cast<to=1>(h)"),
        breaks=graph("at = Cast<to=2>(imu) logits = Cast<to=1>(at)"),
    ),
    Case(rule="shape.dynamic", keeps=RELU, breaks=graph("logits = Relu(imu)", imu="float[N,4,1,16]"), whole=True),
    Case(
        rule="shape.unknown",
        keeps=RELU,
        breaks=graph("at = NonZero(imu) logits = Cast<to=1>(at)"),
    ),
    Case(rule="qdq.none", keeps=QDQ, breaks=CONV, precision=INT8, whole=True),
    Case(
        rule="qdq.float_build",
        keeps=QDQ,
        kept_in=INT8,
        breaks=qdq("at = QuantizeLinear(n, s, z) d = DequantizeLinear(at, s, z)"),
    ),
    Case(
        rule="qdq.zero_point_missing",
        keeps=QDQ,
        breaks=qdq("at = QuantizeLinear(n, s) d = DequantizeLinear(at, s)"),
        precision=INT8,
    ),
    Case(
        rule="qdq.constant",
        keeps=QDQ,
        breaks=qdq("c = ReduceMax<keepdims=0>(n) at = QuantizeLinear(n, c, z) d = DequantizeLinear(at, s, z)"),
        precision=INT8,
    ),
    Case(
        rule="qdq.bias",
        keeps=qdq(then="logits = Conv<pads=[0,1,0,1]>(d, e, b)", b=weights(4)),
        breaks=qdq(
            then="at = DequantizeLinear<axis=0>(b, t, i) logits = Conv<pads=[0,1,0,1]>(d, e, at)",
            b=np.zeros(4, np.int32),
            i=np.zeros(4, np.int32),
        ),
        precision=INT8,
    ),
    Case(
        rule="qdq.type",
        keeps=QDQ,
        breaks=qdq("at = QuantizeLinear(n, s, u) d = DequantizeLinear(at, s, u)", u=np.array(0, np.uint8)),
        precision=INT8,
    ),
    Case(
        rule="qdq.zero_point",
        keeps=QDQ,
        breaks=qdq("at = QuantizeLinear(n, s, u) d = DequantizeLinear(at, s, u)", u=np.array(3, np.int8)),
        precision=INT8,
    ),
    Case(
        rule="qdq.scale",
        keeps=QDQ,
        breaks=qdq("at = QuantizeLinear(n, c, z) d = DequantizeLinear(at, c, z)", c=np.array(0, np.float32)),
        precision=INT8,
    ),
    Case(
        rule="qdq.per_axis",
        keeps=QDQ,
        breaks=qdq("at = QuantizeLinear<axis=1>(n, t, y) d = DequantizeLinear<axis=1>(at, t, y)"),
        precision=INT8,
    ),
    Case(
        rule="qdq.axis",
        keeps=QDQ,
        breaks=qdq(weight="at = DequantizeLinear<axis=1>(v, t, y)", then="logits = Conv<pads=[0,1,0,1]>(d, at)"),
        precision=INT8,
    ),
    Case(
        rule="qdq.pair",
        keeps=QDQ,
        breaks=qdq(
            "at = QuantizeLinear(n, s, z) c = Cast<to=1>(at) p = QuantizeLinear(c, s, z) d = DequantizeLinear(p, s, z)"
        ),
        precision=INT8,
    ),
    Case(
        rule="qdq.scales_differ",
        keeps=QDQ,
        breaks=qdq(
            "q = QuantizeLinear(n, s, z) at = DequantizeLinear(q, c, z)",
            then="logits = Conv<pads=[0,1,0,1]>(at, e)",
            c=np.array(0.2, np.float32),
        ),
        precision=INT8,
    ),
    Case(
        rule="qdq.raw_input",
        keeps=QDQ,
        breaks=qdq("at = QuantizeLinear(imu, s, z) d = DequantizeLinear(at, s, z)", first=""),
        precision=INT8,
    ),
    Case(
        rule="qdq.fusion",
        keeps=qdq(
            then="c = Conv<pads=[0,1,0,1]>(d, e) r = Relu(c) at = QuantizeLinear(r, s, z) "
            "logits = DequantizeLinear(at, s, z)"
        ),
        breaks=qdq(
            then="c = Conv<pads=[0,1,0,1]>(d, e) at = QuantizeLinear(c, s, z) h = DequantizeLinear(at, s, z) "
            "logits = Relu(h)"
        ),
        precision=INT8,
    ),
    Case(
        rule="qdq.float_operator",
        keeps=qdq(then="c = Conv<pads=[0,1,0,1]>(d, e) logits = MatMul(c, w)", w=weights(16, 3)),
        breaks=qdq(weight="", then="logits = MatMul(d, w)", w=weights(16, 3)),
        precision=INT8,
    ),
    Case(
        rule="qdq.one_sided",
        keeps=QDQ,
        breaks=qdq(weight="", then="logits = Conv<pads=[0,1,0,1]>(d, w)", w=W),
        precision=INT8,
    ),
    Case(
        rule="qdq.depthwise_swish",
        keeps=qdq(then=_SWISH_DQ.format(1) + "logits = Identity(l)"),
        breaks=qdq(then=_SWISH_DQ.format(4) + "logits = Identity(l)", v=_DEPTHWISE),
        precision=INT8,
    ),
    Case(
        rule="qdq.depthwise_swish_end",
        keeps=qdq(then=_SWISH_DQ.format(4) + "logits = Identity(l)", v=_DEPTHWISE),
        breaks=qdq(then=_SWISH_DQ.format(4).replace("l = Deq", "logits = Deq"), v=_DEPTHWISE),
        precision=INT8,
    ),
    Case(
        rule="qdq.residual",
        keeps=qdq(weight="", then=_ADD.format(other="g")),
        breaks=qdq(weight="", then=_ADD.format(other="a")),
        precision=INT8,
    ),
    Case(rule="dla.precision", keeps=RELU, breaks=RELU, kept_in=FP16, precision=FP32, device=Device.DLA, whole=True),
    Case(
        rule="dla.qdq",
        keeps=CONV,
        breaks=qdq("at = QuantizeLinear(n, s, z) d = DequantizeLinear(at, s, z)"),
        device=Device.DLA,
    ),
    Case(
        rule="dla.parts",
        keeps=graph("h = HardSwish(imu) logits = Relu(h)"),
        breaks=graph(
            " ".join(f"h{i} = HardSwish({'imu' if i == 0 else f'r{i - 1}'}) r{i} = Relu(h{i})" for i in range(17))
            + " logits = Relu(r16)"
        ),
        device=Device.DLA,
        whole=True,
    ),
    Case(rule="dla.operator", keeps=RELU, breaks=graph("logits = HardSwish(imu)"), device=Device.DLA),
    Case(rule="dla.dynamic", keeps=RELU, breaks=graph("logits = Relu(imu)", imu="float[N,4,1,16]"), device=Device.DLA),
    Case(rule="dla.rank", keeps=RELU, breaks=graph("logits = Relu(imu)", imu="float[1,4]"), device=Device.DLA),
    Case(rule="dla.size", keeps=RELU, breaks=graph("logits = Relu(imu)", imu="float[1,4,1,9000]"), device=Device.DLA),
    Case(
        rule="dla.conv_limits",
        keeps=graph("logits = Conv(imu, w)", imu="float[1,1,1,64]", w=weights(1, 1, 1, 32)),
        breaks=graph("logits = Conv(imu, w)", imu="float[1,1,1,64]", w=weights(1, 1, 1, 33)),
        device=Device.DLA,
    ),
    Case(rule="dla.conv_weights", keeps=CONV, breaks=graph("k = Relu(imu) logits = Conv(imu, k)"), device=Device.DLA),
    Case(
        rule="dla.pool_limits",
        keeps=graph("logits = AveragePool<kernel_shape=[1,8]>(imu)"),
        breaks=graph("logits = AveragePool<kernel_shape=[1,9]>(imu)"),
        device=Device.DLA,
    ),
    Case(
        rule="dla.pool_padding",
        keeps=graph("logits = AveragePool<kernel_shape=[1,8], pads=[0,0,0,3], count_include_pad=1>(imu)"),
        breaks=graph("logits = AveragePool<kernel_shape=[1,8], pads=[0,0,0,3]>(imu)"),
        device=Device.DLA,
    ),
    Case(
        rule="dla.clip",
        keeps=CLIP,
        breaks=graph("logits = Clip(imu, low, high)", low=np.array(-6, np.float32), high=np.array(6, np.float32)),
        device=Device.DLA,
    ),
    Case(
        rule="dla.constant",
        keeps=graph("r = Relu(imu) logits = Add(imu, r)"),
        breaks=graph("logits = Add(imu, c)", c=np.array(3, np.float32)),
        device=Device.DLA,
    ),
    Case(
        rule="dla.elementwise",
        keeps=graph("r = Relu(imu) logits = Max(imu, r)"),
        breaks=graph("r = Relu(imu) t = Tanh(imu) logits = Max(imu, r, t)"),
        device=Device.DLA,
    ),
    Case(
        rule="dla.broadcast",
        keeps=graph("p = GlobalAveragePool(imu) logits = Mul(imu, p)"),
        breaks=graph("p = ReduceMean<axes=[1]>(imu) logits = Mul(imu, p)"),
        device=Device.DLA,
    ),
    Case(
        rule="dla.concat",
        keeps=graph("r = Relu(imu) logits = Concat<axis=1>(imu, r)"),
        breaks=graph("r = Relu(imu) logits = Concat<axis=3>(imu, r)"),
        device=Device.DLA,
    ),
)
