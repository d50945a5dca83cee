using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using A2F.Engine.Native.Abi;
using A2F.Engine.Native.State;

namespace A2F.Engine.Native.Exports;

/// <summary>Functions of a2f.h that load audio.</summary>
internal static unsafe class AudioExports
{
    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_audio_load), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_audio_load(byte* path, nint* audio)
    {
        try
        {
            Pointer.Check(audio, "audio");
            *audio = 0;
            AudioState state = AudioState.Load(Text.Required(path, "path"));
            *audio = HandleTable.Add(state);
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_audio_samples), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_audio_samples(nint audio, float** samples, nuint* count)
    {
        try
        {
            AudioState state = HandleTable.Get<AudioState>(audio);
            if (samples is not null) *samples = (float*)state.Address;
            if (count is not null) *count = state.Count;
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_audio_destroy), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_audio_destroy(nint audio)
    {
        try
        {
            HandleTable.Remove<AudioState>(audio).Free();
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }
}
