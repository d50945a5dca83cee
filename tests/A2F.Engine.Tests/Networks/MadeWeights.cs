using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Tests.Networks;

/// <summary>Weights of the right shapes for networks of any size.</summary>
/// <param name="values">Makes the values of a tensor from its name and length.</param>
internal sealed class MadeWeights(Func<string, int, float[]> values)
{
    public WeightSet Set { get; } = new();

    public void Add(string name, params int[] shape) => Set.Add(name, values(name, shape.Aggregate(1, (a, b) => a * b)), shape);

    public void Linear(string name, int from, int to)
    {
        Add(name + ".weight", from, to);
        Add(name + ".bias", to);
    }

    public void Norm(string name, int size)
    {
        Add(name + ".weight", size);
        Add(name + ".bias", size);
    }

    /// <summary>A speech encoder without a mix of its layers.</summary>
    public void Encoder(Wav2VecConfig w2v)
    {
        for (int i = 0; i < w2v.Convs.Count; i++)
        {
            Add($"w2v.conv{i}.weight", w2v.Convs[i].Kernel, i == 0 ? 1 : w2v.Channels, w2v.Channels);
            if (w2v.LayerNormConvs) Add($"w2v.conv{i}.bias", w2v.Channels);
            if (w2v.LayerNormConvs || i == 0) Norm($"w2v.conv{i}.norm", w2v.Channels);
        }
        Norm("w2v.projection.norm", w2v.Channels);
        Linear("w2v.projection", w2v.Channels, w2v.Dim);
        Add("w2v.position.weight", w2v.PositionKernel, w2v.Dim / w2v.PositionGroups, w2v.Dim);
        Add("w2v.position.bias", w2v.Dim);
        Norm("w2v.norm", w2v.Dim);
        for (int i = 0; i < w2v.Layers; i++)
        {
            Linear($"w2v.layer{i}.qkv", w2v.Dim, 3 * w2v.Dim);
            Linear($"w2v.layer{i}.attention_out", w2v.Dim, w2v.Dim);
            Norm($"w2v.layer{i}.norm1", w2v.Dim);
            Linear($"w2v.layer{i}.ff1", w2v.Dim, w2v.FeedForward);
            Linear($"w2v.layer{i}.ff2", w2v.FeedForward, w2v.Dim);
            Norm($"w2v.layer{i}.norm2", w2v.Dim);
        }
    }

    /// <summary>A diffusion network.</summary>
    public static WeightSet Of(DiffusionConfig c, int featureTaps, Func<string, int, float[]> values)
    {
        MadeWeights made = new(values);
        made.Encoder(c.Encoder);
        made.Linear("audio", c.AudioRows * c.Encoder.Dim, c.AudioFeatures);
        FaceSizes o = c.Outputs, f = c.Features, h = c.Hidden;
        foreach ((string name, int outputs, int features, int hidden) in new[]
        {
            ("skin", o.Skin, f.Skin, h.Skin), ("tongue", o.Tongue, f.Tongue, h.Tongue), ("jaw", o.Jaw, f.Jaw, h.Jaw), ("eyes", o.Eyes, f.Eyes, h.Eyes),
        })
        {
            bool convolved = name is "skin" or "tongue";
            made.Linear(convolved ? $"{name}_embed" : $"{name}_embed1", outputs, features);
            if (convolved)
            {
                made.Add($"{name}_embed.conv.weight", featureTaps);
                made.Add($"{name}_embed.conv.bias", 1);
            }
            else
            {
                made.Linear($"{name}_embed2", features, features);
            }
            made.Linear($"{name}_head1", c.GruSize, hidden);
            made.Linear($"{name}_head2", hidden, outputs);
        }
        made.Linear("geometry1", f.Total, f.Total);
        made.Linear("geometry2", f.Total, c.GeometryFeatures);
        made.Add("actor.weight", c.ActorCount, c.ActorFeatures);
        made.Add("emotion.weight", c.EmotionCount, c.EmotionFeatures);
        made.Add("time.weight", c.Steps.Count, c.TimeFeatures);
        made.Add("time.bias", c.TimeFeatures);
        int inputs = c.AudioFeatures + c.GeometryFeatures + c.ActorFeatures + c.TimeFeatures + c.EmotionFeatures;
        for (int layer = 0; layer < c.GruLayers; layer++)
        {
            made.Linear($"gru{layer}.input", layer == 0 ? inputs : c.GruSize, 3 * c.GruSize);
            made.Linear($"gru{layer}.state", c.GruSize, 3 * c.GruSize);
        }
        made.Add("mean", c.ActorCount, o.Total);
        if (c.Delta) made.Add("scale", c.ActorCount, 4);
        return made.Set;
    }

    /// <summary>An emotion classifier.</summary>
    public static WeightSet Of(EmotionConfig c, Func<string, int, float[]> values)
    {
        MadeWeights made = new(values);
        made.Encoder(c.Encoder);
        made.Linear("head1", c.Encoder.Dim, c.HeadWidth);
        made.Linear("head2", c.HeadWidth, c.Labels);
        return made.Set;
    }
}
