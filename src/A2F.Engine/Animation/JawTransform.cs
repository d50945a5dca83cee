namespace A2F.Engine.Animation;

/// <summary>
/// The rigid motion that carries the jaw's neutral points to where the network wants them, in the least squares sense. Horn's quaternion
/// method: the best rotation is the dominant eigenvector of a symmetric 4x4 matrix (J. Opt. Soc. Am. A 4, 629, 1987), which is a proper
/// rotation for any points: mirrored, planar, collinear or coinciding. Where several rotations are equally good, the one nearest to
/// no rotation is taken.
/// </summary>
internal static class JawTransform
{
    private const int MaxSweeps = 64;

    /// <summary>Makes the rotation of a mixture of two nearby transforms a rotation again: rows made orthonormal one after another.</summary>
    public static void MakeRigid(Span<float> transform)
    {
        Span<double> r = stackalloc double[9];
        for (int i = 0; i < 9; i++) r[i] = transform[4 * (i / 3) + i % 3];
        for (int row = 0; row < 2; row++)
        {
            Span<double> v = r.Slice(3 * row, 3);
            if (row == 1)
            {
                double along = r[0] * v[0] + r[1] * v[1] + r[2] * v[2];
                for (int i = 0; i < 3; i++) v[i] -= along * r[i];
            }
            double length = Math.Sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
            if (!(length > 1e-6)) return; // opposite rotations: nothing between them is better than another
            for (int i = 0; i < 3; i++) v[i] /= length;
        }
        for (int i = 0; i < 3; i++) r[6 + i] = r[(i + 1) % 3] * r[3 + (i + 2) % 3] - r[(i + 2) % 3] * r[3 + (i + 1) % 3];
        for (int i = 0; i < 9; i++) transform[4 * (i / 3) + i % 3] = (float)r[i];
    }

    /// <summary>Solves one frame.</summary>
    /// <param name="neutral">[points * 3].</param>
    /// <param name="delta">[points * 3]: displacement from the network.</param>
    /// <param name="p">Strength and offsets of the lower teeth.</param>
    /// <param name="transform">Receives 16 values: [4, 4] row-major for column vectors, rotation in [:3, :3], translation in [:3, 3].</param>
    public static void Solve(ReadOnlySpan<float> neutral, ReadOnlySpan<float> delta, AnimatorParameters p, Span<float> transform)
    {
        Span<double> sourceMean = stackalloc double[3];
        Span<double> targetMean = stackalloc double[3];
        Span<double> offset = [0.0, p.LowerTeethHeightOffset, p.LowerTeethDepthOffset];
        int points = neutral.Length / 3;
        for (int i = 0; i < neutral.Length; i++)
        {
            sourceMean[i % 3] += neutral[i] / (double)points;
            targetMean[i % 3] += Target(neutral[i], delta[i], p.LowerTeethStrength, offset[i % 3]) / points;
        }
        // s[3 * i + j] = sum over points of source axis i times target axis j, both about their means.
        Span<double> s = stackalloc double[9];
        for (int v = 0; v < neutral.Length; v += 3)
        {
            for (int i = 0; i < 3; i++)
            {
                double source = neutral[v + i] - sourceMean[i];
                for (int j = 0; j < 3; j++)
                    s[3 * i + j] += source * (Target(neutral[v + j], delta[v + j], p.LowerTeethStrength, offset[j]) - targetMean[j]);
            }
        }
        Span<double> q = stackalloc double[4];
        BestQuaternion(s, q);
        Span<double> r = stackalloc double[9];
        ToMatrix(q, r);
        for (int i = 0; i < 3; i++)
        {
            double moved = r[3 * i] * sourceMean[0] + r[3 * i + 1] * sourceMean[1] + r[3 * i + 2] * sourceMean[2];
            for (int j = 0; j < 3; j++) transform[4 * i + j] = (float)r[3 * i + j];
            transform[4 * i + 3] = (float)(targetMean[i] - moved);
        }
        transform[12] = transform[13] = transform[14] = 0f;
        transform[15] = 1f;
    }

    private static double Target(float neutral, float delta, float strength, double offset) => neutral + (double)delta * strength + offset;

