using System.Runtime.InteropServices;
using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Backends.Cuda;

// The products: see gemm.cuh, gemm_f16.cu, gemm_f32.cu, reduce.cu.
internal sealed unsafe partial class CudaOperators
{
    internal override GemmWeights Pack(
        ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, int taps, int inputs, int outputs, int groups = 1, bool float32Input = false)
    {
        CheckPack(weights.Length, bias.Length, taps, inputs, outputs, groups);
        ElementType type = float32Input ? ElementType.Float32 : _storage;
        // Where x has its rows padded, every load of x is an aligned one: the padding meets zero weights.
        int padded = groups == 1 && !float32Input ? Padded(inputs, type) : inputs, pitch = Padded(outputs, type);
        ulong matrix = _worker.Allocate((long)groups * taps * padded * pitch * (int)type, zeroed: false);
        ulong added = _worker.Allocate((long)groups * outputs * sizeof(float), zeroed: bias.IsEmpty);
        if (_worker is not CudaPlan)
        {
            _worker.Upload(matrix, CudaGemmWeights.Layout(weights, taps, inputs, outputs, groups, padded, pitch, type));
            if (!bias.IsEmpty) _worker.Upload(added, MemoryMarshal.AsBytes(bias));
        }
        return new CudaGemmWeights
        {
            Taps = taps,
            Inputs = inputs,
            Outputs = outputs,
            Groups = groups,
            Matrix = matrix,
            Bias = added,
            Type = type,
            PaddedInputs = padded,
            Pitch = pitch,
        };
    }

    internal override void Gemm(Tensor x, int stride, GemmWeights weights, Tensor y, Epilogue epilogue = default, int tapStride = 0)
    {
        CudaGemmWeights w = (CudaGemmWeights)weights;
        CheckGemm(x, stride, w, y, tapStride);
        if (Cublas != CublasUse.Off && TryCublas(x, stride, w, y, epilogue)) return;
        GemmArguments arguments = Arguments(x, stride, w, y, tapStride);
        arguments.Y = (ulong)y.Address;
        arguments.YItems = y.ItemStride;
        arguments.YRows = y.RowStride;
        arguments.Activation = (int)epilogue.Activation;
        if (y.Type == ElementType.Float16) arguments.Flags |= GemmFlags.HalfY;
        if (epilogue.Accumulate) arguments.Flags |= GemmFlags.Accumulate;
        bool pairs = InPairs(y) && w.Outputs % 2 == 0;
        long bytes = BytesOf(y);
        if (epilogue.Residual is Tensor residual)
        {
            if (residual.Type != y.Type) throw new A2FException(A2FErrorCode.Internal, $"a residual of {residual.Type} for {y.Type}");
            arguments.Residual = (ulong)residual.Address;
            arguments.ResidualItems = residual.ItemStride;
            arguments.ResidualRows = residual.RowStride;
            arguments.Flags |= GemmFlags.Residual;
            pairs &= InPairs(residual);
            bytes += BytesOf(y);
        }
        if (epilogue.ItemScale is Tensor scale)
        {
            if (scale.Type != ElementType.Float32) throw new A2FException(A2FErrorCode.Internal, $"an item scale of {scale.Type}");
            arguments.ItemScale = (ulong)scale.Address;
            arguments.ScaleItems = scale.ItemStride;
        }
        if (pairs) arguments.Flags |= GemmFlags.Pairs;
        LaunchGemm(x, w, arguments, bytes);
    }

    internal override void GemmLayerNorm(
        Tensor x, GemmWeights weights, Activation activation, Tensor residual, NormWeights norm, Tensor y, Tensor? sum = null)
    {
        CudaGemmWeights w = (CudaGemmWeights)weights;
        CheckGemm(x, 1, w, y, 0);
        CheckStorage(residual, y);
        if (sum is { } kept) CheckStorage(kept, y);
        int columns = w.Groups * w.Outputs, splits = w.Splits;
        ulong partials;
        if (Cublas != CublasUse.Off && IsForCublas(x, w, activation, residual, norm, y, sum))
        {
            splits = 1;
            partials = Product(x, w, y);
        }
        else
        {
            long bytes = (long)splits * y.Items * y.Rows * columns * sizeof(float);
            GemmArguments product = Arguments(x, 1, w, y, 0);
            product.Partials = partials = Ensure(ref _partials, bytes);
            product.Splits = splits;
            const int Deepest = 32; // what a tile takes of the depth at a time, a multiple of it for either precision
            product.Chunk = ((w.Depth + splits - 1) / splits + Deepest - 1) / Deepest * Deepest;
            LaunchGemm(x, w, product, bytes);
        }
        ReduceArguments arguments = new()
        {
            Partials = partials,
            Bias = w.Bias,
            Residual = new View(residual with { Rows = y.Rows }),
            Y = new View(y),
            Sum = sum is { } unnormalised ? new View(unnormalised) : default,
            Scale = (ulong)norm.Scale.Address,
            Shift = (ulong)norm.Shift.Address,
            Epsilon = norm.Epsilon,
            Splits = splits,
            AllRows = y.Items * y.Rows,
            Columns = columns,
            Activation = (int)activation,
        };
        void* pointer = &arguments;
        _worker.Launch(
            new KernelLaunch(new KernelSpec("reduce.cu", "reduce_norm", _half), new Dim3((uint)arguments.AllRows), 128, columns * sizeof(float),
                0, (long)splits * arguments.AllRows * columns * sizeof(float) + (sum is null ? 2 : 3) * BytesOf(y)),
            &pointer);
    }

