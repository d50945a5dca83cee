using System.Runtime.InteropServices;
using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Backends.Cuda;

// The recurrent layer: see gru.cuh.
internal sealed unsafe partial class CudaOperators
{
    internal override GruWeights PackGru(ReadOnlySpan<float> weights, ReadOnlySpan<float> bias)
    {
        GruShape shape = new(bias.Length / 3, _storage);
        int most = Occupancy.MostSharedBytes(_worker.Architecture);
        if (shape.StateBytes > most)
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"a GRU of {shape.Channels} channels needs {shape.StateBytes} bytes of shared memory; sm_{_worker.Architecture} has {most}");
        }
        ulong matrix = _worker.Allocate(shape.MatrixBytes, zeroed: false);
        ulong added = _worker.Allocate((long)bias.Length * sizeof(float), zeroed: false);
        if (_worker is not CudaPlan)
        {
            _worker.Upload(matrix, CudaGruWeights.Layout(weights, shape));
            _worker.Upload(added, MemoryMarshal.AsBytes(bias));
        }
        return new CudaGruWeights { Channels = shape.Channels, Matrix = matrix, Bias = added, Shape = shape };
    }

    internal override void Gru(Tensor gates, GruWeights weights, Tensor state, Tensor y, Tensor finalState)
    {
        CudaGruWeights w = (CudaGruWeights)weights;
        CheckGru(gates, w, state, y, finalState);
        CheckStorage(gates, y);
        GruShape shape = w.Shape;
        GruArguments arguments = new()
        {
            X = new View(gates),
            Y = new View(y),
            Weights = w.Matrix,
            Bias = w.Bias,
            State = (ulong)state.Address,
            FinalState = (ulong)finalState.Address,
            StateItems = state.ItemStride,
            FinalItems = finalState.ItemStride,
            Items = y.Items,
            Resident = shape.Resident(_worker.Architecture),
        };
        void* pointer = &arguments;
        _worker.Launch(
            new KernelLaunch(shape.Kernel, new Dim3(Blocks(y.Items, GruShape.Items)), shape.Threads,
                shape.StateBytes + arguments.Resident * shape.SliceBytes, 6L * y.Items * y.Rows * w.Channels * w.Channels,
                BytesOf(gates) + BytesOf(y) + shape.MatrixBytes),
            &pointer);
    }
}
