namespace A2F.Engine.Networks;

/// <summary>
/// One denoising step: x' = <paramref name="Prediction"/> * x0 + <paramref name="Previous"/> * x + <paramref name="Noise"/> * noise, where x0
/// is what the network predicts from x. The last step gives x0 itself: 1, 0, 0.
/// </summary>
/// <param name="TimeStep">Time step of the training schedule that the network is told.</param>
/// <param name="Slice">Row of the GRU's state, and slice of the noise; the steps count it down to 0.</param>
/// <param name="Prediction">Factor of the prediction.</param>
/// <param name="Previous">Factor of the step's input.</param>
/// <param name="Noise">Factor of the noise; 0 in the last step.</param>
public sealed record DiffusionStep(int TimeStep, int Slice, float Prediction, float Previous, float Noise);

/// <summary>Four sizes, one for each part of a face.</summary>
public readonly record struct FaceSizes(int Skin, int Tongue, int Jaw, int Eyes)
{
    /// <summary>All together.</summary>
    public int Total => Skin + Tongue + Jaw + Eyes;
}

/// <summary>
/// Everything about a diffusion network that its weights do not say by their shape alone. Weights beside those of <see cref="Encoder"/>
/// ("w2v."), with D = its dim, H = <see cref="GruSize"/>, A = <see cref="ActorCount"/>; {part} is skin, tongue, jaw, eyes:
/// <code>
/// audio.weight [AudioRows * D, AudioFeatures] .bias           rows: the first encoder frame of a face frame, then the next
/// skin_embed.weight [Outputs.Skin, Features.Skin] .bias       tongue_embed alike
/// skin_embed.conv.weight [k] .bias [1]                        over the features, zero-padded by k / 2; k odd; tongue_embed alike
/// jaw_embed1.weight [Outputs.Jaw, Features.Jaw] .bias         jaw_embed2.weight [Features.Jaw, Features.Jaw] .bias; eyes alike
/// geometry1.weight [F, F] .bias  geometry2.weight [F, GeometryFeatures] .bias          F = Features.Total
/// actor.weight [A, ActorFeatures]     emotion.weight [EmotionCount, EmotionFeatures]   (no bias)
/// time.weight [steps, TimeFeatures] .bias [TimeFeatures]      row i belongs to Steps[i]; token = mish(row + bias)
/// gru{l}.input.weight [in, 3H] .bias [3H]                     gates reset, update, new; l = 0: rows audio, geometry, actor, time, emotion
/// gru{l}.state.weight [H, 3H] .bias [3H]
/// {part}_head1.weight [H, Hidden.{part}] .bias   {part}_head2.weight [Hidden.{part}, Outputs.{part}] .bias
/// mean [A, Outputs.Total]     scale [A, 4]                    scale (skin, tongue, jaw, eyes) only where Delta
/// </code>
/// skin and tongue features are relu(conv(x w + b)), jaw and eyes relu(relu(x w1 + b1) w2 + b2), geometry is relu(f g1 + c1) g2 + c2.
/// GRU: r = sigmoid(x_r + h_r), z = sigmoid(x_z + h_z), n = tanh(x_n + r * h_n), h = (1 - z) * n + z * h, x and h with their biases.
/// Heads: relu(h w1 + b1) w2 + b2 + mean. Delta output: skin and tongue (x - mean) * scale, jaw and eyes x * scale.
/// </summary>
/// <param name="Encoder">The audio encoder (HuBERT).</param>
/// <param name="WindowLength">Samples of a window.</param>
/// <param name="FrameCount">Face frames of a window.</param>
/// <param name="FirstFrame">First of the frames that are a result.</param>
/// <param name="CentreFrames">Number of frames that are a result.</param>
/// <param name="AudioRows">Encoder frames a face frame: its output is resampled to FrameCount * AudioRows.</param>
/// <param name="AudioFeatures">Channels of the audio token.</param>
/// <param name="Outputs">Sizes of the output: skin, tongue, jaw, eyes.</param>
/// <param name="Features">Sizes of the geometry's features.</param>
/// <param name="Hidden">Sizes of the heads' hidden layers.</param>
/// <param name="GeometryFeatures">Channels of the geometry token.</param>
/// <param name="ActorCount">Identities.</param>
/// <param name="ActorFeatures">Channels of the identity token.</param>
/// <param name="EmotionCount">Length of an emotion vector.</param>
/// <param name="EmotionFeatures">Channels of the emotion token.</param>
/// <param name="EmotionPerFrame">Whether each centre frame has an emotion vector, or the window one.</param>
/// <param name="TimeFeatures">Channels of the time-step token.</param>
/// <param name="GruLayers">GRU layers.</param>
/// <param name="GruSize">Channels of the GRU.</param>
/// <param name="Delta">Whether the output is a displacement from the mean, scaled.</param>
/// <param name="Steps">Denoising steps in the order they are taken.</param>
public sealed record DiffusionConfig(
    Wav2VecConfig Encoder,
    int WindowLength,
    int FrameCount,
    int FirstFrame,
    int CentreFrames,
    int AudioRows,
    int AudioFeatures,
    FaceSizes Outputs,
    FaceSizes Features,
    FaceSizes Hidden,
    int GeometryFeatures,
    int ActorCount,
    int ActorFeatures,
    int EmotionCount,
    int EmotionFeatures,
    bool EmotionPerFrame,
    int TimeFeatures,
    int GruLayers,
    int GruSize,
    bool Delta,
    IReadOnlyList<DiffusionStep> Steps)
{
    /// <summary>Length of an identity's state: [steps, layers, channels].</summary>
    public int StateLength => Steps.Count * GruLayers * GruSize;

    /// <summary>Length of one frame's features: hidden layers of skin and tongue, outputs for jaw and eyes.</summary>
    public int FeatureLength => Hidden.Skin + Hidden.Tongue + Outputs.Jaw + Outputs.Eyes;
}
