using A2F.Engine.Weights;

namespace A2F.Engine.Bench;

/// <summary>Network inputs of one batch.</summary>
/// <param name="Audio">Windows, [batch, samples].</param>
/// <param name="Emotion">Implicit and explicit emotion, [batch, values].</param>
/// <param name="Expected">The result recorded for these inputs, computed in double precision, [batch, outputs]; null for made inputs.</param>
/// <param name="Source">Where they come from, for the report.</param>
internal sealed record CompareInputs(float[] Audio, float[] Emotion, float[]? Expected, string Source)
{
    private const int SampleRate = 16000;

    /// <summary>
    /// The inputs recorded in the folder's io.npz (those of batch 1, repeated, where it has none of this batch), else made ones.
    /// </summary>
    /// <exception cref="A2FException">io.npz is there but can't be read, or does not fit the network.</exception>
    public static CompareInputs For(string folder, int batch, int samples, int emotions, int outputs)
    {
        string path = Path.Combine(folder, "io.npz");
        if (!File.Exists(path)) return Synthetic(batch, samples, emotions, seed: 1);
        using NpzFile file = NpzFile.Open(path);
        string prefix = FormattableString.Invariant($"b{batch}");
        if (!file.Contains($"{prefix}.input")) prefix = "b1";
        return new CompareInputs(
            Repeat(file.Read($"{prefix}.input"), batch * samples, $"{path}: {prefix}.input"),
            Repeat(file.Read($"{prefix}.emotion"), batch * emotions, $"{path}: {prefix}.emotion"),
            Repeat(file.Read($"{prefix}.result_f64"), batch * outputs, $"{path}: {prefix}.result_f64"),
            $"io.npz, {prefix}");
    }

    private static float[] Repeat(NdArray array, int length, string where)
    {
        float[] row = array.ToFloat32();
        if (row.Length == 0 || length % row.Length != 0)
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"{where}: expected {length} elements or a part of them, found {NdArray.FormatShape(array.Shape)}");
        }
        float[] all = new float[length];
        for (int i = 0; i < length; i += row.Length) row.CopyTo(all, i);
        return all;
    }

    /// <summary>Speech-like sound: harmonics of a gliding pitch under a syllable-rate envelope, with breath noise; every window differs.</summary>
    private static CompareInputs Synthetic(int batch, int samples, int emotions, int seed)
    {
        Random random = new(seed);
        float[] audio = new float[batch * samples];
        double phase = 0;
        for (int i = 0; i < audio.Length; i++)
        {
            double time = (double)i / SampleRate;
            phase += Math.Tau * (120 + (25 * Math.Sin(Math.Tau * 0.7 * time))) / SampleRate;
            double voice = 0;
            for (int harmonic = 1; harmonic <= 20; harmonic++) voice += Math.Sin(harmonic * phase) / harmonic;
            double envelope = Math.Pow(Math.Sin(Math.Tau * 2 * time), 2);
            audio[i] = (float)(envelope * ((0.2 * voice) + (0.02 * ((2 * random.NextDouble()) - 1))));
        }
        float[] emotion = new float[batch * emotions];
        for (int i = 0; i < emotion.Length; i++) emotion[i] = random.NextSingle();
        return new CompareInputs(audio, emotion, Expected: null, "synthetic");
    }
}
