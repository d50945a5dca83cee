namespace A2F.Engine.Animation;

/// <summary>
/// Rotates the eyes of one track: offset + eyeballsStrength*network + saccadeStrength*saccade row. The row is chosen by a clock of 30 rows
/// a second that runs in float32, rounding included, because at rates like 25 or 29.97 the rounding decides which row a frame gets.
/// </summary>
internal sealed class EyesAnimator(ReadOnlyMemory<float> saccades, float frameSeconds)
{
    private const float RowsPerSecond = 30f;
    private readonly int _rows = saccades.Length / 2;
    private float _clock;

    /// <summary>Starts the clock again.</summary>
    public void Reset() => _clock = 0f;

    /// <summary>One frame.</summary>
    /// <param name="network">Right x, right y, left x, left y, in degrees.</param>
    /// <param name="p">Strengths, offsets and seed.</param>
    /// <param name="rotation">Receives right x, y, z, left x, y, z, in degrees; z is 0.</param>
    public void Animate(ReadOnlySpan<float> network, AnimatorParameters p, Span<float> rotation)
    {
        float saccadeX = 0f;
        float saccadeY = 0f;
        if (_rows > 0)
        {
            int row = NextRow(p.EyeSaccadeSeed);
            saccadeX = saccades.Span[2 * row] * p.SaccadeStrength;
            saccadeY = saccades.Span[2 * row + 1] * p.SaccadeStrength;
        }
        rotation[0] = p.RightEyeRotXOffset + p.EyeballsStrength * network[0] + saccadeX;
        rotation[1] = p.RightEyeRotYOffset + p.EyeballsStrength * network[1] + saccadeY;
        rotation[2] = 0f;
        rotation[3] = p.LeftEyeRotXOffset + p.EyeballsStrength * network[2] + saccadeX;
        rotation[4] = p.LeftEyeRotYOffset + p.EyeballsStrength * network[3] + saccadeY;
        rotation[5] = 0f;
    }

    /// <summary>The saccade row of this frame; advances the clock.</summary>
    public int NextRow(float seed)
    {
        float position = (float)(seed + _clock) % _rows;
        float step = (float)(frameSeconds * RowsPerSecond);
        _clock = (float)(_clock + step) % _rows;
        int row = (int)position;
        return row < 0 ? row + _rows : row;
    }
}
