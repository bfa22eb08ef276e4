"""What TensorRT 8.5 makes of ONNX operators, by the table of onnx-tensorrt, release/8.5-GA, opset 17 and below."""

_NAMES = """
Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil Celu Clip Concat
Constant ConstantOfShape Conv ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Div Dropout Einsum Elu
Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements GatherND Gemm GlobalAveragePool GlobalLpPool
GlobalMaxPool Greater GreaterOrEqual GridSample HardSigmoid HardSwish Identity If ImageScaler InstanceNormalization
IsNaN LRN LSTM LeakyRelu Less LessOrEqual Log LogSoftmax Loop LpNormalization LpPool MatMul Max MaxPool Mean
MeanVarianceNormalization Min Mod Mul Neg NonMaxSuppression NonZero Not OneHot Or PRelu Pad ParametricSoftplus Pow
QuantizeLinear RNN RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range Reciprocal ReduceL1 ReduceL2
ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize
ReverseSequence RoiAlign Round ScaledTanh Scan Scatter ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin
Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK
Transpose Trilu Unsqueeze Upsample Where Xor
"""
SUPPORTED = frozenset(_NAMES.split())
"""Operators that the parser takes."""

NOT_IN_INT8 = frozenset(
    {"MatMul", "Softmax", "LogSoftmax", "BatchNormalization", "ReduceMean", "ReduceSum", "Sqrt", "Div"}
)
"""Of these: what has no int8 implementation and stands in networks like ours; quantising its input gains nothing."""

INSTEAD = {
    "LayerNormalization": "normalise by a batch norm, which folds into the layer before it",
    "QLinearConv": "quantise as Q/DQ (QuantFormat.QDQ), not as QOperator",
    "QLinearMatMul": "quantise as Q/DQ (QuantFormat.QDQ), not as QOperator",
    "DynamicQuantizeLinear": "quantise statically, with calibrated scales",
    "ConvInteger": "quantise as Q/DQ, not dynamically",
    "MatMulInteger": "quantise as Q/DQ, not dynamically",
    "DFT": "compute the transform before the network",
    "STFT": "compute the transform before the network",
    "HannWindow": "store the window as a constant",
    "Gelu": "export by opset 17, which writes it out as Erf",
}
"""Remedies for what is not supported."""