    internal override void BroadcastLinear(Tensor x, GemmWeights weights, ReadOnlySpan<Tensor> targets)
    {
        CudaGemmWeights w = (CudaGemmWeights)weights;
        for (int first = 0; first < targets.Length; first += BroadcastArguments.MostTargets)
        {
            ReadOnlySpan<Tensor> some = targets.Slice(first, Math.Min(BroadcastArguments.MostTargets, targets.Length - first));
            BroadcastArguments arguments = new()
            {
                X = new View(x),
                Weights = w.Matrix,
                Bias = w.Bias,
                Inputs = w.Inputs,
                Outputs = w.Outputs,
                Pitch = w.Pitch,
                Count = some.Length,
            };
            long bytes = BytesOf(x);
            for (int i = 0; i < some.Length; i++)
            {
                CheckGemm(x, 1, w, some[i] with { Rows = 1 }, 0);
                arguments.Targets[i] = new View(some[i]);
                bytes += BytesOf(some[i]);
            }
            void* pointer = &arguments;
            _worker.Launch(
                new KernelLaunch(Rows("broadcast_linear"), new Dim3(Blocks(w.Outputs, 64), (uint)x.Items), 64, 0,
                    2L * x.Items * w.Inputs * w.Outputs, bytes),
                &pointer);
        }
    }

    /// <summary>What a product reads; where its sums go is the caller's to say.</summary>
    private static GemmArguments Arguments(Tensor x, int stride, CudaGemmWeights w, Tensor y, int tapStride) => new()
    {
        X = (ulong)x.Address,
        Weights = w.Matrix,
        Bias = w.Bias,
        XItems = x.ItemStride,
        XStep = stride * x.RowStride,
        XTaps = tapStride == 0 ? x.RowStride : tapStride,
        Rows = y.Rows,
        AllRows = y.Items * y.Rows,
        Inputs = w.PaddedInputs,
        Depth = w.Depth,
        Outputs = w.Outputs,
        Pitch = w.Pitch,
        Splits = 1,
        Chunk = w.Depth,
    };

    private void LaunchGemm(Tensor x, CudaGemmWeights w, GemmArguments arguments, long bytesOut)
    {
        if (x.Type != w.Type) throw new A2FException(A2FErrorCode.Internal, $"x of {x.Type} for weights of {w.Type}");
        bool aligned = IsAligned(x, w, arguments);
        if (!aligned && w.PaddedInputs != w.Inputs)
            throw new A2FException(A2FErrorCode.Internal, $"a layer of {w.Inputs} padded inputs reads rows that are not padded");
        int repetitions = w.Groups * arguments.Splits;
        GemmTile[] tiles = w.Type == ElementType.Float16 ? GemmTile.Float16 : GemmTile.Float32;
        GemmTile tile = GemmTile.Choose(tiles, aligned, arguments.AllRows, w.Outputs, repetitions, _worker.Multiprocessors);
        void* pointer = &arguments;
        _worker.Launch(
            new KernelLaunch(aligned ? tile.Aligned : tile.Unaligned!.Value,
                new Dim3(Blocks(w.Outputs, tile.Columns), Blocks(arguments.AllRows, tile.Rows), (uint)repetitions), tile.Threads, 0,
                2L * arguments.AllRows * w.Taps * w.Inputs * w.Outputs * w.Groups, BytesOf(x) + w.MatrixBytes + bytesOut),
            &pointer);
    }

    /// <summary>Whether each 16 bytes of neighbouring inputs of a tap are one aligned load.</summary>
    private static bool IsAligned(Tensor x, CudaGemmWeights w, in GemmArguments a)
    {
        int each = 16 / (int)x.Type;
        return x.Address % 16 == 0 && w.PaddedInputs % each == 0 && a.XItems % each == 0 && (a.XStep % each == 0 || a.Rows == 1)
            && (a.XTaps % each == 0 || w.Taps == 1);
    }

    private static bool InPairs(Tensor y) => y.Address % 4 == 0 && y.ItemStride % 2 == 0 && y.RowStride % 2 == 0;
}
