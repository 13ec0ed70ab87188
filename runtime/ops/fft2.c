/* fft2.c: the Fourier transform of a complex signal, over two axes. */
#include "ops.h"
#include "ops/core/fourier.h"

static const lm_param params[] = {LM_FFT_AXES("-2,-1"), {0}};

static const lm_case cases[] = {{"3x4x2", ""}, {"2x4x3x2", "s=3,5 dim=3,1 norm=ortho"}, {0}};

const lm_op lm_op_fft2 = {
    .name = "fft2",
    .doc = "The Fourier transform of a complex signal. Over two axes, the last two by default.\n"
           "X[k] = sum over t of x[t] exp(-2 pi i k t / n).\n"
           "x and the result are complex: " LM_FFT_COMPLEX_TENSOR LM_FFT_ANY_LENGTH "\n" LM_FFT_EXACT,
    .example = "image = ops.complex(ones { 4, 4 }, zeros { 4, 4 })\n"
               "image:fft2():complex_abs():sum()   --> 16.",
    .inputs = "x",
    .group = "fourier",
    .params = params,
    .infer = lm_fft_infer,
    .forward = lm_fft_forward,
    .backward = lm_fft_backward,
    .kernel = LM_FFT_TWO | LM_FFT_MANY,
    .twice = true,
    .cases = cases,
};
