namespace A2F.Engine.Bench;

/// <summary>Seeded numbers for benchmarks whose result nobody looks at.</summary>
internal static class Noise
{
    /// <summary>Uniform in [0.25, 1) with random signs.</summary>
    public static float[] Of(int count, int seed)
    {
        Random random = new(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) values[i] = (0.25f + (0.75f * random.NextSingle())) * (random.Next(2) == 0 ? -1 : 1);
        return values;
    }
}
