/* kernels.c: the tables that the build holds, one for each instruction set and floating type. */
#include "kernels/kernels.h"

#include "base/cpu.h"

#define DECLARE(family, type, isa) extern const lm_kernel_##family lm_kernel_##family##_##type##_##isa;
#define DECLARE_BOTH(isa)          LM_KERNEL_FAMILIES(DECLARE, f32, isa) LM_KERNEL_FAMILIES(DECLARE, f64, isa)
LM_EACH_BUILT_ISA(DECLARE_BOTH)

/* tables[isa][0] is float32, [1] float64. lm_cpu_isa() only answers with a set that was built. */
#define ENTRY(family, type, isa) .family = &lm_kernel_##family##_##type##_##isa,
#define BOTH(isa)                [LM_ISA_##isa] = {{LM_KERNEL_FAMILIES(ENTRY, f32, isa)}, {LM_KERNEL_FAMILIES(ENTRY, f64, isa)}},
static const lm_kernels tables[LM_ISAS][2] = {LM_EACH_BUILT_ISA(BOTH)};

const lm_kernels *lm_kernels_of(lm_dtype dtype) { return &tables[lm_cpu_isa()][dtype == LM_F64]; }

const lm_kernels *lm_kernels_for(lm_isa isa, lm_dtype dtype) {
  return lm_cpu_has(isa) ? &tables[isa][dtype == LM_F64] : 0;
}
