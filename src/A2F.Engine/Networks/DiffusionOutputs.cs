namespace A2F.Engine.Networks;

/// <summary>What a diffusion network can put out.</summary>
[Flags]
internal enum DiffusionOutputs
{
    /// <summary>Displacements of all vertices of skin and tongue, jaw, eyes.</summary>
    Vertices = 1,

    /// <summary>What the last layers of skin and tongue would turn into vertices; jaw, eyes.</summary>
    Features = 2,

    /// <summary>Either, run by run.</summary>
    Both = Vertices | Features,
}
