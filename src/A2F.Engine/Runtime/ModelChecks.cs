using A2F.Engine.Backends;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;

namespace A2F.Engine.Runtime;

/// <summary>What all models check about what they are given and what comes out.</summary>
internal static class ModelChecks
{
    internal static void Batch(ModelOptions options)
    {
        if (options.MaxBatch is < 1 or > 1024)
            throw new A2FException(A2FErrorCode.OutOfRange, $"batch: expected 1 to 1024, found {options.MaxBatch}");
    }

    /// <summary>
    /// Builds a network, whose complaints about weights and sizes know nothing of files; here they learn the folder and what to do.
    /// </summary>
    internal static PlacedNetwork<T> Place<T>(string folder, bool packed, ModelOptions options, Func<OperatorSet, T> build)
        where T : INetwork
    {
        try
        {
            return Devices.Place(options, build);
        }
        catch (A2FException e) when (e.Code == A2FErrorCode.InvalidModel)
        {
            string advice = packed ? "import the model again" : "export the model again";
            throw new A2FException(e.Code, $"{folder}: its network cannot be built: {e.Message}; {advice}", e);
        }
    }

    internal static void Length(string what, int found, int count, int length)
    {
        if (found != (long)count * length)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"{what}: expected {count} x {length} values, found {found}");
    }

    internal static void Finite(string what, ReadOnlySpan<float> values, int length, string advice = "")
    {
        int index = Animation.Finite.IndexOfBad(values);
        if (index >= 0)
        {
            throw new A2FException(A2FErrorCode.NotFinite,
                $"{what} {index / length}: element {index % length} is {values[index]}; expected a finite number below 1e6{advice}");
        }
    }

    /// <summary>What to do about a result that is not finite.</summary>
    internal static string AdviceFor(OperatorSet? ops) =>
        ops is CudaOperators { Precision: Precision.Float16 } ? "; a value may have left the range of fp16, try fp32" : "";
}
