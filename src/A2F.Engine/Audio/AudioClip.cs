namespace A2F.Engine.Audio;

/// <summary>Mono audio at 16 kHz, ready for a network, and where it came from.</summary>
public sealed class AudioClip
{
    /// <summary>Samples a second of <see cref="Samples"/>.</summary>
    public const int SampleRate = Resampler.TargetRate;

    internal AudioClip(float[] samples, int sourceRate, int sourceChannels, string sourceFormat)
    {
        Samples = samples;
        SourceRate = sourceRate;
        SourceChannels = sourceChannels;
        SourceFormat = sourceFormat;
    }

    /// <summary>The samples: mono, 16 kHz, full scale at -1 to 1, all finite, at least one.</summary>
    public ReadOnlyMemory<float> Samples { get; }

    /// <summary>The length of <see cref="Samples"/>.</summary>
    public TimeSpan Duration => TimeSpan.FromTicks(Samples.Length * (TimeSpan.TicksPerSecond / SampleRate));

    /// <summary>Samples a second of the source, before resampling.</summary>
    public int SourceRate { get; }

    /// <summary>Channels of the source, before they were averaged.</summary>
    public int SourceChannels { get; }

    /// <summary>The source's format for people, for example "WAV, 16-bit PCM".</summary>
    public string SourceFormat { get; }

    /// <summary>
    /// Makes a clip from samples in memory. They are copied, and resampled to 16 kHz as <see cref="AudioFile.Load(string)"/> does.
    /// </summary>
    /// <param name="samples">Mono samples, full scale at -1 to 1, at least one.</param>
    /// <param name="sampleRate">Samples a second, 1000 to 768000.</param>
    /// <exception cref="A2FException">
    /// <see cref="A2FErrorCode.InvalidArgument"/> without samples; <see cref="A2FErrorCode.NotFinite"/> for a NaN or infinite
    /// sample; <see cref="A2FErrorCode.OutOfRange"/> for a rate or a sample (beyond 1e6) out of range;
    /// <see cref="A2FErrorCode.OutOfMemory"/> beyond 9.3 hours.
    /// </exception>
    public static AudioClip FromSamples(ReadOnlySpan<float> samples, int sampleRate)
    {
        if (samples.IsEmpty)
            throw new A2FException(A2FErrorCode.InvalidArgument, "There is no audio: expected at least one sample, found none.");
        WavDecoder.CheckValues(samples, 0, 1, "The given audio");
        return new AudioClip(Resampler.ToTargetRate(samples, sampleRate), sampleRate, 1, "samples in memory");
    }
}
