/* cpu.h: which instruction set the kernels use, and the state of the floating-point unit. */
#ifndef LM_BASE_CPU_H
#define LM_BASE_CPU_H

#include <stdbool.h>

#include "isa_list.h"

/* One for each file of kernels/isa, the best first, whether or not this build has its kernels; LM_ISAS is none. */
#define LM_ISA_ENUM(isa) LM_ISA_##isa,
typedef enum lm_isa { LM_EACH_ISA(LM_ISA_ENUM) LM_ISAS } lm_isa;

/* The best set that this processor and this build have, unless the environment variable LAMINA_ISA names another of
 * theirs; decided at the first call. A name the processor lacks is ignored. */
lm_isa lm_cpu_isa(void);
/* Whether this processor and this build have a set. */
bool lm_cpu_has(lm_isa isa);

/* The name of a set, and the set of a name; "unknown" and LM_ISAS where there is none. */
const char *lm_isa_name(lm_isa isa);
lm_isa lm_isa_named(const char *name);

/* The processor's own name, for results.json. */
const char *lm_cpu_name(void);

/* Round to nearest, gradual underflow on, flush-to-zero off, on the calling thread. */
void lm_cpu_float_state(void);

#endif
