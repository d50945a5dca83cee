// The lower teeth and the eyes: a thread has a character.
//
// Jaw: the rigid motion that carries the jaw's neutral points to neutral + delta * jaw + (0, height, depth), in the least squares sense, by
//   Horn's quaternion method in double: the dominant eigenvector of a symmetric 4x4 matrix, by cyclic Jacobi. Where several are equally good,
//   the one nearest to no rotation. jaw: [rows][4, 4], row-major for column vectors. As in JawTransform.cs.
// Eyes: offset + eyes * network + saccade, in float32 without contraction, so that bits are the CPU's. eyes: [rows][right x, y, z, left x, y, z].
//   The saccade clock runs on the host (EyesAnimator.cs); the row that it chose comes with the parameters.
//
// Launch: grid ceil(characters / 32), block 32.
#include "face.cuh"

struct RigidArguments
{
    const FaceCharacter* characters;
    const FaceRig* rigs;
    const float* rows;
    float* jaw;
    float* eyes;
    int count, row_length;
    int first_jaw, first_eye; // columns of a row
};

#define THREADS 32
#define MOST_SWEEPS 64

__device__ __forceinline__ double target(float neutral, float delta, float strength, double offset)
{
    return neutral + (double)delta * strength + offset;
}

// n becomes diagonal (the eigenvalues), the columns of v its eigenvectors. All indices are constants: both stay in registers.
__device__ __forceinline__ void eigen(double (&n)[4][4], double (&v)[4][4])
{
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) v[i][j] = i == j;
#pragma unroll 1
    for (int sweep = 0; sweep < MOST_SWEEPS; sweep++)
    {
        bool rotated = false;
#pragma unroll
        for (int a = 0; a < 3; a++)
        {
#pragma unroll
            for (int b = a + 1; b < 4; b++)
            {
                const double off = n[a][b];
                if (fabs(off) <= 1e-17 * (fabs(n[a][a]) + fabs(n[b][b]))) continue;
                const double theta = (n[b][b] - n[a][a]) / (2 * off);
                const double t = copysign(1.0, theta) / (fabs(theta) + sqrt(theta * theta + 1));
                const double c = 1 / sqrt(t * t + 1), s = t * c;
#pragma unroll
                for (int k = 0; k < 4; k++)
                {
                    const double x = n[k][a], y = n[k][b];
                    n[k][a] = c * x - s * y;
                    n[k][b] = s * x + c * y;
                }
#pragma unroll
                for (int k = 0; k < 4; k++)
                {
                    const double x = n[a][k], y = n[b][k];
                    n[a][k] = c * x - s * y;
                    n[b][k] = s * x + c * y;
                }
#pragma unroll
                for (int k = 0; k < 4; k++)
                {
                    const double x = v[k][a], y = v[k][b];
                    v[k][a] = c * x - s * y;
                    v[k][b] = s * x + c * y;
                }
                n[a][b] = n[b][a] = 0;
                rotated = true;
            }
        }
        if (!rotated) return;
    }
}

__device__ __forceinline__ double dot4(const double (&q)[4])
{
    return q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3];
}

__device__ __forceinline__ void best_quaternion(const double (&s)[3][3], double (&q)[4])
{
    double n[4][4] = {
        { s[0][0] + s[1][1] + s[2][2], s[1][2] - s[2][1], s[2][0] - s[0][2], s[0][1] - s[1][0] },
        { s[1][2] - s[2][1], s[0][0] - s[1][1] - s[2][2], s[0][1] + s[1][0], s[2][0] + s[0][2] },
        { s[2][0] - s[0][2], s[0][1] + s[1][0], -s[0][0] + s[1][1] - s[2][2], s[1][2] + s[2][1] },
        { s[0][1] - s[1][0], s[2][0] + s[0][2], s[1][2] + s[2][1], -s[0][0] - s[1][1] + s[2][2] },
    };
    double norm = 0, v[4][4];
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) norm = fmax(norm, fabs(n[i][j]));
    eigen(n, v);
    double best = n[0][0];
    double first[4] = { v[0][0], v[1][0], v[2][0], v[3][0] }; // eigenvector of the best value, the first where equal
