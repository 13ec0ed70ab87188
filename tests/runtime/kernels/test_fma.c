/* The fused multiply-add that kernels use without the instruction, against the C library's fmaf and fma: the scalar
 * form and the vector forms of kernels/fma.h. tests/exact/check_fma.c is the long run against the hardware. */
#define LM_EMULATE_FMA 1
#include "kernels/fma.h"

#include "draw_fma.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void compare(float a, float b, float c) {
  uint32_t ours = float_bits(lm_fma_f32(a, b, c)), theirs = float_bits(fmaf(a, b, c));
  if (ours != theirs) fail_msg("fma(%a, %a, %a) is %08x but must be %08x", a, b, c, ours, theirs);
#ifdef LM_VECTOR_FMA_EMULATED
  float lanes[4];
  _mm_storeu_ps(lanes, lm_fma_f32_4(_mm_set_ps(a, 1, b, a), _mm_set_ps(b, 2, a, b), _mm_set_ps(c, 3, c, c)));
  if (float_bits(lanes[0]) != theirs || float_bits(lanes[1]) != theirs || float_bits(lanes[3]) != theirs)
    fail_msg("fma(%a, %a, %a) of vectors is %a, %a, %a", a, b, c, lanes[0], lanes[1], lanes[3]);
  assert_true(lanes[2] == 5);
#endif
}

static void compare_double(double a, double b, double c) {
#ifdef LM_VECTOR_FMA_EMULATED
  double lanes[2];
  uint64_t theirs = double_bits(fma(a, b, c));
  _mm_storeu_pd(lanes, lm_fma_f64_2(_mm_set_pd(b, a), _mm_set_pd(a, b), _mm_set1_pd(c)));
  if (double_bits(lanes[0]) != theirs || double_bits(lanes[1]) != theirs)
    fail_msg("fma(%a, %a, %a) of vectors is %a, %a but must be %a", a, b, c, lanes[0], lanes[1], fma(a, b, c));
#else
  (void)a, (void)b, (void)c;
#endif
}

static void floats(void **unused) {
  (void)unused;
  draw_state state = 1;
  for (int i = 0; i < 3000000; i++) {
    float t[3];
    draw_floats(&state, t);
    compare(t[0], t[1], t[2]);
  }
}

static void doubles(void **unused) {
  (void)unused;
  draw_state state = 2;
  for (int i = 0; i < 3000000; i++) {
    double t[3];
    draw_doubles(&state, t);
    compare_double(t[0], t[1], t[2]);
  }
}

static void special_values(void **unused) {
  (void)unused;
  const uint32_t list[] = {0,           0x80000000u, 1,           0x80000001u, 0x007fffffu, 0x00800000u, 0x3f800000u,
                           0xbf800000u, 0x7f7fffffu, 0xff7fffffu, 0x7f800000u, 0xff800000u, 0x7fc00000u, 0x33800000u};
  const double wide[] = {0.0, -0.0, 0x1p-1074, -0x1p-1022, 0x1p-450, 0x1p450, 0x1p-600, 0x1.fffffffffffffp1023,
                         1.0, -1.0, INFINITY,  -INFINITY,  NAN,      0x1p960, 0x1p-53,  1 + 0x1p-52};
  enum { COUNT = sizeof list / sizeof list[0], WIDE = sizeof wide / sizeof wide[0] };
  for (int i = 0; i < COUNT; i++)
    for (int j = 0; j < COUNT; j++)
      for (int k = 0; k < COUNT; k++) compare(bits_float(list[i]), bits_float(list[j]), bits_float(list[k]));
  for (int i = 0; i < WIDE; i++)
    for (int j = 0; j < WIDE; j++)
      for (int k = 0; k < WIDE; k++) compare_double(wide[i], wide[j], wide[k]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(floats), cmocka_unit_test(doubles),
                                     cmocka_unit_test(special_values)};
  return cmocka_run_group_tests_name("fused multiply-add", tests, NULL, NULL);
}
