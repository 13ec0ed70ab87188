/* cpu.h: which instruction set the kernels use, and the state of the floating-point unit. */
#ifndef LM_BASE_CPU_H
#define LM_BASE_CPU_H

#include <stdbool.h>

typedef enum lm_isa { LM_ISA_GENERIC, LM_ISA_AVX2, LM_ISA_AVX512, LM_ISA_NEON, LM_ISAS } lm_isa;

/* The best set that this processor and this build have, unless the environment variable LAMINA_ISA names a lesser
 * one ("generic", "avx2", "avx512", "neon"); decided at the first call. A name the processor lacks is ignored. */
lm_isa lm_cpu_isa(void);
/* Whether this processor and this build have a set. */
bool lm_cpu_has(lm_isa isa);

const char *lm_isa_name(lm_isa isa);

/* The processor's own name, for results.json. */
const char *lm_cpu_name(void);

/* Round to nearest, gradual underflow on, flush-to-zero off, on the calling thread. */
void lm_cpu_float_state(void);

#endif
