/* lapack.h: the LAPACK module for the command. */
#ifndef LM_INTERP_LAPACK_H
#define LM_INTERP_LAPACK_H

#include "base/err.h"

/* Lets the ops find the module, which is loaded when the first of them needs it. */
void lapack_register(void);

/* The kernels that OpenBLAS has chosen, "SkylakeX"; loads the module. NULL with e filled where there is none. */
const char *lapack_core(lm_err *e);

#endif
