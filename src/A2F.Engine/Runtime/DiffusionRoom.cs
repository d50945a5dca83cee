namespace A2F.Engine.Runtime;

/// <summary>
/// Room for the batch of tracks that a model runs, kept from one to the next and as large as the largest: not of a shared pool, which forgets arrays
/// now and then, so that warm windows take no memory.
/// </summary>
internal sealed class DiffusionRoom
{
    private readonly float[][] _floats = [[], [], [], [], [], []];
    private DiffusionTrack[] _tracks = [];

    /// <summary>Room for so many tracks.</summary>
    public DiffusionTrack[] Tracks(int count)
    {
        if (_tracks.Length < count) _tracks = new DiffusionTrack[count];
        return _tracks;
    }

    /// <summary>One of six arrays.</summary>
    public Span<float> Floats(int which, int length)
    {
        if (_floats[which].Length < length) _floats[which] = new float[length];
        return _floats[which].AsSpan(0, length);
    }
}
