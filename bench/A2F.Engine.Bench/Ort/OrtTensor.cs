using System.Runtime.InteropServices;

namespace A2F.Engine.Bench;

/// <summary>A named float tensor in memory of its own that ONNX Runtime reads or writes in place.</summary>
internal sealed unsafe class OrtTensor : IDisposable
{
    private const nuint Alignment = 64;
    private const int FloatElements = 1;

    private readonly OrtRuntime _runtime;
    private float* _data;
    private byte* _name;
    private void* _value;

    public OrtTensor(OrtRuntime runtime, string name, int[] shape)
    {
        _runtime = runtime;
        Name = name;
        Shape = shape;
        Length = shape.Aggregate(1, (product, extent) => checked(product * extent));
        nuint bytes = checked((nuint)Length * sizeof(float));
        _data = (float*)NativeMemory.AlignedAlloc(bytes, Alignment);
        _name = (byte*)Marshal.StringToCoTaskMemUTF8(name);
        Data.Clear();

        long[] extents = Array.ConvertAll(shape, x => (long)x);
        void* value = null;
        fixed (long* p = extents)
        {
            runtime.Check(((delegate* unmanaged<void*, void*, nuint, long*, nuint, int, void**, void*>)
                runtime[OrtFunction.CreateTensorWithDataAsOrtValue])(
                runtime.CpuMemory, _data, bytes, p, (nuint)extents.Length, FloatElements, &value));
        }
        _value = value;
    }

    public string Name { get; }

    public IReadOnlyList<int> Shape { get; }

    public int Length { get; }

    /// <summary>The elements in C order.</summary>
    public Span<float> Data => new(_data, Length);

    /// <summary>The name as a zero-terminated UTF-8 string.</summary>
    public byte* Name8 => _name;

    public void* Value => _value;

    public void Dispose()
    {
        _runtime.Release(OrtFunction.ReleaseValue, _value);
        NativeMemory.AlignedFree(_data);
        Marshal.FreeCoTaskMem((nint)_name);
        _value = _data = null;
        _name = null;
    }
}
