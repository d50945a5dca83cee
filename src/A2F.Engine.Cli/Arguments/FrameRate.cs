using System.Globalization;
using A2F.Engine.Audio;
using A2F.Engine.Runtime;

namespace A2F.Engine.Cli.Arguments;

/// <summary>Frames per second as a fraction.</summary>
internal readonly record struct FrameRate(int Numerator, int Denominator)
{
    private const int Largest = 1_000_000;
    private const int MostPerSecond = 1000;

    /// <summary>Reads "60" or "30000/1001".</summary>
    /// <exception cref="UsageException">It is neither, or more than 1000 frames a second.</exception>
    public static FrameRate Parse(string text)
    {
        string[] parts = text.Split('/');
        if (parts.Length > 2 || !TryPart(parts[0], out int numerator) || !TryPart(parts.Length == 2 ? parts[1] : "1", out int denominator))
        {
            throw new UsageException(
                $"--fps: expected a whole number or a fraction of numbers from 1 to {Largest}, such as 60 or 30000/1001, found '{text}'");
        }
        return (long)denominator * MostPerSecond >= numerator
            ? new FrameRate(numerator, denominator)
            : throw new UsageException($"--fps: expected at most {MostPerSecond} frames a second, found {text}");
    }

    /// <summary>When a frame is shown, in seconds.</summary>
    public decimal TimeOf(int frame) => (decimal)frame * Denominator / Numerator;

    /// <summary>When a frame of an animation is shown: a track's first frame need not sit at its first sample.</summary>
    public static decimal TimeOf(FaceTrack track, int frame) =>
        new FrameRate(track.FramesNumerator, track.FramesDenominator).TimeOf(frame) + (decimal)track.Timestamps[0] / AudioClip.SampleRate;

    /// <inheritdoc/>
    public override string ToString() => Denominator == 1 ? $"{Numerator}" : $"{Numerator}/{Denominator}";

    private static bool TryPart(string text, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value is >= 1 and <= Largest;
}
