using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using A2F.Engine.Native.Abi;
using A2F.Engine.Native.State;

namespace A2F.Engine.Native.Exports;

/// <summary>Functions of a2f.h that make characters and change them.</summary>
internal static unsafe class CharacterExports
{
    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_options_init_sized), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_options_init_sized(CharacterOptionsData* options, uint structSize)
    {
        try
        {
            Versioned.Initialize(options, structSize);
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_create), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_create(nint group, CharacterOptionsData* options, nint* character)
    {
        try
        {
            Pointer.Check(character, "character");
            *character = 0;
            GroupState state = HandleTable.Get<GroupState>(group);
            *character = state.Add(OptionReader.Read(options));
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_destroy), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_destroy(nint character)
    {
        try
        {
            CharacterState state = HandleTable.Remove<CharacterState>(character);
            state.Group.Remove(state.Character);
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_set_priority), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_set_priority(nint character, int priority)
    {
        try
        {
            HandleTable.Get<CharacterState>(character).Character.Priority = priority;
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_set_emotion), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_set_emotion(nint character, float* values, nuint count)
    {
        try
        {
            CharacterState state = HandleTable.Get<CharacterState>(character);
            state.Character.SetEmotion(Pointer.Span(values, count, "values"));
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_set_parameter), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_set_parameter(nint character, byte* name, float value)
    {
        try
        {
            HandleTable.Get<CharacterState>(character).SetParameter(Text.Required(name, "name"), value);
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_set_parameter_text), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_set_parameter_text(nint character, byte* name, byte* value)
    {
        try
        {
            HandleTable.Get<CharacterState>(character).SetParameter(Text.Required(name, "name"), Text.Required(value, "value"));
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_get_parameter), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_get_parameter(nint character, byte* name, float* value)
    {
        try
        {
            CharacterState state = HandleTable.Get<CharacterState>(character);
            Pointer.Check(value, "value");
            *value = state.GetNumber(Text.Required(name, "name"));
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_get_parameter_text), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_get_parameter_text(nint character, byte* name, byte* buffer, nuint capacity, nuint* length)
    {
        try
        {
            CharacterState state = HandleTable.Get<CharacterState>(character);
            Text.Write(state.GetParameter(Text.Required(name, "name")), buffer, capacity, length);
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_character_reset), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_character_reset(nint character)
    {
        try
        {
            HandleTable.Get<CharacterState>(character).Character.Reset();
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }
}
