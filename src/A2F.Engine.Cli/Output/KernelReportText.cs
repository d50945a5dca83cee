using System.Globalization;
using System.Text.Json;
using A2F.Engine.Runtime;

namespace A2F.Engine.Cli.Output;

/// <summary>What <c>a2f kernels</c> prints.</summary>
internal static class KernelReportText
{
    /// <summary>A table for people.</summary>
    public static void Write(TextWriter output, ModelKernelReport report)
    {
        int name = Math.Max("kernel".Length, report.Kernels.Max(kernel => kernel.Function.Length)) + 2;
        int macros = Math.Max("macros".Length, report.Kernels.Max(kernel => kernel.Macros.Length)) + 2;
        output.WriteLine($"sm_{report.Architecture}, NVRTC {report.Nvrtc}");
        string numbers = $"{"registers",9}{"spills",10}{"shared",9}{"threads",9}{"occupancy",11}";
        output.WriteLine($"{"kernel".PadRight(name)}{"macros".PadRight(macros)}{numbers}");
        foreach (ModelKernel kernel in report.Kernels)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{kernel.Function.PadRight(name)}{kernel.Macros.PadRight(macros)}{kernel.Registers,9}{Spills(kernel),10}" +
                $"{kernel.SharedBytes + kernel.DynamicSharedBytes,9}{kernel.Threads,9}{Occupancy(kernel),11}"));
        }
        output.WriteLine($"{report.Kernels.Count} kernels, {report.Kernels.Count(kernel => kernel.Spills)} with spills");
    }

    /// <summary>The same and more for programs.</summary>
    public static void WriteJson(TextWriter output, ModelKernelReport report, string precision, int batch)
    {
        using (TextStream stream = new(output))
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("architecture", $"sm_{report.Architecture}");
            json.WriteString("nvrtc", report.Nvrtc.ToString());
            json.WriteString("precision", precision);
            json.WriteNumber("batch", batch);
            json.WriteNumber("spilling", report.Kernels.Count(kernel => kernel.Spills));
            json.WriteStartArray("kernels");
            foreach (ModelKernel kernel in report.Kernels) WriteKernel(json, kernel);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        output.WriteLine();
    }

    private static void WriteKernel(Utf8JsonWriter json, ModelKernel kernel)
    {
        json.WriteStartObject();
        json.WriteString("function", kernel.Function);
        json.WriteString("file", kernel.File);
        json.WriteString("macros", kernel.Macros);
        json.WriteNumber("threads", kernel.Threads);
        json.WriteNumber("registers", kernel.Registers);
        json.WriteNumber("stack_bytes", kernel.StackBytes);
        if (kernel.SpillStoreBytes is { } stores) json.WriteNumber("spill_store_bytes", stores);
        if (kernel.SpillLoadBytes is { } loads) json.WriteNumber("spill_load_bytes", loads);
        json.WriteBoolean("spills", kernel.Spills);
        json.WriteNumber("shared_bytes", kernel.SharedBytes);
        json.WriteNumber("dynamic_shared_bytes", kernel.DynamicSharedBytes);
        json.WriteNumber("constant_bytes", kernel.ConstantBytes);
        if (kernel.Blocks is { } blocks) json.WriteNumber("blocks", blocks);
        if (kernel.Occupancy is { } occupancy) json.WriteNumber("occupancy", Math.Round(occupancy, 4));
        json.WriteEndObject();
    }

    // Bytes stored and loaded; with a question mark local memory that may be spills, where NVRTC does not tell.
    private static string Spills(ModelKernel kernel) => kernel switch
    {
        { Spills: false } => "0",
        { SpillStoreBytes: { } stores, SpillLoadBytes: { } loads } => string.Create(CultureInfo.InvariantCulture, $"{stores}/{loads}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{kernel.StackBytes}?"),
    };

    private static string Occupancy(ModelKernel kernel) =>
        kernel.Occupancy is { } part ? string.Create(CultureInfo.InvariantCulture, $"{100 * part:F0} %") : "unknown";
}
