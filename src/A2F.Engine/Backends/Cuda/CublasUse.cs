namespace A2F.Engine.Backends.Cuda;

/// <summary>Whether large plain products go to cuBLAS. Its results may depend on the batch in their last bits; our kernels' do not.</summary>
public enum CublasUse
{
    /// <summary>Never; cuBLAS need not be installed.</summary>
    Off,

    /// <summary>For each layer, whichever was faster when the model was loaded, measured at the largest batch.</summary>
    Measured,

    /// <summary>For every layer that it can compute.</summary>
    On,
}
