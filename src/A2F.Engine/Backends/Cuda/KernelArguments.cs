using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace A2F.Engine.Backends.Cuda;

// Parameters of kernels as they lie in memory; each mirrors the struct of the same name in kernels/.

/// <summary>View of common.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct View(Tensor t)
{
    private readonly ulong _data = (ulong)t.Address;
    private readonly long _itemStride = t.ItemStride;
    private readonly int _rowStride = t.RowStride;
    private readonly int _rows = t.Rows;
}

/// <summary>GemmArguments of gemm.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct GemmArguments
{
    internal ulong X, Weights, Bias, Y, Residual, Partials, ItemScale;
    internal long XItems, YItems, ResidualItems, ScaleItems;
    internal int XStep, XTaps, YRows, ResidualRows;
    internal int Rows, AllRows;
    internal int Inputs, Depth, Outputs, Pitch;
    internal int Splits, Chunk;
    internal int Activation;
    internal GemmFlags Flags;
}

/// <summary>GemmFlags of gemm.cuh.</summary>
[Flags]
internal enum GemmFlags
{
    HalfY = 1,
    Pairs = 2,
    Residual = 4,
    Accumulate = 8,
}

/// <summary>ReduceArguments of reduce.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ReduceArguments
{
    internal ulong Partials, Bias;
    internal View Residual, Y, Sum;
    internal ulong Scale, Shift;
    internal float Epsilon;
    internal int Splits, AllRows, Columns, Activation;
}

/// <summary>ConvNormArguments of conv_norm.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ConvNormArguments
{
    internal View Audio, Y;
    internal ulong Moments, Weights, Scale, Shift;
    internal float Epsilon;
    internal int Stride, Channels, Pitch, Activation;
}

/// <summary>LayerNormArguments of rows.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LayerNormArguments
{
    internal View X, Y;
    internal ulong Scale, Shift;
    internal float Epsilon;
    internal int Columns, AllRows, Activation;
}

/// <summary>GruArguments of gru.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct GruArguments
{
    internal View X, Y;
    internal ulong Weights, Bias, State, FinalState;
    internal long StateItems, FinalItems;
    internal int Items, Resident;
}

/// <summary>BroadcastArguments of rows.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BroadcastArguments
{
    internal const int MostTargets = 8;

    [InlineArray(MostTargets)]
    internal struct TargetArray
    {
        private View _first;
    }

    internal View X;
    internal ulong Weights, Bias;
    internal int Inputs, Outputs, Pitch, Count;
    internal TargetArray Targets;
}
