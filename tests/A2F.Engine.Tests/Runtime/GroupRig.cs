namespace A2F.Engine.Tests.Runtime;

/// <summary>Audio for tests of groups.</summary>
internal static class GroupRig
{
    /// <summary>Something like a voice, another one for each seed.</summary>
    public static float[] Audio(int seed, int samples = 20000)
    {
        Random random = new(seed);
        float pitch = 0.03f + 0.02f * random.NextSingle();
        return [.. Enumerable.Range(0, samples).Select(i => 0.3f * MathF.Sin(pitch * i) * MathF.Sin(0.0007f * i) + 0.02f * random.NextSingle())];
    }
}
