/* lapack.c: loading the LAPACK module (OpenBLAS) at its first use.
 *
 * An OpenBLAS older than the processor falls back to kernels for the oldest one, several times slower. It tells which
 * ones it took; where those lack what the processor has, it is loaded again with OPENBLAS_CORETYPE set to a core
 * whose instructions the processor supports. A core type that the user has set stays. */
#include "lapack.h"

#include "base/cpu.h"
#include "linalg/lapack.h"
#include "modules.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char NEEDED[] = "this needs the LAPACK module (OpenBLAS), which ";

static const lm_lapack_table *open_module(const char *path, void **module, lm_err *e) {
  *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  lm_cpu_float_state(); /* a library's start-up code must not leave flush-to-zero on */
  if (!*module) {
    lm_fail(e, LM_ERR_MISSING, "%scannot be loaded: %s", NEEDED, dlerror());
    return NULL;
  }
  const lm_lapack_table *table = dlsym(*module, "lm_lapack_api");
  if (table && table->version == LM_LAPACK_VERSION) return table;
  dlclose(*module);
  lm_fail(e, LM_ERR_MISSING, "%sbelongs to another version of Lamina: '%s'", NEEDED, path);
  return NULL;
}

/* Whether a core of OpenBLAS is older than the vectors of this processor. */
static bool falls_back(const char *core) {
  static const char *const old[] = {"Katmai",       "Coppermine", "Northwood",  "Prescott", "Banias", "Atom",
                                    "Core2",        "Penryn",     "Dunnington", "Nehalem",  "Athlon", "Opteron",
                                    "Opteron_SSE3", "Barcelona",  "Nano",       "Generic",  "Unknown"};
  if (!lm_cpu_has(lm_isa_named("avx2"))) return false;
  for (size_t i = 0; i < sizeof old / sizeof old[0]; i++)
    if (!strcasecmp(core, old[i])) return true;
  return false;
}

static const lm_lapack_table *load(lm_err *e) {
  char path[MODULES_PATH];
  void *module;
  if (!modules_find("lapack.so", path)) {
    lm_fail(e, LM_ERR_MISSING,
            "%sis not here: install libopenblas-dev and build again (looked for '%s'); svd, eigh and what is made of "
            "them also take method = 'exact'",
            NEEDED, path);
    return NULL;
  }
  const lm_lapack_table *table = open_module(path, &module, e);
  if (!table || getenv("OPENBLAS_CORETYPE") || !falls_back(table->core())) return table;
  dlclose(module);
  setenv("OPENBLAS_CORETYPE", lm_cpu_has(lm_isa_named("avx512")) ? "SKYLAKEX" : "HASWELL", 1);
  table = open_module(path, &module, e);
  unsetenv("OPENBLAS_CORETYPE");
  return table;
}

/* Loaded once in a process. */
static const lm_lapack_table *loaded_once(lm_err *e) {
  static const lm_lapack_table *table;
  if (!table) table = load(e);
  return table;
}

void lapack_register(void) { lm_lapack_loader = loaded_once; }

const char *lapack_core(lm_err *e) {
  const lm_lapack_table *table = loaded_once(e);
  return table ? table->core() : NULL;
}
