using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using A2F.Engine.Native.Abi;
using A2F.Engine.Native.State;
using A2F.Engine.Runtime;

namespace A2F.Engine.Native.Exports;

/// <summary>Functions of a2f.h about groups.</summary>
internal static unsafe class GroupExports
{
    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_group_options_init_sized), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_group_options_init_sized(GroupOptionsData* options, uint structSize)
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

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_tick_options_init_sized), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_tick_options_init_sized(TickOptionsData* options, uint structSize)
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

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_group_create), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_group_create(nint model, GroupOptionsData* options, nint* group)
    {
        try
        {
            Pointer.Check(group, "group");
            *group = 0;
            ModelState state = HandleTable.Get<ModelState>(model);
            *group = HandleTable.Add(new GroupState(state, OptionReader.Read(options)));
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_group_tick), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_group_tick(nint group, TickOptionsData* options, TickReportData* report)
    {
        try
        {
            GroupState state = HandleTable.Get<GroupState>(group);
            TickBudget budget = OptionReader.Read(options);
            if (report is not null) Versioned.CheckTarget(report);
            int windows = state.Tick(budget, out TimeSpan time);
            if (report is not null) Versioned.Write(report, new TickReportData { Windows = windows, Seconds = time.TotalSeconds });
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_group_poll), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_group_poll(nint group)
    {
        try
        {
            HandleTable.Get<GroupState>(group).Poll();
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_group_finish), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_group_finish(nint group)
    {
        try
        {
            HandleTable.Get<GroupState>(group).Finish();
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_group_destroy), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_group_destroy(nint group)
    {
        try
        {
            HandleTable.Remove<GroupState>(group).Destroy();
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }
}
