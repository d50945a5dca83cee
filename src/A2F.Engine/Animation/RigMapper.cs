namespace A2F.Engine.Animation;

/// <summary>
/// A rig map compiled for the weights of one face: flat arrays, no names to look up, nothing allocated by a call. Immutable; any number of
/// threads share one.
/// </summary>
public sealed class RigMapper
{
    private readonly int _skinCount;
    private readonly float[] _gain, _low, _high; // [shape], skin then tongue
    private readonly int[] _termStart, _curveStart; // [control + 1]
    private readonly int[] _termShape;
    private readonly float[] _termWeight;
    private readonly float[] _offset, _controlLow, _controlHigh; // [control]
    private readonly RigPoint[] _curve;

    internal RigMapper(RigMap map, IReadOnlyList<string> skinNames, IReadOnlyList<string> tongueNames)
    {
        ShapeIndex shapes = new(map, skinNames, tongueNames);
        _skinCount = skinNames.Count;
        int count = skinNames.Count + tongueNames.Count;
        _gain = Filled(count, 1f);
        _low = Filled(count, float.NegativeInfinity);
        _high = Filled(count, float.PositiveInfinity);
        foreach ((string shape, RigInput input) in map.Inputs)
        {
            int index = shapes.Find(shape, input.Optional);
            if (index < 0) continue;
            _gain[index] = input.Gain;
            (_low[index], _high[index]) = Ends(input.Clamp);
        }
        List<(int Shape, float Weight)[]> terms =
            [.. map.Controls.Select(c => c.Terms.Select(t => (shapes.Find(t.Shape, t.Optional), t.Weight)).Where(t => t.Item1 >= 0).ToArray())];
        shapes.ThrowIfUnknown();
        bool[] used = new bool[count];
        foreach ((int shape, _) in terms.SelectMany(t => t)) used[shape] = true;
        List<RigControl> controls = [.. map.Controls];
        if (map.Copy)
        {
            HashSet<string> names = [.. map.Controls.Select(c => c.Name)];
            for (int shape = 0; shape < count; shape++)
            {
                if (used[shape] || !names.Add(shapes.Names[shape])) continue;
                used[shape] = true;
                controls.Add(new RigControl(shapes.Names[shape], []));
                terms.Add([(shape, 1f)]);
            }
        }
        ControlNames = [.. controls.Select(c => c.Name)];
        MissingShapes = shapes.Missing;
        UnusedShapes = [.. shapes.Names.Where((_, shape) => !used[shape])];
        _termStart = Starts(terms.Select(t => t.Length));
        _termShape = [.. terms.SelectMany(t => t).Select(t => t.Shape)];
        _termWeight = [.. terms.SelectMany(t => t).Select(t => t.Weight)];
        _offset = [.. controls.Select(c => c.Offset)];
        _controlLow = [.. controls.Select(c => Ends(c.Clamp).Low)];
        _controlHigh = [.. controls.Select(c => Ends(c.Clamp).High)];
        _curveStart = Starts(controls.Select(c => c.Curve?.Count ?? 0));
        _curve = [.. controls.SelectMany(c => c.Curve ?? [])];
    }

    /// <summary>Names of the controls: the map's in its order, then shapes that it copies.</summary>
    public IReadOnlyList<string> ControlNames { get; }

    /// <summary>Number of controls.</summary>
    public int ControlCount => _offset.Length;

    /// <summary>Optional shapes that the map names and the face does not have; they count as 0.</summary>
    public IReadOnlyList<string> MissingShapes { get; }

    /// <summary>Shapes of the face that no control uses.</summary>
    public IReadOnlyList<string> UnusedShapes { get; }

    /// <summary>The controls of one frame. Allocates nothing.</summary>
    /// <param name="skinWeights">One weight per skin blendshape.</param>
    /// <param name="tongueWeights">One weight per tongue blendshape.</param>
    /// <param name="controls">Gets one value per control.</param>
    /// <exception cref="A2FException">A length is another.</exception>
    public void Apply(ReadOnlySpan<float> skinWeights, ReadOnlySpan<float> tongueWeights, Span<float> controls)
    {
        if (skinWeights.Length != _skinCount || tongueWeights.Length != _gain.Length - _skinCount || controls.Length != ControlCount)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                $"rig map: expected {_skinCount} skin weights, {_gain.Length - _skinCount} tongue weights and room for {ControlCount} controls, " +
                $"found {skinWeights.Length}, {tongueWeights.Length} and {controls.Length}");
        }
        for (int control = 0; control < controls.Length; control++)
        {
            float sum = 0;
            for (int t = _termStart[control]; t < _termStart[control + 1]; t++)
            {
                int shape = _termShape[t];
                float weight = shape < _skinCount ? skinWeights[shape] : tongueWeights[shape - _skinCount];
                sum += _termWeight[t] * Held(weight * _gain[shape], _low[shape], _high[shape]);
            }
            sum += _offset[control];
            ReadOnlySpan<RigPoint> curve = _curve.AsSpan(_curveStart[control].._curveStart[control + 1]);
            if (!curve.IsEmpty) sum = Evaluate(curve, sum);
            controls[control] = Held(sum, _controlLow[control], _controlHigh[control]);
        }
    }

    /// <summary>The controls of all frames of an animation.</summary>
    /// <returns>[frame, control].</returns>
    /// <exception cref="A2FException">The frames are of another face, or too many.</exception>
    public float[] Apply(FaceFrames frames)
    {
        if ((long)frames.Count * ControlCount > Array.MaxLength)
            throw new A2FException(A2FErrorCode.OutOfMemory, $"{frames.Count} frames of {ControlCount} controls are more than one array holds");
        float[] controls = new float[frames.Count * ControlCount];
        for (int frame = 0; frame < frames.Count; frame++)
        {
            Apply(FaceFrames.Row(frames.SkinWeights, frame, frames.SkinWeightCount),
                FaceFrames.Row(frames.TongueWeights, frame, frames.TongueWeightCount), FaceFrames.Row(controls, frame, ControlCount));
        }
        return controls;
    }

    // Between two points the result is held between their values, so that rounding never makes a growing curve fall.
    private static float Evaluate(ReadOnlySpan<RigPoint> curve, float x)
    {
        if (x <= curve[0].X) return curve[0].Y;
        for (int k = 1; k < curve.Length; k++)
        {
            if (!(x < curve[k].X)) continue;
            (RigPoint from, RigPoint to) = (curve[k - 1], curve[k]);
            float y = from.Y + (to.Y - from.Y) * ((x - from.X) / (to.X - from.X));
            return Held(y, MathF.Min(from.Y, to.Y), MathF.Max(from.Y, to.Y));
        }
        return curve[^1].Y;
    }

    private static float Held(float value, float low, float high) => MathF.Min(MathF.Max(value, low), high);

    private static (float Low, float High) Ends(RigRange? range) =>
        range is { } r ? (r.Minimum, r.Maximum) : (float.NegativeInfinity, float.PositiveInfinity);

    private static int[] Starts(IEnumerable<int> counts)
    {
        List<int> starts = [0];
        foreach (int count in counts) starts.Add(starts[^1] + count);
        return [.. starts];
    }

    private static float[] Filled(int count, float value)
    {
        float[] values = new float[count];
        Array.Fill(values, value);
        return values;
    }
}
