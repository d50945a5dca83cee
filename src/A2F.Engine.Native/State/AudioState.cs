using A2F.Engine.Audio;
using A2F.Engine.Backends;
using A2F.Engine.Native.Abi;

namespace A2F.Engine.Native.State;

/// <summary>What a handle of loaded audio stands for: samples that C may look at until it is destroyed.</summary>
internal sealed class AudioState : IHandled
{
    private const int CacheLine = 64;
    private readonly NativeBlock _block;

    private AudioState(ReadOnlySpan<float> samples)
    {
        _block = NativeHeap.Allocate((nuint)samples.Length * sizeof(float), CacheLine);
        Count = (nuint)samples.Length;
        unsafe
        {
            samples.CopyTo(new Span<float>((float*)_block.Address, samples.Length));
        }
    }

    public static HandleKind Kind => HandleKind.Audio;

    /// <summary>Number of samples.</summary>
    internal nuint Count { get; }

    /// <summary>The samples.</summary>
    internal nint Address => _block.Address;

    internal static AudioState Load(string path) => new(AudioFile.LoadWav(path).Samples.Span);

    /// <summary>Gives the memory back; once.</summary>
    internal void Free() => _block.Free();
}
