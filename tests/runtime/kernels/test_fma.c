/* The fused multiply-add that kernels use without the instruction, against the C library's fmaf. Tests are built for
 * the plain instruction set, so template.h gives its emulation here. */
#define LM_ISA_NAME    generic
#define LM_REAL_IS_F32 1
#include "kernels/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint32_t draw(void) { /* SplitMix64 */
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (uint32_t)(z >> 32);
}

static float from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static uint32_t to_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return x == x ? bits : 0x7fc00000u;
}

static void compare(float a, float b, float c) {
  uint32_t ours = to_bits(lm_fma_f32(a, b, c)), theirs = to_bits(fmaf(a, b, c));
  if (ours != theirs) fail_msg("fma(%a, %a, %a) is %08x but must be %08x", a, b, c, ours, theirs);
}

static void any_bits(void **unused) {
  (void)unused;
  for (int i = 0; i < 1000000; i++) compare(from_bits(draw()), from_bits(draw()), from_bits(draw()));
}

/* Factors around 1 and a sum that nearly cancels or lies half-way between two floats: where double rounding shows. */
static void near_ties(void **unused) {
  (void)unused;
  for (int i = 0; i < 1000000; i++) {
    float a = from_bits((draw() & 0x807fffffu) | 0x3f800000u), b = from_bits((draw() & 0x807fffffu) | 0x3f800000u);
    int shift = (int)(draw() % 110) - 55;
    float c = ldexpf(-a * b, i % 2 ? shift : 0);
    compare(a, b, c);
    compare(a, b, from_bits(to_bits(c) + draw() % 3));
  }
}

/* Results around the smallest normal number and below. */
static void subnormal_results(void **unused) {
  (void)unused;
  for (int i = 0; i < 1000000; i++) {
    float a = ldexpf(from_bits((draw() & 0x807fffffu) | 0x3f800000u), -(int)(draw() % 40) - 50);
    float b = ldexpf(from_bits((draw() & 0x807fffffu) | 0x3f800000u), -(int)(draw() % 40) - 50);
    compare(a, b, from_bits(draw() & 0x81ffffffu));
  }
}

static void special_values(void **unused) {
  (void)unused;
  const uint32_t list[] = {0,           0x80000000u, 1,           0x80000001u, 0x007fffffu, 0x00800000u, 0x3f800000u,
                           0xbf800000u, 0x7f7fffffu, 0xff7fffffu, 0x7f800000u, 0xff800000u, 0x7fc00000u, 0x33800000u};
  enum { COUNT = sizeof list / sizeof list[0] };
  for (int i = 0; i < COUNT; i++)
    for (int j = 0; j < COUNT; j++)
      for (int k = 0; k < COUNT; k++) compare(from_bits(list[i]), from_bits(list[j]), from_bits(list[k]));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(any_bits), cmocka_unit_test(near_ties),
                                     cmocka_unit_test(subnormal_results), cmocka_unit_test(special_values)};
  return cmocka_run_group_tests_name("fused multiply-add", tests, NULL, NULL);
}
