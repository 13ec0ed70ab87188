/* scalar.h: elementary functions of one double, with the same bits on every machine.
 *
 * They are the ones the kernels use (kernels/math.h), so exp of a tensor and exp of a number agree. Lua's math
 * library, the random normals and the statistics call these and never the C library's, whose results vary between
 * versions and processors. Exact functions (sqrt, floor, fabs, fmod, fma) need no counterpart here. Special values
 * are those of C99's Annex F; errors are at most 2 units in the last place. */
#ifndef LM_BASE_SCALAR_H
#define LM_BASE_SCALAR_H

double lm_exp(double x);
double lm_expm1(double x);
double lm_log(double x);
double lm_log1p(double x);
double lm_log2(double x);  /* exact for powers of two */
double lm_log10(double x); /* exact for powers of ten that are doubles */
double lm_sin(double x);
double lm_cos(double x);
double lm_tan(double x);
double lm_tanh(double x);
double lm_erf(double x);
double lm_pow(double x, double y);
double lm_atan2(double y, double x);
double lm_asin(double x);
double lm_acos(double x);

#endif
