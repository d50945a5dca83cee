using System.Globalization;
using A2F.Engine.Runtime;

namespace A2F.Engine.Cli.Output;

/// <summary><c>a2f doctor</c> for people.</summary>
internal static class DoctorText
{
    private const int Label = 18;

    public static void Write(TextWriter output, MachineReport report)
    {
        string cpu = $"{report.InstructionSet.ToString().ToLowerInvariant()}, {report.Threads} thread{(report.Threads == 1 ? "" : "s")}";
        output.WriteLine("cpu");
        Line("instruction set", report.InstructionSet.ToString().ToLowerInvariant());
        Line("threads", string.Create(CultureInfo.InvariantCulture, $"{report.Threads} by default, of {report.Processors} processors"));
        Library(report.Driver);
        foreach (DeviceReport device in report.Devices)
        {
            output.WriteLine($"device cuda:{device.Ordinal}");
            Line("name", device.Name);
            Line("id", device.Uuid);
            Line("memory", Units.Bytes(device.MemoryBytes));
            int sm = device.Architecture;
            Line("compute", string.Create(CultureInfo.InvariantCulture,
                $"{sm / 10}.{sm % 10} (sm_{sm}), {device.Multiprocessors} multiprocessors"));
            if (device.Problem is not null) Line("problem", device.Problem);
        }
        Library(report.Nvrtc);
        if (report.NvrtcArchitectures.Count > 0)
            Line("architectures", string.Join(' ', report.NvrtcArchitectures.Select(architecture => $"sm_{architecture}")));
        Library(report.Cublas);
        output.WriteLine("what runs where");
        int first = Enumerable.Range(0, report.Devices.Count).FirstOrDefault(i => report.CudaProblem(i) is null, -1);
        Line("--device auto", first >= 0 ? $"cuda:{first}, the first GPU that works" : $"cpu ({cpu})");
        for (int i = 0; i < Math.Max(1, report.Devices.Count); i++)
        {
            bool works = report.CudaProblem(i) is null;
            Line($"cuda:{i}", works ? "driver, device and kernel compiler work" : "not usable, see the problem above");
        }

        void Library(LibraryReport library)
        {
            output.WriteLine(library.Name);
            if (library.File is not null) Line("file", library.File);
            if (library.Version is not null) Line("version", library.Version);
            if (library.Problem is not null) Line("problem", library.Problem);
        }

        void Line(string label, string text) => output.WriteLine($"  {label.PadRight(Label)}{text}");
    }
}
