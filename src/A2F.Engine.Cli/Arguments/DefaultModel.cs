namespace A2F.Engine.Cli.Arguments;

/// <summary>The model of commands that name none.</summary>
internal static class DefaultModel
{
    /// <summary>The environment variable that names one.</summary>
    public const string Variable = "A2F_MODEL";

    private static readonly string Folder = Path.Combine("weights", "default");

    /// <summary>
    /// The folder in A2F_MODEL, else the nearest weights/default beside or above the tool, else beside or above the current folder.
    /// </summary>
    /// <exception cref="A2FException">There is none.</exception>
    public static string Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named) return named;
        return FindAbove(AppContext.BaseDirectory) ?? FindAbove(Environment.CurrentDirectory)
            ?? throw new A2FException(A2FErrorCode.FileNotFound,
                $"there is no default model: no {Folder} beside or above '{AppContext.BaseDirectory}' or the current folder; " +
                $"name a model folder with --model or in the environment variable {Variable}");
    }

    /// <summary>The nearest weights/default that holds a model, from a folder upwards.</summary>
    public static string? FindAbove(string start)
    {
        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, Folder);
            string[] marks = [Path.Combine(candidate, "model.json"), Path.Combine(candidate, "manifest.json")];
            if (marks.Any(File.Exists)) return candidate;
        }
        return null;
    }
}
