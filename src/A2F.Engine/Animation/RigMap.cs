using A2F.Engine.Weights;

namespace A2F.Engine.Animation;

/// <summary>A range of values, both ends included.</summary>
/// <param name="Minimum">Lower end.</param>
/// <param name="Maximum">Upper end, not below <paramref name="Minimum"/>.</param>
public readonly record struct RigRange(float Minimum, float Maximum);

/// <summary>A point of a piecewise linear curve.</summary>
/// <param name="X">Value that goes in.</param>
/// <param name="Y">Value that comes out.</param>
public readonly record struct RigPoint(float X, float Y);

/// <summary>What happens to a solved weight before any control uses it.</summary>
/// <param name="Gain">Multiplies the weight. [-1000, 1000]</param>
/// <param name="Clamp">Range that it is then held in; null for none.</param>
/// <param name="Optional">Whether the shape may be missing.</param>
public sealed record RigInput(float Gain = 1, RigRange? Clamp = null, bool Optional = false);

/// <summary>One summand of a control.</summary>
/// <param name="Shape">Name of a skin or tongue blendshape.</param>
/// <param name="Weight">Multiplies the shape's weight. [-1000, 1000]</param>
/// <param name="Optional">Whether the shape may be missing; it counts as 0 then.</param>
public sealed record RigTerm(string Shape, float Weight = 1, bool Optional = false);

/// <summary>A control of a rig: clamp(curve(sum of weight * shape + offset)).</summary>
/// <param name="Name">Its name, different from all others of the map.</param>
/// <param name="Terms">What is added up; may be empty.</param>
/// <param name="Offset">Added to the sum. [-1000, 1000]</param>
/// <param name="Curve">
/// Points of a piecewise linear curve that the sum goes through, with growing X; below the first and above the last it is flat. Null for none.
/// </param>
/// <param name="Clamp">Range that the result is held in; null for none.</param>
public sealed record RigControl(
    string Name, IReadOnlyList<RigTerm> Terms, float Offset = 0, IReadOnlyList<RigPoint>? Curve = null, RigRange? Clamp = null);

/// <summary>
/// How solved blendshape weights become the controls of a rig. Shapes are the skin's and the tongue's, by name; a name that both have is the skin's,
/// and a name that no shape has exactly is that of the only shape that differs in nothing but capitals. docs/rig-maps.md describes the file format and
/// the presets. Immutable if its lists are.
/// </summary>
public sealed record RigMap
{
    private const string ResourcePrefix = "maps/", ResourceSuffix = ".json";

    /// <summary>Gain and clamp of shapes, by name; shapes that are not here keep their weights.</summary>
    public IReadOnlyDictionary<string, RigInput> Inputs { get; init; } = new Dictionary<string, RigInput>();

    /// <summary>The controls, in the order of the output.</summary>
    public required IReadOnlyList<RigControl> Controls { get; init; }

    /// <summary>Whether shapes that no control uses follow the controls under their own names, unless a control has that name.</summary>
    public bool Copy { get; init; }

    /// <summary>Whether every term and input is optional.</summary>
    public bool IgnoreMissing { get; init; }

    /// <summary>What the map is for; empty for none.</summary>
    public string Description { get; init; } = "";

    /// <summary>Where the map is from, for messages: a path, or the name of a preset.</summary>
    public string Source { get; init; } = "rig map";

    /// <summary>Names of the presets: <c>arkit</c>, <c>metahuman</c>, <c>oculus</c>, <c>vrm</c>.</summary>
    public static IReadOnlyList<string> PresetNames { get; } =
    [
        .. typeof(RigMap).Assembly.GetManifestResourceNames().Where(n => n.StartsWith(ResourcePrefix, StringComparison.Ordinal))
            .Select(n => n[ResourcePrefix.Length..^ResourceSuffix.Length]).Order(StringComparer.Ordinal),
    ];

    /// <summary>A map that comes with the library.</summary>
    /// <exception cref="A2FException">There is no preset of that name.</exception>
    public static RigMap Preset(string name)
    {
        if (!PresetNames.Contains(name))
            throw new A2FException(A2FErrorCode.InvalidArgument, $"there is no rig map '{name}', there are {string.Join(", ", PresetNames)}");
        using Stream stream = typeof(RigMap).Assembly.GetManifestResourceStream(ResourcePrefix + name + ResourceSuffix)!;
        byte[] text = new byte[stream.Length];
        stream.ReadExactly(text);
        using JsonFile file = JsonFile.Parse(name, text);
        return RigMapJson.Read(file.Root);
    }

    /// <summary>Loads a map from a file.</summary>
    /// <exception cref="A2FException">The file is missing or wrong; the message names the file and the key.</exception>
    public static RigMap Load(string path)
    {
        using JsonFile file = JsonFile.Open(path);
        return RigMapJson.Read(file.Root);
    }

    /// <summary>Writes the map as JSON that <see cref="Load"/> reads; numbers are the shortest that read back as the same float32.</summary>
    /// <exception cref="A2FException">The map is not valid.</exception>
    public void Write(Stream stream)
    {
        RigMapChecks.Check(this);
        RigMapJson.Write(stream, this);
    }

    /// <summary>Prepares the map for the weights of a face.</summary>
    /// <exception cref="A2FException">The map is not valid, or names shapes that the face does not have.</exception>
    public RigMapper Compile(FaceRig rig) => Compile(rig.SkinPoseNames, rig.TonguePoseNames);

    /// <summary>Prepares the map for weights of these names.</summary>
    /// <exception cref="A2FException">The map is not valid, or names shapes that are not among them.</exception>
    public RigMapper Compile(IReadOnlyList<string> skinNames, IReadOnlyList<string> tongueNames)
    {
        RigMapChecks.Check(this);
        return new RigMapper(this, skinNames, tongueNames);
    }
}
