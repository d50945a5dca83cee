namespace A2F.Engine.Networks;

/// <summary>One convolution along time or lag: kernel, stride and zero padding on either side.</summary>
public sealed record ConvShape(int Kernel, int Stride, int Padding);

/// <summary>
/// Sizes of a wav2vec2 or HuBERT speech encoder. Weights, with C = <see cref="Channels"/>, D = <see cref="Dim"/>, F = <see cref="FeedForward"/>:
/// <code>
/// w2v.conv{i}.weight [k, in, C]   i = 0..Convs.Count-1, in = 1 for i = 0
/// w2v.conv{i}.bias [C]                             where LayerNormConvs, else no bias
/// w2v.conv{i}.norm.weight/.bias [C]                where LayerNormConvs: layer norm over the channels, for every i;
///                                                  else for i = 0 only: group norm, one group per channel, statistics over time
/// w2v.projection.norm.weight/.bias [C]  w2v.projection.weight [C, D]  .bias [D]
/// w2v.position.weight [PositionKernel, D/PositionGroups, D]  .bias [D]     output channel o belongs to group o / (D/groups)
/// w2v.norm.weight/.bias [D]                        layer norm before the transformer layers; where PreNorm, after them
/// w2v.layer{i}.qkv.weight [D, 3D] .bias [3D]       columns: query, key, value; the query is not pre-scaled
/// w2v.layer{i}.attention_out.weight [D, D] .bias   w2v.layer{i}.norm1.weight/.bias [D]
/// w2v.layer{i}.ff1.weight [D, F] .bias [F]         w2v.layer{i}.ff2.weight [F, D] .bias [D]   w2v.layer{i}.norm2.weight/.bias [D]
/// w2v.layer_mix [Layers]                           regression only: shares of the layers' outputs, already divided by their sum;
///                                                  without it the output is that of the last layer
/// w2v.mapping.weight [D, RegressionConfig.Channels] .bias                  regression only
/// </code>
/// Post-norm layers: x = norm1(x + attention(x)); x = norm2(x + ff2(gelu(ff1(x)))). Pre-norm layers: x += attention(norm1(x));
/// x += ff2(gelu(ff1(norm2(x)))). A feature convolution is followed by its norm, if it has one, then GELU.
/// </summary>
public sealed record Wav2VecConfig(
    IReadOnlyList<ConvShape> Convs,
    int Channels,
    int Dim,
    int FeedForward,
    int Heads,
    int Layers,
    int PositionKernel,
    int PositionGroups,
    float GroupNormEpsilon,
    float LayerNormEpsilon,
    bool LayerNormConvs = false,
    bool PreNorm = false);

/// <summary>
/// Sizes of the autocorrelation branch: the window is cut into <see cref="Windows"/> frames of <see cref="WindowLength"/> samples every
/// <see cref="Hop"/>; each has its mean removed, is multiplied by the taper, and gives <see cref="Lags"/> products times <see cref="Scale"/>.
/// Weights: <c>autocorrelation.taper [WindowLength]</c>, <c>frequency{i}.weight [k, in, out] .bias [out]</c> for i = 1.., convolutions along the
/// lag axis that leave one value per channel.
/// </summary>
public sealed record AutoCorrelationConfig(
    int Windows, int WindowLength, int Hop, int Lags, float InputGain, float Scale, IReadOnlyList<ConvShape> Convs);

/// <summary>
/// Everything about a regression network that its weights do not say by their shape alone. At least one branch is present; features are
/// concatenated wav2vec2 first. Weights beside the branches', with C = <see cref="Channels"/>, J = implicit + embedded emotion:
/// <code>
/// emotion.weight [EmotionCount, EmotionEmbedding] .bias
/// time{i}.weight [k, in, C] .bias [C]     i = 1..TimeConvs.Count; in = branch channels for i = 1, else C + J (features, implicit, embedded)
/// fusion.weight [T * (C + J), C] .bias [C]      rows ordered time-major: t * (C + J) + channel
/// face1.weight [C + J, S] .bias  face2.weight [S, S] .bias     S = skin + jaw + eyes
/// tongue1.weight [C + J, tongue] .bias  tongue2.weight [tongue, tongue] .bias
/// </code>
/// Convolutions and fusion are followed by ReluGain * max(x, 0). Output order: skin, tongue, jaw, eyes.
/// </summary>
public sealed record RegressionConfig(
    int InputLength,
    int ImplicitLength,
    int EmotionCount,
    int EmotionEmbedding,
    int Channels,
    float ReluGain,
    IReadOnlyList<ConvShape> TimeConvs,
    int SkinSize,
    int TongueSize,
    int JawSize,
    int EyesSize,
    Wav2VecConfig? Wav2Vec,
    AutoCorrelationConfig? AutoCorrelation)
{
    /// <summary>Length of one output row.</summary>
    public int OutputLength => SkinSize + TongueSize + JawSize + EyesSize;
}
