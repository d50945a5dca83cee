namespace A2F.Engine.Backends.Cuda;

/// <summary>How a GPU stores activations and weights. Sums, statistics and softmax are float32 in either.</summary>
public enum Precision
{
    /// <summary>float32 throughout, on CUDA cores: the reference.</summary>
    Float32,

    /// <summary>Half precision in memory and in tensor cores, with float32 accumulation.</summary>
    Float16,
}
