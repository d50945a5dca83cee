namespace A2F.Engine.Audio;

/// <summary>
/// Loads audio files. WAV files (told by their content, not their name) are read directly: PCM of 8 to 32 bits, 32 and 64-bit
/// float, A-law and mu-law, up to 1024 channels, 1 to 768 kHz. Everything else goes through the program <c>ffmpeg</c> where it
/// is on the PATH. Channels are averaged to one. Memory stays below 70 bytes for each byte of audio in the file (reached by
/// 8-bit audio at 1 kHz), plus 2 MiB.
/// </summary>
public static class AudioFile
{
    /// <summary>
    /// Loads a file as mono audio at 16 kHz: ceil(n * 16000 / rate) samples for n samples in the file, by a linear-phase filter
    /// without delay that keeps the pass band (to 0.92 of the lower Nyquist frequency) and suppresses what would alias by more
    /// than 80 dB. A file that is cut inside its audio gives what is there.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="A2FException">
    /// <see cref="A2FErrorCode.FileNotFound"/>; <see cref="A2FErrorCode.InvalidFile"/> when the file is corrupt, empty, or of a
    /// format that takes an <c>ffmpeg</c> that is not there; <see cref="A2FErrorCode.NotFinite"/> and
    /// <see cref="A2FErrorCode.OutOfRange"/> for NaN, infinite or absurd float samples; <see cref="A2FErrorCode.OutOfMemory"/>
    /// for more than 2^29 samples (3.1 hours at 48 kHz); <see cref="A2FErrorCode.DeviceUnavailable"/> when <c>ffmpeg</c> cannot
    /// be started or hangs; <see cref="A2FErrorCode.Io"/> when the file cannot be read.
    /// </exception>
    public static AudioClip Load(string path) => Load(path, Ffmpeg.FromPath(Environment.GetEnvironmentVariable("PATH")));

    /// <summary>As <see cref="Load(string)"/>, but starts no other program, so that only WAV files can be read.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="A2FException">As <see cref="Load(string)"/>.</exception>
    public static AudioClip LoadWav(string path) => Load(path, null, "convert the file to WAV");

    internal static AudioClip Load(string path, Ffmpeg? ffmpeg, string? advice = null)
    {
        if (string.IsNullOrEmpty(path) || path.Contains('\0', StringComparison.Ordinal))
            throw new A2FException(A2FErrorCode.InvalidArgument, "The audio file's path is empty or has a zero byte, expected a path.");
        try
        {
            using FileStream file = Open(path);
            Span<byte> head = stackalloc byte[12];
            head = head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
            if (head.IsEmpty)
                throw new A2FException(A2FErrorCode.InvalidFile, $"{path} holds no audio: the file is empty.");
            if (!WavReader.LooksLikeWav(head))
                return Convert(path, $"{path} is not a WAV file (it starts with the bytes {System.Convert.ToHexString(head)})", ffmpeg, advice);
            WavHeader header = WavReader.ReadHeader(file, path);
            if (header.Encoding == WavEncoding.Unsupported)
                return Convert(path, $"{path} is a WAV file of an unsupported coding (format tag 0x{header.FormatTag:X4})", ffmpeg, advice);
            return Decode(file, header, path, header.Description);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new A2FException(A2FErrorCode.Io, $"{path} cannot be read: {e.Message}", e);
        }
        catch (OutOfMemoryException e)
        {
            throw new A2FException(A2FErrorCode.OutOfMemory, $"{path} does not fit into memory. Split it into shorter files.", e);
        }
    }

    private static FileStream Open(string path)
    {
        if (Directory.Exists(path))
            throw new A2FException(A2FErrorCode.InvalidFile, $"{path} is a folder, expected an audio file.");
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new A2FException(A2FErrorCode.FileNotFound, $"{path} does not exist, expected an audio file.", e);
        }
    }

    private static AudioClip Convert(string path, string problem, Ffmpeg? ffmpeg, string? advice)
    {
        if (ffmpeg is null)
        {
            throw new A2FException(A2FErrorCode.InvalidFile,
                $"{problem}; {advice ?? "install ffmpeg and put it on the PATH to read other formats, or convert the file to WAV"}.");
        }
        using FileStream converted = ffmpeg.ToWav(path);
        string name = $"ffmpeg's output for {path}";
        return Decode(converted, WavReader.ReadHeader(converted, name), name, "decoded by ffmpeg");
    }

    private static AudioClip Decode(FileStream file, WavHeader header, string name, string description)
    {
        if (header.Frames == 0)
            throw new A2FException(A2FErrorCode.InvalidFile, $"{name} holds no audio: expected at least one sample, found none.");
        float[] mono = WavDecoder.ReadMono(file, header, name);
        float[] samples = header.SampleRate == Resampler.TargetRate ? mono : Resampler.ToTargetRate(mono, header.SampleRate);
        return new AudioClip(samples, header.SampleRate, header.Channels, description);
    }
}
