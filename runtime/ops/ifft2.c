/* ifft2.c: the inverse Fourier transform, over two axes. */
#include "ops.h"
#include "ops/core/fourier.h"

static const lm_param params[] = {LM_FFT_AXES("-2,-1"), {0}};

static const lm_case cases[] = {{"3x4x2", ""}, {"2x4x3x2", "s=3,5 dim=3,1 norm=ortho"}, {0}};

const lm_op lm_op_ifft2 = {
    .name = "ifft2",
    .doc = "The inverse Fourier transform. Over two axes, the last two by default.\n"
           "x[t] = 1/n sum over k of X[k] exp(2 pi i k t / n).\n"
           "x and the result are complex: " LM_FFT_COMPLEX_TENSOR LM_FFT_ANY_LENGTH "\n" LM_FFT_EXACT,
    .example = "x = randn { 4, 4, 2 }\n"
               "x:fft2():ifft2():allclose(x)   --> true",
    .inputs = "x",
    .group = "fourier",
    .params = params,
    .infer = lm_fft_infer,
    .forward = lm_fft_forward,
    .backward = lm_fft_backward,
    .kernel = LM_FFT_INVERSE | LM_FFT_TWO | LM_FFT_MANY,
    .twice = true,
    .cases = cases,
};
