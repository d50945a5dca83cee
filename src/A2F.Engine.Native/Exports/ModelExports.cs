using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using A2F.Engine.Native.Abi;
using A2F.Engine.Native.State;

namespace A2F.Engine.Native.Exports;

/// <summary>Functions of a2f.h about models.</summary>
internal static unsafe class ModelExports
{
    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_model_options_init_sized), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_model_options_init_sized(ModelOptionsData* options, uint structSize)
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

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_model_load), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_model_load(byte* folder, ModelOptionsData* options, nint* model)
    {
        try
        {
            Pointer.Check(model, "model");
            *model = 0;
            *model = HandleTable.Add(ModelState.Load(Text.Required(folder, "folder"), OptionReader.Read(options)));
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_model_get_info), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_model_get_info(nint model, ModelInfoData* info)
    {
        try
        {
            ModelState state = HandleTable.Get<ModelState>(model);
            Versioned.Write(info, state.Info.ToStruct(state.Names));
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_model_get_name), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_model_get_name(nint model, uint list, uint index, byte** name)
    {
        try
        {
            ModelState state = HandleTable.Get<ModelState>(model);
            Pointer.Check(name, "name");
            *name = (byte*)state.Names.Get(list, index);
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_model_destroy), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_model_destroy(nint model)
    {
        try
        {
            HandleTable.Remove<ModelState>(model).Release();
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }
}
