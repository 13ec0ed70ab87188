/* fftn.c: the Fourier transform of a complex signal, over several axes. */
#include "ops.h"
#include "ops/core/fourier.h"

static const lm_param params[] = {LM_FFT_AXES("nil"), {0}};

static const lm_case cases[] = {
    {"3x4x2", ""}, {"2x4x3x2", "s=3,5 dim=3,1 norm=ortho"}, {"2x3x2x2", "norm=forward"}, {0}};

const lm_op lm_op_fftn = {
    .name = "fftn",
    .doc = "The Fourier transform of a complex signal. Over several axes, all by default.\n"
           "X[k] = sum over t of x[t] exp(-2 pi i k t / n).\n"
           "x and the result are complex: " LM_FFT_COMPLEX_TENSOR LM_FFT_ANY_LENGTH "\n" LM_FFT_EXACT,
    .example = "volume = ops.complex(ones { 2, 2, 2 }, zeros { 2, 2, 2 })\n"
               "volume:fftn():complex_abs():max()   --> 8.",
    .inputs = "x",
    .group = "fourier",
    .params = params,
    .infer = lm_fft_infer,
    .forward = lm_fft_forward,
    .backward = lm_fft_backward,
    .kernel = LM_FFT_MANY,
    .twice = true,
    .cases = cases,
};
