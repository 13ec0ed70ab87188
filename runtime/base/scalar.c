/* scalar.c: the functions of scalar.h are the kernels' own. */
#define LM_ISA_NAME    scalar
#define LM_REAL_IS_F64 1
#include "base/scalar.h"

#include "kernels/math.h"

double lm_exp(double x) { return m_exp_f64(x); }
double lm_expm1(double x) { return m_expm1_f64(x); }
double lm_log(double x) { return m_log_f64(x); }
double lm_log1p(double x) { return m_log1p_f64(x); }
double lm_sin(double x) { return m_sin_f64(x); }
double lm_cos(double x) { return m_cos_f64(x); }
double lm_tanh(double x) { return m_tanh_f64(x); }
double lm_erf(double x) { return m_erf_f64(x); }
double lm_pow(double x, double y) { return m_pow_f64(x, y); }
double lm_log2(double x) { return m_log2_f64(x); }
double lm_log10(double x) { return m_log10_f64(x); }
double lm_tan(double x) { return m_tan_f64(x); }
double lm_atan2(double y, double x) { return m_atan2_f64(y, x); }
double lm_asin(double x) { return m_asin_f64(x); }
double lm_acos(double x) { return m_acos_f64(x); }