    private static void BestQuaternion(ReadOnlySpan<double> s, Span<double> q)
    {
        double xx = s[0], xy = s[1], xz = s[2], yx = s[3], yy = s[4], yz = s[5], zx = s[6], zy = s[7], zz = s[8];
        Span<double> n =
        [
            xx + yy + zz, yz - zy, zx - xz, xy - yx,
            yz - zy, xx - yy - zz, xy + yx, zx + xz,
            zx - xz, xy + yx, -xx + yy - zz, yz + zy,
            xy - yx, zx + xz, yz + zy, -xx - yy + zz,
        ];
        double norm = 0;
        foreach (double value in n) norm = Math.Max(norm, Math.Abs(value));
        Span<double> vectors = stackalloc double[16];
        Eigen(n, vectors);
        int best = 0;
        for (int i = 1; i < 4; i++)
        {
            if (n[5 * i] > n[5 * best]) best = i;
        }
        // Project "no rotation" (1, 0, 0, 0) onto the eigenspace of the best value, which has more than one dimension when points are degenerate.
        double tie = n[5 * best] - 1e-12 * norm;
        for (int i = 0; i < 4; i++)
        {
            if (n[5 * i] < tie) continue;
            for (int k = 0; k < 4; k++) q[k] += vectors[i] * vectors[4 * k + i];
        }
        double length = Math.Sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
        if (length < 1e-9)
        {
            for (int k = 0; k < 4; k++) q[k] = vectors[4 * k + best];
            length = Math.Sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
        }
        for (int k = 0; k < 4; k++) q[k] /= length;
    }

    // Cyclic Jacobi: n becomes diagonal (the eigenvalues), the columns of v its eigenvectors. Converges for every symmetric matrix.
    private static void Eigen(Span<double> n, Span<double> v)
    {
        for (int i = 0; i < 4; i++) v[5 * i] = 1;
        for (int sweep = 0; sweep < MaxSweeps; sweep++)
        {
            bool rotated = false;
            for (int a = 0; a < 3; a++)
            {
                for (int b = a + 1; b < 4; b++)
                {
                    double off = n[4 * a + b];
                    if (Math.Abs(off) <= 1e-17 * (Math.Abs(n[5 * a]) + Math.Abs(n[5 * b]))) continue;
                    double theta = (n[5 * b] - n[5 * a]) / (2 * off);
                    double t = Math.CopySign(1.0, theta) / (Math.Abs(theta) + Math.Sqrt(theta * theta + 1));
                    double c = 1 / Math.Sqrt(t * t + 1);
                    Rotate(n, v, a, b, c, t * c);
                    rotated = true;
                }
            }
            if (!rotated) return;
        }
    }

    private static void Rotate(Span<double> n, Span<double> v, int a, int b, double c, double s)
    {
        for (int k = 0; k < 4; k++) (n[4 * k + a], n[4 * k + b]) = (c * n[4 * k + a] - s * n[4 * k + b], s * n[4 * k + a] + c * n[4 * k + b]);
        for (int k = 0; k < 4; k++) (n[4 * a + k], n[4 * b + k]) = (c * n[4 * a + k] - s * n[4 * b + k], s * n[4 * a + k] + c * n[4 * b + k]);
        for (int k = 0; k < 4; k++) (v[4 * k + a], v[4 * k + b]) = (c * v[4 * k + a] - s * v[4 * k + b], s * v[4 * k + a] + c * v[4 * k + b]);
        n[4 * a + b] = n[4 * b + a] = 0;
    }

    private static void ToMatrix(ReadOnlySpan<double> q, Span<double> r)
    {
        double w = q[0], x = q[1], y = q[2], z = q[3];
        r[0] = 1 - 2 * (y * y + z * z);
        r[1] = 2 * (x * y - w * z);
        r[2] = 2 * (x * z + w * y);
        r[3] = 2 * (x * y + w * z);
        r[4] = 1 - 2 * (x * x + z * z);
        r[5] = 2 * (y * z - w * x);
        r[6] = 2 * (x * z - w * y);
        r[7] = 2 * (y * z + w * x);
        r[8] = 1 - 2 * (x * x + y * y);
    }
}
