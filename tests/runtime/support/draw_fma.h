/* draw_fma.h: triples on which a fused multiply-add errs if it errs at all: any bits; sums that nearly cancel or lie
 * half-way between two numbers; results around the smallest normal number and below. */
#ifndef LM_TESTS_DRAW_FMA_H
#define LM_TESTS_DRAW_FMA_H

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t draw_state;

static inline uint64_t draw_bits(draw_state *state) { /* SplitMix64 */
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static inline float bits_float(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
static inline double bits_double(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* The bits, one pattern for every NaN. */
static inline uint32_t float_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return x == x ? bits : 0x7fc00000u;
}
static inline uint64_t double_bits(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return x == x ? bits : 0x7ff8000000000000u;
}

/* A number of random sign and fraction times 2^exponent, subnormal where that is so small. */
static inline float float_at(draw_state *state, int exponent) {
  return ldexpf(bits_float(((uint32_t)draw_bits(state) & 0x807fffffu) | 0x3f800000u), exponent);
}
static inline double double_at(draw_state *state, int exponent) {
  return ldexp(bits_double((draw_bits(state) & 0x800fffffffffffffu) | 0x3ff0000000000000u), exponent);
}

static inline void draw_floats(draw_state *state, float t[3]) {
  uint64_t r = draw_bits(state), form = r % 4;
  if (form == 0) {
    for (int i = 0; i < 3; i++) t[i] = bits_float((uint32_t)draw_bits(state));
    return;
  }
  int spread = form == 3 ? 40 : 1, offset = form == 3 ? 90 : 0;
  t[0] = float_at(state, -(int)(r >> 8 & 63) % spread - offset);
  t[1] = float_at(state, -(int)(r >> 16 & 63) % spread - offset / 2);
  t[2] = form == 3 ? bits_float((uint32_t)draw_bits(state) & 0x81ffffffu)
                   : ldexpf(-t[0] * t[1], form == 1 ? 0 : (int)(r >> 24 & 127) - 64);
  t[2] = bits_float(float_bits(t[2]) + (uint32_t)(r >> 32) % 3);
}

static inline void draw_doubles(draw_state *state, double t[3]) {
  uint64_t r = draw_bits(state), form = r % 6;
  if (form == 0) {
    for (int i = 0; i < 3; i++) t[i] = bits_double(draw_bits(state));
    return;
  }
  int spread = form < 3 ? 2 : form == 3 ? 900 : 460; /* of the exponents */
  t[0] = double_at(state, (int)(r >> 4 & 1023) % spread - spread / 2);
  t[1] = double_at(state, (int)(r >> 14 & 1023) % spread - (form == 4 ? 500 : spread / 2));
  if (form == 2) t[0] = bits_double(double_bits(t[0]) & ~(uint64_t)0x3ffffff); /* few bits: ties */
  t[2] = form == 5 ? double_at(state, (int)(r >> 24 & 2047) - 1100)
                   : ldexp(-t[0] * t[1], form == 1 ? 0 : (int)(r >> 24 & 255) - 128);
  t[2] = bits_double(double_bits(t[2]) + (r >> 40) % 3 - 1);
  if ((r >> 48) % 64 == 0) t[r >> 60 & 1] = 0.0;
}

#endif
