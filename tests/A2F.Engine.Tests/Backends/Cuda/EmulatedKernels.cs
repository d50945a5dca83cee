using System.Text;
using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>Small PTX kernels for tests of the emulated driver, which need no compiler.</summary>
internal static unsafe class EmulatedKernels
{
    /// <summary>values[thread] += add.</summary>
    internal const string Add = """
        .version 7.0
        .target sm_75
        .address_size 64
        .visible .entry add(.param .u64 values, .param .f32 amount)
        {
            .reg .f32 %f<4>;
            .reg .b32 %r<2>;
            .reg .b64 %rd<5>;
            ld.param.u64 %rd1, [values];
            ld.param.f32 %f1, [amount];
            cvta.to.global.u64 %rd2, %rd1;
            mov.u32 %r1, %tid.x;
            mul.wide.u32 %rd3, %r1, 4;
            add.s64 %rd4, %rd2, %rd3;
            ld.global.f32 %f2, [%rd4];
            add.f32 %f3, %f2, %f1;
            st.global.f32 [%rd4], %f3;
            ret;
        }
        """;

    /// <summary>A module with the kernel <see cref="Add"/>.</summary>
    internal static CudaModule Module(CudaContext context) => new(context, "add", [.. Encoding.UTF8.GetBytes(Add), 0]);

    /// <summary>Queues values[i] += amount for the first elements, at most 1024.</summary>
    internal static void Launch(CudaKernel add, CudaDeviceVariable<float> values, float amount, uint threads, CudaStream stream)
    {
        ulong address = values.Pointer.Value;
        void** arguments = stackalloc void*[] { &address, &amount };
        add.Launch(new Dim3(1), new Dim3(threads), 0, stream, arguments);
    }
}
