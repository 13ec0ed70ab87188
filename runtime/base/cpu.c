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

#ifndef LM_BUILT_AVX2
#define LM_BUILT_AVX2 0
#endif
#ifndef LM_BUILT_AVX512
#define LM_BUILT_AVX512 0
#endif
#ifndef LM_BUILT_NEON
#define LM_BUILT_NEON 0
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static lm_isa chosen;
static char name_text[128];

const char *lm_isa_name(lm_isa isa) {
  static const char *const names[LM_ISAS] = {"generic", "avx2", "avx512", "neon"};
  return (unsigned)isa < LM_ISAS ? names[isa] : "unknown";
}

#if defined(__x86_64__)
/* Those parts of x86-64-v3 that clang's __builtin_cpu_supports does not know by name. */
static bool has_f16c_movbe_lzcnt(void) {
  unsigned a, b, c, d, more;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !__get_cpuid(0x80000001u, &a, &b, &more, &d)) return false;
  return c >> 29 & 1 && c >> 22 & 1 && more >> 5 & 1;
}
#endif

/* True where this build has kernels for the set and the processor (and its system) can run them. The AVX2 kernels
 * are built for x86-64-v3 and the AVX-512 ones for x86-64-v4, so every part of those levels is asked for. */
bool lm_cpu_has(lm_isa isa) {
#if defined(__x86_64__)
  if (isa == LM_ISA_GENERIC) return true;
  bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
            __builtin_cpu_supports("bmi2") && has_f16c_movbe_lzcnt();
  if (isa == LM_ISA_AVX2) return LM_BUILT_AVX2 && v3;
  if (isa == LM_ISA_AVX512)
    return LM_BUILT_AVX512 && v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd");
  return false;
#elif defined(__aarch64__)
  return isa == LM_ISA_NEON && LM_BUILT_NEON;
#else
  return isa == LM_ISA_GENERIC;
#endif
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

static void decide(void) {
  static const lm_isa best_first[] = {LM_ISA_AVX512, LM_ISA_AVX2, LM_ISA_NEON, LM_ISA_GENERIC};
  read_name();
  chosen = LM_ISA_GENERIC;
  for (int i = 0; i < 4; i++)
    if (lm_cpu_has(best_first[i])) {
      chosen = best_first[i];
      break;
    }
  const char *wanted = getenv("LAMINA_ISA");
  for (int isa = 0; wanted && isa < LM_ISAS; isa++)
    if (!strcmp(wanted, lm_isa_name((lm_isa)isa)) && lm_cpu_has((lm_isa)isa)) chosen = (lm_isa)isa;
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
