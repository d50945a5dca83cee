using System.Numerics;

namespace A2F.Engine.Weights;

/// <summary>Sizes and names from network_info.json of a diffusion model.</summary>
/// <param name="Actor">Name of the model ("multi" for several identities).</param>
/// <param name="Identities">Names of the identities, in the order of the network's input.</param>
/// <param name="Emotions">Names of the emotions, in the order of the network's input.</param>
/// <param name="DefaultEmotion">One value per emotion, used where the caller gives none.</param>
/// <param name="SkinSize">Skin outputs: 3 per vertex.</param>
/// <param name="TongueSize">Tongue outputs: 3 per vertex.</param>
/// <param name="JawSize">Jaw outputs: 3 per jaw point.</param>
/// <param name="EyesSize">Eye outputs: right x, right y, left x, left y, in degrees.</param>
/// <param name="Steps">Denoising steps.</param>
/// <param name="GruLayers">GRU layers.</param>
/// <param name="GruSize">Channels of the GRU.</param>
/// <param name="LeftFrames">Frames of a window before those that are a result.</param>
/// <param name="CentreFrames">Frames of a window that are a result.</param>
/// <param name="RightFrames">Frames of a window after those that are a result.</param>
/// <param name="BufferLength">Audio window of one inference, in samples.</param>
/// <param name="PaddingLeft">Silence before the audio, in samples.</param>
/// <param name="PaddingRight">Silence after the audio, in samples.</param>
/// <param name="SampleRate">Samples per second.</param>
public sealed record DiffusionInfo(
    string Actor,
    IReadOnlyList<string> Identities,
    IReadOnlyList<string> Emotions,
    IReadOnlyList<float> DefaultEmotion,
    int SkinSize,
    int TongueSize,
    int JawSize,
    int EyesSize,
    int Steps,
    int GruLayers,
    int GruSize,
    int LeftFrames,
    int CentreFrames,
    int RightFrames,
    int BufferLength,
    int PaddingLeft,
    int PaddingRight,
    int SampleRate)
{
    /// <summary>Number of skin vertices.</summary>
    public int SkinVertices => SkinSize / 3;

    /// <summary>Number of tongue vertices.</summary>
    public int TongueVertices => TongueSize / 3;

    /// <summary>Length of one frame of the network's output: skin, tongue, jaw, eyes.</summary>
    public int OutputLength => SkinSize + TongueSize + JawSize + EyesSize;

    /// <summary>All frames of a window.</summary>
    public int FrameCount => LeftFrames + CentreFrames + RightFrames;

    /// <summary>Frames per second: those of a window over its length.</summary>
    public double FrameRate => (double)FrameCount * SampleRate / BufferLength;

    /// <summary><see cref="FrameRate"/> as a reduced fraction.</summary>
    public (int Numerator, int Denominator) FrameRateFraction
    {
        get
        {
            long numerator = (long)FrameCount * SampleRate;
            long divisor = (long)BigInteger.GreatestCommonDivisor(numerator, BufferLength);
            return (checked((int)(numerator / divisor)), checked((int)(BufferLength / divisor)));
        }
    }
}
