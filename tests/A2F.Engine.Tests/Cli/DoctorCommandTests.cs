using A2F.Engine.Cli;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Backends.Cuda;
using Xunit;

namespace A2F.Engine.Tests.Cli;

public sealed class DoctorCommandTests
{
    [Fact]
    public void Doctor_tells_what_there_is_and_what_is_missing()
    {
        string text = Tool.Succeed("doctor");
        MachineReport report = MachineReport.Inspect();
        Assert.Contains($"instruction set   {report.InstructionSet.ToString().ToLowerInvariant()}", text, StringComparison.Ordinal);
        foreach (LibraryReport library in (LibraryReport[])[report.Driver, report.Nvrtc, report.Cublas])
        {
            Assert.Contains($"\n{library.Name}\n", text.ReplaceLineEndings("\n"), StringComparison.Ordinal);
            Assert.True(library.File is not null || library.Problem is not null, library.Name);
            if (library.File is not null) Assert.Contains(library.File, text, StringComparison.Ordinal);
            if (library.Problem is not null) Assert.Contains(library.Problem, text, StringComparison.Ordinal);
        }
        foreach (DeviceReport device in report.Devices) Assert.Contains(device.Uuid, text, StringComparison.Ordinal);
        Assert.DoesNotContain("://", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("cpu")]
    public void Doctor_succeeds_without_a_GPU(string device) => Tool.Succeed("doctor", "--device", device);

    [Fact]
    public void A_GPU_that_is_asked_for_and_missing_is_exit_code_3()
    {
        (int code, string output, string error) = Tool.Run("doctor", "--device", "cuda:77");
        Assert.Equal(ExitCode.Device, code);
        Assert.StartsWith("error: --device cuda:77: ", error, StringComparison.Ordinal);
        Assert.Contains("what runs where", output, StringComparison.Ordinal);
    }

    [DriverFact]
    public void Exit_code_of_a_GPU_is_that_of_the_report()
    {
        string? problem = MachineReport.Inspect().CudaProblem(0);
        (int code, string output, string error) = Tool.Run("doctor", "--device", "cuda");
        Assert.Equal(problem is null ? ExitCode.Ok : ExitCode.Device, code);
        Assert.Contains("libcuda", output, StringComparison.Ordinal);
        if (problem is not null) Assert.Contains(problem.ReplaceLineEndings(" "), error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpu")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:x")]
    public void Devices_that_do_not_exist_are_a_usage_error(string device) =>
        Tool.Fail(ExitCode.Usage, ["doctor", "--device", device], "cuda:N", device);
}
