using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using A2F.Engine.Weights;

namespace A2F.Engine.Bench;

/// <summary>
/// One network in ONNX Runtime on the CPU, with every graph optimisation. Inputs and outputs are float tensors in buffers that are bound
/// once, so a run neither allocates nor copies.
/// </summary>
internal sealed unsafe class OrtSession : IDisposable
{
    private const int AllOptimizations = 99;

    private readonly OrtRuntime _runtime;
    private readonly OrtTensor[] _inputs;
    private readonly OrtTensor[] _outputs;
    private readonly byte** _names;
    private readonly void** _values;
    private void* _session;

    /// <summary>Loads a network for a fixed batch.</summary>
    /// <param name="runtime">The library.</param>
    /// <param name="modelPath">An .onnx file.</param>
    /// <param name="threads">Threads within an operator, the caller's included.</param>
    /// <param name="batch">Takes the place of the free first dimension of every tensor.</param>
    /// <param name="shapes">Shapes of tensors of which more than that is open, or where the batch is not the first dimension.</param>
    /// <exception cref="A2FException">ONNX Runtime refuses the network, or its tensors are not float with at most the batch free.</exception>
    public OrtSession(OrtRuntime runtime, string modelPath, int threads, int batch, IReadOnlyDictionary<string, int[]> shapes)
    {
        _runtime = runtime;
        _session = CreateSession(modelPath, threads);
        _inputs = ReadTensors(
            OrtFunction.SessionGetInputCount, OrtFunction.SessionGetInputName, OrtFunction.SessionGetInputTypeInfo, batch, shapes);
        _outputs = ReadTensors(
            OrtFunction.SessionGetOutputCount, OrtFunction.SessionGetOutputName, OrtFunction.SessionGetOutputTypeInfo, batch, shapes);

        int count = _inputs.Length + _outputs.Length;
        _names = (byte**)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(byte*));
        _values = (void**)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(void*));
        int i = 0;
        foreach (OrtTensor tensor in _inputs.Concat(_outputs))
        {
            _names[i] = tensor.Name8;
            _values[i++] = tensor.Value;
        }
    }

    /// <summary>Names and extents of the inputs, in the graph's order.</summary>
    public IReadOnlyList<OrtTensor> Inputs => _inputs;

    /// <summary>Names and extents of the outputs, in the graph's order.</summary>
    public IReadOnlyList<OrtTensor> Outputs => _outputs;

    /// <summary>The input of this name.</summary>
    public OrtTensor Input(string name) => Find(_inputs, name, "input");

    /// <summary>The output of this name.</summary>
    public OrtTensor Output(string name) => Find(_outputs, name, "output");

    /// <summary>Computes the outputs from the inputs.</summary>
    public void Run() => _runtime.Check(
        ((delegate* unmanaged<void*, void*, byte**, void**, nuint, byte**, nuint, void**, void*>)_runtime[OrtFunction.Run])(
            _session, null, _names, _values, (nuint)_inputs.Length,
            _names + _inputs.Length, (nuint)_outputs.Length, _values + _inputs.Length));

    public void Dispose()
    {
        if (_session == null) return;
        foreach (OrtTensor tensor in _inputs.Concat(_outputs)) tensor.Dispose();
        NativeMemory.Free(_names);
        NativeMemory.Free(_values);
        _runtime.Release(OrtFunction.ReleaseSession, _session);
        _session = null;
    }

    private static OrtTensor Find(OrtTensor[] tensors, string name, string kind) =>
        Array.Find(tensors, t => t.Name == name) ?? throw new A2FException(A2FErrorCode.InvalidModel,
            $"the network has no {kind} '{name}'; it has {string.Join(", ", tensors.Select(t => t.Name))}");

    private void* CreateSession(string modelPath, int threads)
    {
        void* options = null;
        void* session = null;
        _runtime.Check(((delegate* unmanaged<void**, void*>)_runtime[OrtFunction.CreateSessionOptions])(&options));
        try
        {
            SetNumber(options, OrtFunction.SetIntraOpNumThreads, threads);
            SetNumber(options, OrtFunction.SetInterOpNumThreads, 1);
            SetNumber(options, OrtFunction.SetSessionGraphOptimizationLevel, AllOptimizations);
            // Workers that spin after a run would slow the other side's turn. Within a run spinning is what makes several threads fast.
            SetEntry(options, "session.intra_op.allow_spinning", threads > 1 ? "1" : "0");
            SetEntry(options, "session.force_spinning_stop", "1");
            fixed (byte* path = PathBytes(modelPath))
            {
                _runtime.Check(((delegate* unmanaged<void*, byte*, void*, void**, void*>)_runtime[OrtFunction.CreateSession])(
                    _runtime.Environment, path, options, &session));
            }
        }
        finally
        {
            _runtime.Release(OrtFunction.ReleaseSessionOptions, options);
        }
        return session;
    }

    // Paths are UTF-16 on Windows and UTF-8 elsewhere, with a terminating zero.
    private static byte[] PathBytes(string path) => (OperatingSystem.IsWindows() ? Encoding.Unicode : Encoding.UTF8).GetBytes(path + "\0");

    private void SetNumber(void* options, OrtFunction function, int value) =>
        _runtime.Check(((delegate* unmanaged<void*, int, void*>)_runtime[function])(options, value));

    private void SetEntry(void* options, string key, string value)
    {
        fixed (byte* k = Encoding.UTF8.GetBytes(key + "\0"), v = Encoding.UTF8.GetBytes(value + "\0"))
        {
            _runtime.Check(((delegate* unmanaged<void*, byte*, byte*, void*>)_runtime[OrtFunction.AddSessionConfigEntry])(options, k, v));
        }
    }

    private OrtTensor[] ReadTensors(
        OrtFunction countOf, OrtFunction nameOf, OrtFunction typeOf, int batch, IReadOnlyDictionary<string, int[]> shapes)
    {
        nuint count = 0;
        void* allocator = null;
        _runtime.Check(((delegate* unmanaged<void*, nuint*, void*>)_runtime[countOf])(_session, &count));
        _runtime.Check(((delegate* unmanaged<void**, void*>)_runtime[OrtFunction.GetAllocatorWithDefaultOptions])(&allocator));
        OrtTensor[] tensors = new OrtTensor[(int)count];
        for (int i = 0; i < tensors.Length; i++)
        {
            byte* text = null;
            _runtime.Check(((delegate* unmanaged<void*, nuint, void*, byte**, void*>)_runtime[nameOf])(
                _session, (nuint)i, allocator, &text));
            string name = Marshal.PtrToStringUTF8((nint)text)!;
            _runtime.Check(((delegate* unmanaged<void*, void*, void*>)_runtime[OrtFunction.AllocatorFree])(allocator, text));
            tensors[i] = new OrtTensor(_runtime, name, shapes.TryGetValue(name, out int[]? shape) ? shape : ReadShape(typeOf, i, name, batch));
        }
        return tensors;
    }

    private int[] ReadShape(OrtFunction typeOf, int index, string name, int batch)
    {
        const int Float = 1;
        void* type = null;
        _runtime.Check(((delegate* unmanaged<void*, nuint, void**, void*>)_runtime[typeOf])(_session, (nuint)index, &type));
        try
        {
            void* info = null;
            int element = 0;
            nuint rank = 0;
            _runtime.Check(((delegate* unmanaged<void*, void**, void*>)_runtime[OrtFunction.CastTypeInfoToTensorInfo])(type, &info));
            if (info == null) throw new A2FException(A2FErrorCode.InvalidModel, $"'{name}' is not a tensor");
            _runtime.Check(((delegate* unmanaged<void*, int*, void*>)_runtime[OrtFunction.GetTensorElementType])(info, &element));
            if (element != Float)
            {
                throw new A2FException(A2FErrorCode.InvalidModel,
                    string.Create(CultureInfo.InvariantCulture, $"'{name}' holds elements of ONNX type {element}, not float (1)"));
            }
            _runtime.Check(((delegate* unmanaged<void*, nuint*, void*>)_runtime[OrtFunction.GetDimensionsCount])(info, &rank));
            long[] extents = new long[(int)rank];
            fixed (long* p = extents)
            {
                _runtime.Check(((delegate* unmanaged<void*, long*, nuint, void*>)_runtime[OrtFunction.GetDimensions])(info, p, rank));
            }
            if (extents.Length > 0 && extents[0] < 0) extents[0] = batch;
            int[] shape = Array.ConvertAll(extents, x => checked((int)x));
            if (shape.Any(x => x <= 0) || (shape.Length > 0 && shape[0] != batch))
            {
                throw new A2FException(A2FErrorCode.InvalidModel,
                    $"'{name}': expected the batch of {batch} first and fixed extents after it, found {NdArray.FormatShape(shape)}");
            }
            return shape;
        }
        finally
        {
            _runtime.Release(OrtFunction.ReleaseTypeInfo, type);
        }
    }
}
