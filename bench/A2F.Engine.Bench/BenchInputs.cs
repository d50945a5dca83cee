using A2F.Engine.Weights;

namespace A2F.Engine.Bench;

/// <summary>Where the inputs of one batch come from: the folder's recorded ones, else made ones.</summary>
internal sealed class BenchInputs : IDisposable
{
    private const int SampleRate = 16000;

    private readonly NpzFile? _file;
    private readonly string _prefix = "";
    private readonly string _path;
    private readonly int _batch;

    /// <summary>Inputs of a folder: from its io.npz (those of batch 1, repeated, where it has none of this batch), if it is there.</summary>
    /// <exception cref="A2FException">io.npz is there but can't be read.</exception>
    public BenchInputs(string folder, int batch, string anyInput)
    {
        (_path, _batch) = (Path.Combine(folder, "io.npz"), batch);
        if (!File.Exists(_path)) return;
        _file = NpzFile.Open(_path);
        _prefix = FormattableString.Invariant($"b{batch}.");
        if (!_file.Contains(_prefix + anyInput)) _prefix = "b1.";
    }

    /// <summary>Where they come from, for the report.</summary>
    public string Source => _file is null ? "synthetic" : $"io.npz, {_prefix[..^1]}";

    /// <summary>Values of one window of a recorded input, or null.</summary>
    public int? RecordedLength(string name) => _file?.Read(_prefix + name) is { } array ? array.ToFloat32().Length / array.Shape[0] : null;

    /// <summary>The recorded array of this name for the whole batch, or null.</summary>
    /// <exception cref="A2FException">It does not fit the network.</exception>
    public float[]? Recorded(string name, int lengthOfOne)
    {
        if (_file is null) return null;
        NdArray array = _file.Read(_prefix + name);
        float[] row = array.ToFloat32();
        int length = _batch * lengthOfOne;
        if (row.Length == 0 || length % row.Length != 0)
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"{_path}: {_prefix}{name}: expected {length} elements or a part of them, found {NdArray.FormatShape(array.Shape)}");
        }
        float[] all = new float[length];
        for (int i = 0; i < length; i += row.Length) row.CopyTo(all, i);
        return all;
    }

    /// <summary>Recorded audio or made sound, [batch, samples].</summary>
    public float[] Audio(string name, int samples) => Recorded(name, samples) ?? Sound(_batch * samples);

    /// <summary>Recorded values or uniform ones in [0, 1), [batch, count].</summary>
    public float[] Values(string name, int count)
    {
        Random random = new(1);
        return Recorded(name, count) ?? [.. Enumerable.Range(0, _batch * count).Select(_ => random.NextSingle())];
    }

    public void Dispose() => _file?.Dispose();

    /// <summary>Speech-like sound: harmonics of a gliding pitch under a syllable-rate envelope, with breath noise; every window differs.</summary>
    public static float[] Sound(int samples)
    {
        Random random = new(1);
        float[] audio = new float[samples];
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
        return audio;
    }
}
