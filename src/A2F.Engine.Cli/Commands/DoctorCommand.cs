using System.CommandLine;
using System.Globalization;
using A2F.Engine.Cli.Output;
using A2F.Engine.Runtime;

namespace A2F.Engine.Cli.Commands;

/// <summary><c>a2f doctor</c>: what this machine has to run networks on, and what it lacks.</summary>
internal static class DoctorCommand
{
    public static Command Create(Terminal terminal)
    {
        Option<string> device = new("--device")
        {
            Description = "Fails with exit code 3 unless this device can be used.",
            HelpName = "auto|cpu|cuda[:N]",
            DefaultValueFactory = _ => "auto",
        };
        ExampleCommand command = new("doctor", "Tells what this machine has to run networks on, and how to get what is missing.",
            "a2f doctor",
            "a2f doctor --device cuda:0")
        {
            device,
        };
        command.SetAction(parsed =>
        {
            int? ordinal = CudaOrdinal(parsed.GetRequiredValue(device));
            MachineReport report = MachineReport.Inspect();
            DoctorText.Write(terminal.Out, report);
            if (ordinal is { } wanted && report.CudaProblem(wanted) is { } problem)
                throw new A2FException(A2FErrorCode.DeviceUnavailable, $"--device cuda:{wanted}: {problem}");
            return ExitCode.Ok;
        });
        return command;
    }

    // The number of the GPU that is asked for; null where none is.
    private static int? CudaOrdinal(string device)
    {
        if (device is "auto" or "cpu") return null;
        if (device == "cuda") return 0;
        if (device.StartsWith("cuda:", StringComparison.Ordinal)
            && int.TryParse(device.AsSpan("cuda:".Length), NumberStyles.None, CultureInfo.InvariantCulture, out int ordinal))
        {
            return ordinal;
        }
        throw new UsageException($"--device: expected auto, cpu, cuda or cuda:N, found '{device}'");
    }
}
