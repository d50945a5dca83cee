using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using A2F.Engine.Native.Abi;
using A2F.Engine.Native.State;

namespace A2F.Engine.Native.Exports;

/// <summary>Functions of a2f.h that push audio and read frames: what a game calls in each of its own frames.</summary>
internal static unsafe class StreamExports
{
    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_push), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_push(nint character, float* samples, nuint count)
    {
        try
        {
            CharacterState state = HandleTable.Get<CharacterState>(character);
            state.Character.Push(Pointer.Span(samples, count, "samples"));
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_push_int16), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_push_int16(nint character, short* samples, nuint count)
    {
        try
        {
            CharacterState state = HandleTable.Get<CharacterState>(character);
            state.Push(Pointer.Span(samples, count, "samples"));
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_end_audio), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_end_audio(nint character)
    {
        try
        {
            HandleTable.Get<CharacterState>(character).Character.EndAudio();
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_read_frame), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_read_frame(nint character, FrameData* frame)
    {
        try
        {
            return HandleTable.Get<CharacterState>(character).Read(frame) ? AbiCode.Ok : AbiCode.NoFrame;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_sample_frame), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_sample_frame(nint character, double time, FrameData* frame)
    {
        try
        {
            return HandleTable.Get<CharacterState>(character).Sample(time, frame) ? AbiCode.Ok : AbiCode.NoFrame;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_get_status), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_get_status(nint character, CharacterStatusData* status)
    {
        try
        {
            Versioned.Write(status, HandleTable.Get<CharacterState>(character).Status());
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_get_error), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_get_error(nint character, byte* buffer, nuint capacity, nuint* length)
    {
        try
        {
            CharacterState state = HandleTable.Get<CharacterState>(character);
            Text.Write(state.Character.Error?.Message ?? "", buffer, capacity, length);
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }
}
