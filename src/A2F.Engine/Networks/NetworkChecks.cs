namespace A2F.Engine.Networks;

/// <summary>
/// What the sizes of a network must satisfy beyond each one's own range, before memory is taken for them: that they divide, that the window
/// is long enough, and that no product of them is absurd. Shapes of weights are checked when the weights are read.
/// </summary>
internal static class NetworkChecks
{
    /// <summary>Most elements of an activation of one window, or of a table that is made for it: 1 GiB of float32.</summary>
    internal const long MaxElements = 1L << 28;

    /// <summary>Throws what is wrong with a network.</summary>
    /// <exception cref="A2FException"><paramref name="problem"/> is not null.</exception>
    internal static void Require(string? problem)
    {
        if (problem is not null) throw new A2FException(A2FErrorCode.InvalidModel, problem);
    }

    /// <summary>What is wrong with the sizes of a diffusion network, or null.</summary>
    internal static string? Problem(DiffusionConfig config)
    {
        FaceSizes outputs = config.Outputs;
        long frames = config.FrameCount, centre = config.CentreFrames, steps = config.Steps.Count, rows = frames * config.AudioRows;
        long width = (long)config.AudioFeatures + config.GeometryFeatures + config.ActorFeatures + config.TimeFeatures + config.EmotionFeatures;
        long features = new FaceColumns(config.Features).Total, hidden = (long)new FaceColumns(config.Hidden).Total + config.ActorCount;
        if (config.FirstFrame + centre > frames)
            return $"centre_frames: expected frames {config.FirstFrame} to {config.FirstFrame + centre - 1} to be of the {frames} of a window";
        if (rows < 2) return $"frame_count x audio_rows: expected 2 or more encoder frames to interpolate to, found {rows}";
        return Problem(config.Encoder, config.WindowLength)
            ?? StepProblem(config)
            ?? Large("frame_count x audio_rows x encoder.dim", rows, config.Encoder.Dim)
            ?? Large("centre_frames x width of all tokens", centre, width)
            ?? Large("centre_frames x 3 x gru_size", centre, 3L * config.GruSize)
            ?? Large("frame_count x features", frames, features)
            ?? Large("features x features", features, features)
            ?? Large("gru_size x hidden", config.GruSize, hidden)
            ?? Large("actor_count x actor_count", config.ActorCount, config.ActorCount)
            ?? Large("actor_count x outputs", config.ActorCount, outputs.Total)
            ?? Large("hidden x outputs of jaw and eyes", hidden, Math.Max(outputs.Jaw, outputs.Eyes))
            ?? Large("centre_frames x emotion_count", centre, config.EmotionCount)
            ?? Large("steps x gru_layers x gru_size", steps, (long)config.GruLayers * config.GruSize)
            ?? Large("(steps + 1) x frame_count x outputs", (steps + 1) * frames, outputs.Total)
            ?? Large("steps x hidden x features", steps * hidden, features)
            ?? Large("steps x centre_frames x features", steps * centre, features);
    }

    /// <summary>What is wrong with the sizes of a speech encoder on windows of this many samples, or null.</summary>
    internal static string? Problem(Wav2VecConfig config, int samples)
    {
        if (Problem(config) is { } problem) return problem;
        long steps = samples;
        for (int i = 0; i < config.Convs.Count; i++)
        {
            ConvShape shape = config.Convs[i];
            long found = steps;
            steps = steps < shape.Kernel ? 0 : (steps - shape.Kernel) / shape.Stride + 1;
            if (steps < 1)
            {
                return $"encoder.convs[{i}]: a window of {samples} samples is too short: this convolution reads {shape.Kernel} rows " +
                    $"and is given {found}";
            }
            if (Large($"encoder.convs[{i}]: rows x channels of a window of {samples} samples", steps, config.Channels) is { } large) return large;
        }
        return Large("encoder: frames x 3 x dim", steps, 3L * config.Dim)
            ?? Large("encoder: frames x feed_forward", steps, config.FeedForward)
            ?? Large("encoder: (frames + position_kernel) x dim", steps + config.PositionKernel, config.Dim);
    }

    /// <summary>What is wrong with a speech encoder whatever its window, or null.</summary>
    internal static string? Problem(Wav2VecConfig config)
    {
        if (config.Convs.Count == 0) return "encoder.convs: expected 1 or more convolutions, found 0";
        for (int i = 0; i < config.Convs.Count; i++)
        {
            if (config.Convs[i].Padding != 0)
                return $"encoder.convs[{i}].padding: expected 0, as all feature convolutions have, found {config.Convs[i].Padding}";
        }
        if (config.Dim % config.Heads != 0) return $"encoder.heads: expected a divisor of dim, {config.Dim}, found {config.Heads}";
        if (config.Dim % config.PositionGroups != 0)
            return $"encoder.position_groups: expected a divisor of dim, {config.Dim}, found {config.PositionGroups}";
        if (config.PreNorm && config.Layers == 0) return "encoder.layers: expected 1 or more in a pre-norm encoder, found 0";
        return null;
    }

    private static string? StepProblem(DiffusionConfig config)
    {
        if (config.Steps.Count == 0) return "steps: expected 1 or more, found 0";
        for (int i = 0; i < config.Steps.Count; i++)
        {
            DiffusionStep step = config.Steps[i];
            int slice = config.Steps.Count - 1 - i;
            if (step.Slice != slice) return $"steps[{i}].slice: expected {slice}, found {step.Slice}";
            if (slice == 0 && (step.Prediction, step.Previous, step.Noise) != (1, 0, 0))
            {
                return $"steps[{i}]: expected factors 1, 0, 0 in the last step, which gives the prediction itself, found {step.Prediction}, " +
                    $"{step.Previous}, {step.Noise}";
            }
        }
        return null;
    }

    private static string? Large(string what, long rows, long columns) => rows * columns <= MaxElements
        ? null
        : $"{what}: expected a product of at most {MaxElements}, found {rows} x {columns}";
}
