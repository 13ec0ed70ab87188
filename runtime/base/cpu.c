/* cpu.c: what the processor can do, asked once, and the state of its floating-point unit.
 *
 * Results must not depend on the set chosen: every kernel has one order of operations. The set only gives the speed.
 */
#include "base/cpu.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static lm_isa chosen;
static char name_text[128];

#define NAME(isa) #isa,
static const char *const names[LM_ISAS] = {LM_EACH_ISA(NAME)};

const char *lm_isa_name(lm_isa isa) { return (unsigned)isa < LM_ISAS ? names[isa] : "unknown"; }

lm_isa lm_isa_named(const char *name) {
  int isa = 0;
  while (isa < LM_ISAS && strcmp(name, names[isa]) != 0) isa++;
  return (lm_isa)isa;
}

/* ---- what the processor has ------------------------------------------------------------------------------------ */

#if defined(__x86_64__)
/* For sets of which a build may have none. Every part of x86-64-v3; three of them clang's __builtin_cpu_supports does
 * not know by name. */
__attribute__((unused)) static bool has_x86_64_v3(void) {
  unsigned a, b, c, d, more;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !__get_cpuid(0x80000001u, &a, &b, &more, &d)) return false;
  const bool f16c = c >> 29 & 1, movbe = c >> 22 & 1, lzcnt = more >> 5 & 1;
  return f16c && movbe && lzcnt && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}
#endif

/* has_NAME() of each set that was built. */
#define LM_ISA_DETECT
#include "isa_detect.h"

/* True where this build has kernels for the set and the processor (and its system) can run them. */
bool lm_cpu_has(lm_isa isa) {
#define HAS(name)                                                                                                    \
  if (isa == LM_ISA_##name) return has_##name();
  LM_EACH_BUILT_ISA(HAS)
  return false;
}

#if defined(__x86_64__)
/* The brand string of the processor, from its three leaves. */
static void read_name(void) {
  unsigned words[12] = {0}, a, b, c, d;
  if (__get_cpuid(0x80000000u, &a, &b, &c, &d) && a >= 0x80000004u)
    for (unsigned i = 0; i < 3; i++)
      __get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2], &words[4 * i + 3]);
  char text[sizeof words + 1] = {0};
  memcpy(text, words, sizeof words);
  const char *start = text + strspn(text, " ");
  snprintf(name_text, sizeof name_text, "%s", *start ? start : "x86-64 processor");
}
#else
/* Systems without a brand string tell the maker and part in /proc/cpuinfo. */
static void read_name(void) {
  char line[256], maker[32] = "", part[32] = "";
  FILE *f = fopen("/proc/cpuinfo", "r");
  while (f && fgets(line, sizeof line, f)) {
    sscanf(line, "CPU implementer : %31s", maker);
    sscanf(line, "CPU part : %31s", part);
  }
  if (f) fclose(f);
  snprintf(name_text, sizeof name_text, "ARM64 processor (maker %s, part %s)", *maker ? maker : "?",
           *part ? part : "?");
}
#endif

/* The last of all sets is one that every processor has. */
static void decide(void) {
  read_name();
  int best = 0;
  while (!lm_cpu_has((lm_isa)best) && best + 1 < LM_ISAS) best++;
  const char *wanted = getenv("LAMINA_ISA");
  const lm_isa named = wanted ? lm_isa_named(wanted) : LM_ISAS;
  chosen = lm_cpu_has(named) ? named : (lm_isa)best;
}

lm_isa lm_cpu_isa(void) {
  pthread_once(&once, decide);
  return chosen;
}

const char *lm_cpu_name(void) {
  pthread_once(&once, decide);
  return name_text;
}

void lm_cpu_float_state(void) {
#if defined(__x86_64__)
  /* MXCSR: flush-to-zero (15), rounding (13, 14) and denormals-are-zero (6) off; all exceptions masked (7 to 12). */
  unsigned now = _mm_getcsr(), want = (now & ~0xe040u) | 0x1f80u;
  if (now != want) _mm_setcsr(want);
#elif defined(__aarch64__)
  /* FPCR: default-NaN (25), flush-to-zero (24), rounding (22, 23), half-precision flush (19), traps (8 to 15). */
  uint64_t now;
  __asm__ volatile("mrs %0, fpcr" : "=r"(now));
  uint64_t want = now & ~UINT64_C(0x3c8ff00);
  if (now != want) __asm__ volatile("msr fpcr, %0" : : "r"(want));
#endif
}
