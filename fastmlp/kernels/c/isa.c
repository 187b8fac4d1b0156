/* The one file that knows about CPUs: which of the compiled instruction sets this machine can run. */
#include "kernels.h"

#if defined(FASTMLP_NEON) /* every 64-bit ARM has it */
#define BASELINE fastmlp_neon
#else
#define BASELINE fastmlp_base
#endif
extern const Isa BASELINE;

#if defined(FASTMLP_X86)
extern const Isa fastmlp_avx2, fastmlp_avx512;

static int runs_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int runs_avx512(void)
{
    return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
#endif

const Isa *fastmlp_isa(int index)
{
    const Isa *found[3];
    int count = 0;
#if defined(FASTMLP_X86)
    __builtin_cpu_init();
    if (runs_avx512())
        found[count++] = &fastmlp_avx512;
    if (runs_avx2())
        found[count++] = &fastmlp_avx2;
#endif
    found[count++] = &BASELINE;
    return index >= 0 && index < count ? found[index] : NULL;
}
