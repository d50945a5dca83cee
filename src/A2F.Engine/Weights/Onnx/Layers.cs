using A2F.Engine.Networks;

namespace A2F.Engine.Weights.Onnx;

/// <summary>A linear layer: weight [in, out], bias [out].</summary>
internal sealed record LinearLayer(float[] Weight, float[] Bias, int In, int Out);

/// <summary>A convolution along one axis: weight [tap, in / groups, out], bias [out] or null.</summary>
internal sealed record ConvLayer(float[] Weight, float[]? Bias, int In, int Out, int Groups, ConvShape Shape);

/// <summary>The affine part and the epsilon of a normalisation.</summary>
internal sealed record NormLayer(float[] Weight, float[] Bias, float Epsilon);
