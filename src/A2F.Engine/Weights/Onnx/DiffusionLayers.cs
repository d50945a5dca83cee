using A2F.Engine.Networks;

namespace A2F.Engine.Weights.Onnx;

/// <summary>Inputs of a diffusion network, found by what reads them; -1 until then.</summary>
internal sealed class DiffusionInputs
{
    public int Window { get; set; } = -1;

    public int Identity { get; set; } = -1;

    public int Emotion { get; set; } = -1;

    public int State { get; set; } = -1;

    public int Noise { get; set; } = -1;
}

/// <summary>The audio token of a step: the encoder's output, resampled and projected.</summary>
internal sealed record AudioToken(LinearLayer Projection, int Rows, Signal Encoded);

/// <summary>The layers that a step shares with all others, and what tells it from them.</summary>
internal sealed class DiffusionStepLayers
{
    public required LinearLayer[] Heads { get; init; }

    public required float[] Mean { get; init; }

    public required List<GruLayer> Gru { get; init; }

    public required AudioToken Audio { get; init; }

    public required GeometryLayers Geometry { get; init; }

    public required float[] Actor { get; init; }

    public required int ActorCount { get; init; }

    public required float[] Emotion { get; init; }

    public required int EmotionCount { get; init; }

    public required bool EmotionPerFrame { get; init; }

    public required float[] TimeBias { get; init; }

    /// <summary>The time step that the network is told, and its row of the time layer.</summary>
    public required int TimeStep { get; init; }

    public required float[] TimeRow { get; init; }

    /// <summary>Time steps of the training schedule.</summary>
    public required int TotalSteps { get; init; }

    /// <summary>Row of the GRU's state.</summary>
    public required int Slice { get; init; }

    /// <summary>Sizes of the output's parts.</summary>
    public FaceSizes Outputs => new(Heads[1].Out, Heads[3].Out, Heads[5].Out, Heads[7].Out);

    /// <summary>All weights that steps share, but the encoder's and the rows of the time layer.</summary>
    public WeightSet Shared()
    {
        var weights = new WeightSet();
        EncoderWeights.Add(weights, "audio", Audio.Projection);
        Geometry.AddTo(weights);
        weights.Add("actor.weight", Actor, ActorCount, Actor.Length / ActorCount);
        weights.Add("emotion.weight", Emotion, EmotionCount, Emotion.Length / EmotionCount);
        weights.Add("time.bias", TimeBias, TimeBias.Length);
        for (int l = 0; l < Gru.Count; l++)
        {
            EncoderWeights.Add(weights, $"gru{l}.input", Gru[l].Input);
            EncoderWeights.Add(weights, $"gru{l}.state", Gru[l].State);
        }
        for (int i = 0; i < 4; i++)
        {
            EncoderWeights.Add(weights, $"{DiffusionMatcher.Parts[i]}_head1", Heads[2 * i]);
            EncoderWeights.Add(weights, $"{DiffusionMatcher.Parts[i]}_head2", Heads[2 * i + 1]);
        }
        weights.Add("mean", Mean, ActorCount, Mean.Length / ActorCount);
        return weights;
    }
}

/// <summary>The layers that embed a noisy face.</summary>
internal sealed record GeometryLayers(
    LinearLayer Skin, ConvLayer SkinConv, LinearLayer Tongue, ConvLayer TongueConv, LinearLayer[] Jaw, LinearLayer[] Eyes,
    LinearLayer First, LinearLayer Second)
{
    public FaceSizes Features => new(Skin.Out, Tongue.Out, Jaw[1].Out, Eyes[1].Out);

    public void AddTo(WeightSet weights)
    {
        EncoderWeights.Add(weights, "skin_embed", Skin);
        weights.Add("skin_embed.conv.weight", SkinConv.Weight, SkinConv.Weight.Length);
        weights.Add("skin_embed.conv.bias", SkinConv.Bias, 1);
        EncoderWeights.Add(weights, "tongue_embed", Tongue);
        weights.Add("tongue_embed.conv.weight", TongueConv.Weight, TongueConv.Weight.Length);
        weights.Add("tongue_embed.conv.bias", TongueConv.Bias, 1);
        for (int i = 0; i < 2; i++) EncoderWeights.Add(weights, $"jaw_embed{i + 1}", Jaw[i]);
        for (int i = 0; i < 2; i++) EncoderWeights.Add(weights, $"eyes_embed{i + 1}", Eyes[i]);
        EncoderWeights.Add(weights, "geometry1", First);
        EncoderWeights.Add(weights, "geometry2", Second);
    }
}

/// <summary>One denoising step as found: its layers and the factors of what it adds up.</summary>
internal sealed record SampledStep(DiffusionStepLayers Layers, double Prediction, double Previous, double Noise, OnnxNode? Node);

/// <summary>All of a diffusion network as found in a graph. Steps are in the order they are taken.</summary>
internal sealed record DiffusionLayers(
    List<SampledStep> Steps, Wav2VecLayers Encoder, float[]? Scale, int WindowLength, int FrameCount, int FirstFrame, int CentreFrames);
