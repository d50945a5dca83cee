namespace A2F.Engine.Networks;

/// <summary>
/// Everything about an emotion classifier that its weights do not say by their shape alone. Weights beside those of <see cref="Encoder"/>
/// ("w2v."), with D = its dim: <c>head1.weight [D, HeadWidth] .bias  head2.weight [HeadWidth, Labels] .bias</c>.
/// The logits are head2(f(head1(mean over time of the encoder's output))), f = tanh where <see cref="Tanh"/>, else the identity: a
/// projector before the mean is the same as after it.
/// </summary>
/// <param name="Encoder">The speech encoder.</param>
/// <param name="HeadWidth">Channels between the head's two layers.</param>
/// <param name="Labels">Emotions that are told apart.</param>
/// <param name="Tanh">Whether tanh stands between the head's two layers.</param>
public sealed record EmotionConfig(Wav2VecConfig Encoder, int HeadWidth, int Labels, bool Tanh);
