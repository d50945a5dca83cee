namespace A2F.Engine.Runtime;

/// <summary>Where the vertices of a character's frames stay on a GPU: a ring of frames for each part.</summary>
/// <param name="Skin">Device address of the skin's ring; 0 for none.</param>
/// <param name="SkinLength">Floats of a frame of it.</param>
/// <param name="Tongue">Device address of the tongue's ring; 0 for none.</param>
/// <param name="TongueLength">Floats of a frame of it.</param>
/// <param name="Room">Frames of a ring.</param>
internal readonly record struct DeviceVertices(ulong Skin, int SkinLength, ulong Tongue, int TongueLength, int Room)
{
    /// <summary>Addresses of a frame.</summary>
    internal (ulong Skin, ulong Tongue) At(long frame)
    {
        ulong place = Room == 0 ? 0 : (ulong)(frame % Room) * sizeof(float);
        return (Skin == 0 ? 0 : Skin + place * (ulong)SkinLength, Tongue == 0 ? 0 : Tongue + place * (ulong)TongueLength);
    }
}
