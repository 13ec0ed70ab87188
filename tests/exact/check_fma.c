/* check_fma.c: the emulated fused multiply-add of kernels/fma.h against the hardware's: check_fma [TRIPLES] [SEED].
 * Prints a line for floats and one for doubles; exit 1 where any bit differs, 2 where the processor lacks the
 * instruction. `./run exact` runs it on 10^9 triples of each. */
#define LM_EMULATE_FMA 1
#include "kernels/fma.h"

#include "draw_fma.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef LM_VECTOR_FMA_EMULATED
#include <immintrin.h>

enum { WORKERS = 2 };

typedef struct share {
  long triples, wrong[2];
  draw_state seed;
} share;

__attribute__((target("fma"))) static void hardware(const float f[3], const double d[3], float *rf, double *rd) {
  *rf = _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(f[0]), _mm_set_ss(f[1]), _mm_set_ss(f[2])));
  *rd = _mm_cvtsd_f64(_mm_fmadd_sd(_mm_set_sd(d[0]), _mm_set_sd(d[1]), _mm_set_sd(d[2])));
}

static void *check(void *context) {
  share *s = context;
  draw_state state = s->seed;
  for (long i = 0; i < s->triples; i++) {
    float f[3], rf, scalar;
    double d[3], rd;
    draw_floats(&state, f);
    draw_doubles(&state, d);
    hardware(f, d, &rf, &rd);
    scalar = lm_fma_f32(f[0], f[1], f[2]);
    float vector = _mm_cvtss_f32(lm_fma_f32_4(_mm_set1_ps(f[0]), _mm_set1_ps(f[1]), _mm_set1_ps(f[2])));
    double wide = _mm_cvtsd_f64(lm_fma_f64_2(_mm_set1_pd(d[0]), _mm_set1_pd(d[1]), _mm_set1_pd(d[2])));
    if (float_bits(scalar) != float_bits(rf) || float_bits(vector) != float_bits(rf))
      if (s->wrong[0]++ == 0) printf("fma(%a, %a, %a) is %a, not %a\n", f[0], f[1], f[2], rf, vector);
    if (double_bits(wide) != double_bits(rd))
      if (s->wrong[1]++ == 0) printf("fma(%a, %a, %a) is %a, not %a\n", d[0], d[1], d[2], rd, wide);
  }
  return NULL;
}

int main(int argc, char **argv) {
  long triples = argc > 1 ? atol(argv[1]) : 10000000, wrong[2] = {0, 0};
  if (!__builtin_cpu_supports("fma")) return puts("this processor has no fused multiply-add to compare with"), 2;
  share shares[WORKERS];
  pthread_t threads[WORKERS];
  for (int i = 0; i < WORKERS; i++) {
    shares[i] = (share){.triples = triples / WORKERS, .seed = (draw_state)((argc > 2 ? atol(argv[2]) : 1) * 64 + i)};
    if (pthread_create(&threads[i], NULL, check, &shares[i]) != 0) return 2;
  }
  for (int i = 0; i < WORKERS; i++) {
    pthread_join(threads[i], NULL);
    wrong[0] += shares[i].wrong[0];
    wrong[1] += shares[i].wrong[1];
  }
  printf("float32 fma emulated, scalar and vector: %ld triples, %ld differ from the hardware\n", triples, wrong[0]);
  printf("float64 fma emulated, vector: %ld triples, %ld differ from the hardware\n", triples, wrong[1]);
  return wrong[0] || wrong[1];
}
#else
int main(void) {
  puts("this processor does not need the emulation");
  return 2;
}
#endif