#pragma unroll
    for (int i = 1; i < 4; i++)
    {
        if (!(n[i][i] > best)) continue;
        best = n[i][i];
#pragma unroll
        for (int k = 0; k < 4; k++) first[k] = v[k][i];
    }
    // Project "no rotation" (1, 0, 0, 0) onto the eigenspace of the best value, which has more than one dimension when points are degenerate.
    const double tie = best - 1e-12 * norm;
#pragma unroll
    for (int k = 0; k < 4; k++) q[k] = 0;
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
        if (n[i][i] < tie) continue;
#pragma unroll
        for (int k = 0; k < 4; k++) q[k] += v[0][i] * v[k][i];
    }
    double length = sqrt(dot4(q));
    if (length < 1e-9)
    {
#pragma unroll
        for (int k = 0; k < 4; k++) q[k] = first[k];
        length = sqrt(dot4(q));
    }
#pragma unroll
    for (int k = 0; k < 4; k++) q[k] /= length;
}

__device__ __forceinline__ void move_jaw(const FaceCharacter& m, const FaceRig& rig, const float* delta, float* transform)
{
    const double offset[3] = { 0.0, m.jaw_height, m.jaw_depth };
    const int points = (int)rig.jaw_points;
    double source_mean[3] = { 0, 0, 0 }, target_mean[3] = { 0, 0, 0 };
    for (int v = 0; v < points; v++)
    {
#pragma unroll
        for (int i = 0; i < 3; i++)
        {
            const float neutral = rig.jaw[3 * v + i];
            source_mean[i] += neutral / (double)points;
            target_mean[i] += target(neutral, delta[3 * v + i], m.jaw, offset[i]) / points;
        }
    }
    double s[3][3] = { { 0, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } }; // source axis, target axis
    for (int v = 0; v < points; v++)
    {
        double source[3], moved[3];
#pragma unroll
        for (int i = 0; i < 3; i++)
        {
            const float neutral = rig.jaw[3 * v + i];
            source[i] = neutral - source_mean[i];
            moved[i] = target(neutral, delta[3 * v + i], m.jaw, offset[i]) - target_mean[i];
        }
#pragma unroll
        for (int i = 0; i < 3; i++)
#pragma unroll
            for (int j = 0; j < 3; j++) s[i][j] += source[i] * moved[j];
    }
    double q[4];
    best_quaternion(s, q);
    const double w = q[0], x = q[1], y = q[2], z = q[3];
    const double r[3][3] = {
        { 1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y) },
        { 2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x) },
        { 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y) },
    };
#pragma unroll
    for (int i = 0; i < 3; i++)
    {
#pragma unroll
        for (int j = 0; j < 3; j++) transform[4 * i + j] = (float)r[i][j];
        const double moved = r[i][0] * source_mean[0] + r[i][1] * source_mean[1] + r[i][2] * source_mean[2];
        transform[4 * i + 3] = (float)(target_mean[i] - moved);
        transform[12 + i] = 0.0f;
    }
    transform[15] = 1.0f;
}

__device__ __forceinline__ float turn(float offset, float gain, float network, float saccade)
{
    return __fadd_rn(__fadd_rn(offset, __fmul_rn(gain, network)), saccade);
}

extern "C" __global__ void __launch_bounds__(THREADS) jaw_eyes(RigidArguments p)
{
    const int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= p.count) return;
    const FaceCharacter& m = p.characters[i];
    const float* row = p.rows + (i64)m.row * p.row_length;
    move_jaw(m, p.rigs[m.rig], row + p.first_jaw, p.jaw + (i64)m.out * 16);
    const float* network = row + p.first_eye;
    float* eyes = p.eyes + (i64)m.out * 6;
    eyes[0] = turn(m.right_x, m.eyes, network[0], m.saccade_x);
    eyes[1] = turn(m.right_y, m.eyes, network[1], m.saccade_y);
    eyes[2] = 0.0f;
    eyes[3] = turn(m.left_x, m.eyes, network[2], m.saccade_x);
    eyes[4] = turn(m.left_y, m.eyes, network[3], m.saccade_y);
    eyes[5] = 0.0f;
}
