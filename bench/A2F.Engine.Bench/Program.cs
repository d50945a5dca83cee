namespace A2F.Engine.Bench;

/// <summary>Entry point: picks the measurement.</summary>
internal static class Program
{
    private const string Usage = """
        usage: A2F.Engine.Bench compare MODEL_DIR [--ort PATH] [--threads N] [--batch N] [--seconds S] [--json FILE] [--onnx FILE]...
                                [--packed MODEL_DIR]
               A2F.Engine.Bench animation MODEL_DIR [--audio WAV] [--threads N] [--seconds S]
               A2F.Engine.Bench characters MODEL_DIR [--device cpu|cuda[:N]|emulator[:ARCH]] [--count 1,8,64] [--fps N] [--threads N] [--batch N]
                                [--seconds S | --minutes M] [--emotions MODEL_DIR] [--audio WAV] [--json FILE] [--svg FILE]
               A2F.Engine.Bench evidence MODEL_DIR... [--arch sm_86] [-o FILE]
               A2F.Engine.Bench features MODEL_DIR [--weights-only] [--threads N] [--seconds S]
               A2F.Engine.Bench gpu MODEL_DIR [--device cuda[:N]|emulator[:ARCH]] [--batch 1,8,64] [--seconds S] [--json FILE]
               A2F.Engine.Bench parity MODEL_DIR... [--device cuda[:N]|emulator[:ARCH]]
               A2F.Engine.Bench micro [BenchmarkDotNet's arguments]

        compare   this engine against ONNX Runtime: one process, runs alternating, with the difference of the outputs
        animation what the animation stage costs beside a regression network, from coefficients and through vertices
        characters a group of speaking characters in real time: ticks, latency, allocations; with --minutes a soak of the first number of characters,
                  which fails where memory grows or frames are dropped
        evidence  what the CUDA kernels do for one window, counted by the emulator
        features  a diffusion model to vertices and to features, then to weights: time and resident memory
        gpu       whole windows on a GPU in each precision and batch, against the CPU backend
        parity    errors of models on a GPU, beside those on the emulated GPU of its family
        micro     single operators in the sizes of the full-size network
        """;

    private static int Main(string[] args)
    {
        try
        {
            switch (args.FirstOrDefault())
            {
                case "compare":
                    return CompareCommand.Run(CompareOptions.Parse(args.AsSpan(1)));
                case "animation":
                    return AnimationCommand.Run(args.AsSpan(1));
                case "characters":
                    return CharactersCommand.Run(args.AsSpan(1));
                case "evidence":
                    return EvidenceCommand.Run(args.AsSpan(1));
                case "features":
                    return FeaturesCommand.Run(args.AsSpan(1));
                case "gpu":
                    return GpuCommand.Run(GpuOptions.Parse(args.AsSpan(1)));
                case "parity":
                    return ParityCommand.Run(args.AsSpan(1));
                case "micro":
                    return MicroCommand.Run(args[1..]);
                case "--help" or "-h":
                    Console.WriteLine(Usage);
                    return 0;
                default:
                    Console.Error.WriteLine(Usage);
                    return 2;
            }
        }
        catch (A2FException e)
        {
            Console.Error.WriteLine($"error: {e.Message}");
            return e.Code switch
            {
                A2FErrorCode.InvalidArgument => 2,
                A2FErrorCode.DeviceUnavailable => 3,
                _ => 1,
            };
        }
    }
}
