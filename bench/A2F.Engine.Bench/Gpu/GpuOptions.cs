using System.Globalization;

namespace A2F.Engine.Bench;

/// <summary>What the command line of `gpu` asks for.</summary>
/// <param name="Model">Model folder.</param>
/// <param name="Device">What to measure.</param>
/// <param name="Batches">Windows of one run, for each measurement.</param>
/// <param name="Seconds">Length of each measurement, without loading and warm-up.</param>
/// <param name="Json">File for the figures, or null.</param>
internal sealed record GpuOptions(string Model, GpuDevice Device, IReadOnlyList<int> Batches, double Seconds, string? Json)
{
    private const int LargestBatch = 1024;

    /// <summary>Reads the arguments after the command's name.</summary>
    /// <exception cref="A2FException">An argument is unknown, lacks its value or is out of range.</exception>
    public static GpuOptions Parse(ReadOnlySpan<string> args)
    {
        string? model = null;
        GpuOptions options = new(Model: "", GpuDevice.Parse(GpuDevice.Default), Batches: [1, 8, 64], Seconds: 5, Json: null);
        for (int i = 0; i < args.Length; i++)
        {
            string name = args[i];
            if (!name.StartsWith('-'))
            {
                if (model is not null) throw Wrong($"one model folder is expected, found '{model}' and '{name}'");
                model = name;
                continue;
            }
            if (name is not ("--device" or "--batch" or "--seconds" or "--json")) throw Wrong($"unknown option '{name}'");
            if (++i == args.Length) throw Wrong($"{name} needs a value");
            string value = args[i];
            options = name switch
            {
                "--device" => options with { Device = GpuDevice.Parse(value) },
                "--batch" => options with { Batches = [.. value.Split(',').Select(ParseBatch)] },
                "--seconds" => options with { Seconds = ParseSeconds(value) },
                _ => options with { Json = value },
            };
        }
        return options with { Model = model ?? throw Wrong("a model folder is expected") };
    }

    private static int ParseBatch(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int batch) && batch is >= 1 and <= LargestBatch
            ? batch
            : throw Wrong($"--batch: expected whole numbers from 1 to {LargestBatch}, separated by commas, found '{text}'");

    private static double ParseSeconds(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds)
            && seconds is >= 0.1 and <= 3600
            ? seconds
            : throw Wrong($"--seconds: expected a number from 0.1 to 3600, found '{text}'");

    private static A2FException Wrong(string message) => new(A2FErrorCode.InvalidArgument, message);
}
