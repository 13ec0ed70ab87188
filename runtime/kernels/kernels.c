/* kernels.c: the tables that the build holds, one for each instruction set and floating type. */
#include "kernels/kernels.h"

#include "base/cpu.h"

/* TABLES(avx2) declares every family's exported table for that set and joins them into two lm_kernels. */
#define DECLARE(family, type, isa) extern const lm_kernel_##family lm_kernel_##family##_##type##_##isa;
#define ENTRY(family, type, isa)   .family = &lm_kernel_##family##_##type##_##isa,

#ifdef LM_BUILT_GENERIC
#define X(family) DECLARE(family, f32, generic) DECLARE(family, f64, generic)
LM_KERNEL_FAMILIES(X)
#undef X
#define X(family) ENTRY(family, f32, generic)
static const lm_kernels generic_f32 = {LM_KERNEL_FAMILIES(X)};
#undef X
#define X(family) ENTRY(family, f64, generic)
static const lm_kernels generic_f64 = {LM_KERNEL_FAMILIES(X)};
#undef X
#endif

#ifdef LM_BUILT_AVX2
#define X(family) DECLARE(family, f32, avx2) DECLARE(family, f64, avx2)
LM_KERNEL_FAMILIES(X)
#undef X
#define X(family) ENTRY(family, f32, avx2)
static const lm_kernels avx2_f32 = {LM_KERNEL_FAMILIES(X)};
#undef X
#define X(family) ENTRY(family, f64, avx2)
static const lm_kernels avx2_f64 = {LM_KERNEL_FAMILIES(X)};
#undef X
#endif

#ifdef LM_BUILT_AVX512
#define X(family) DECLARE(family, f32, avx512) DECLARE(family, f64, avx512)
LM_KERNEL_FAMILIES(X)
#undef X
#define X(family) ENTRY(family, f32, avx512)
static const lm_kernels avx512_f32 = {LM_KERNEL_FAMILIES(X)};
#undef X
#define X(family) ENTRY(family, f64, avx512)
static const lm_kernels avx512_f64 = {LM_KERNEL_FAMILIES(X)};
#undef X
#endif

#ifdef LM_BUILT_NEON
#define X(family) DECLARE(family, f32, neon) DECLARE(family, f64, neon)
LM_KERNEL_FAMILIES(X)
#undef X
#define X(family) ENTRY(family, f32, neon)
static const lm_kernels neon_f32 = {LM_KERNEL_FAMILIES(X)};
#undef X
#define X(family) ENTRY(family, f64, neon)
static const lm_kernels neon_f64 = {LM_KERNEL_FAMILIES(X)};
#undef X
#endif

/* tables[isa][0] is float32, [1] float64. lm_cpu_isa() only answers with a set that was built. */
static const lm_kernels *const tables[LM_ISAS][2] = {
#ifdef LM_BUILT_GENERIC
    [LM_ISA_GENERIC] = {&generic_f32, &generic_f64},
#endif
#ifdef LM_BUILT_AVX2
    [LM_ISA_AVX2] = {&avx2_f32, &avx2_f64},
#endif
#ifdef LM_BUILT_AVX512
    [LM_ISA_AVX512] = {&avx512_f32, &avx512_f64},
#endif
#ifdef LM_BUILT_NEON
    [LM_ISA_NEON] = {&neon_f32, &neon_f64},
#endif
};

const lm_kernels *lm_kernels_of(lm_dtype dtype) { return tables[lm_cpu_isa()][dtype == LM_F64]; }

const lm_kernels *lm_kernels_for(lm_isa isa, lm_dtype dtype) {
  return lm_cpu_has(isa) ? tables[isa][dtype == LM_F64] : 0;
}
