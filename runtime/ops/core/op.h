/* op.h: what an operation is, how it is called, and how a call is recorded for backward.
 *
 * An op is one file runtime/ops/NAME.c that ends in `const lm_op lm_op_NAME`. The build collects the files; there is
 * no list to edit. From the descriptor come the Lua function and method, its argument errors, help, the reference
 * page, the gradient test, the same-bits test and the benchmark row. */
#ifndef LM_OPS_CORE_OP_H
#define LM_OPS_CORE_OP_H

#include "tensor/tensor.h"

enum { LM_MAX_PARAMS = 12, LM_MAX_INPUTS = 8, LM_MAX_VARIADIC = 4096, LM_MAX_OUT = 3, LM_MAX_SAVED = 4 };

typedef enum lm_param_kind {
  LM_P_END = 0, /* closes a parameter list */
  LM_P_INT,     /* an integer in [low, high] */
  LM_P_INTS,    /* up to `count` integers in [low, high]; one number stands for all of them (kernel = 3) */
  LM_P_REAL,    /* a number in [low, high] */
  LM_P_BOOL,
  LM_P_CHOICE, /* one of the words in `choices`; the value is its index from 0 */
  LM_P_DIM,    /* an axis: 1 is the first, -1 the last in Lua; 0-based in C, negative ones still negative */
  LM_P_DIMS,   /* a list of axes; absent: all */
  LM_P_SHAPE,  /* a list of sizes; -1 where the op says so */
  LM_P_DTYPE,  /* a dtype by name; the value is the lm_dtype */
  LM_P_INDEX,  /* a position along an axis: 1-based in Lua, 0-based here; negative counts from the end */
  LM_P_TEXT    /* a short text, of at most LM_VALUE_TEXT characters (lm_value_text) */
} lm_param_kind;

typedef struct lm_param {
  const char *name;
  lm_param_kind kind;
  const char *doc;     /* one line: what it is and its unit; the default is added from below */
  const char *initial; /* the default as a user would write it: "0", "false", "'none'"; NULL: must be given */
  double low, high;    /* of LM_P_INT, LM_P_INTS, LM_P_REAL; both 0: any */
  int count;           /* of LM_P_INTS */
  const char *choices; /* of LM_P_CHOICE: "none relu tanh" */
} lm_param;

/* A parameter of two whole numbers, rows and columns, or one for both. */
#define LM_PAIR_PARAM(word, what, unless_given, least, most)                                                         \
  { .name = word, .kind = LM_P_INTS, .doc = what, .initial = unless_given, .low = least, .high = most, .count = 2 }

/* One parameter's value. LM_P_INT, _CHOICE, _DIM, _DTYPE, _BOOL, _INDEX: i. _REAL: r. _INTS, _DIMS, _SHAPE: n, v.
 * _TEXT: n characters in the memory of v. */
typedef struct lm_value {
  bool given; /* false: it holds the default (a parameter whose default is "nil" has no other value) */
  int64_t i;
  double r;
  int n;
  int64_t v[LM_MAX_DIMS];
} lm_value;

enum { LM_VALUE_TEXT = LM_MAX_DIMS * 8 - 1 };

typedef struct lm_op lm_op;

/* One call of an op, while it runs forward or backward. */
typedef struct lm_call {
  const lm_op *op;
  int n_in, n_out;
  lm_tensor *const *in;           /* optional inputs that were not given are NULL; in backward also those not saved */
  const lm_meta *in_meta;         /* dtype and shape of every input, in both directions */
  const lm_value *p;              /* one for each of op->params */
  lm_meta out_meta[LM_MAX_OUT];   /* filled by infer */
  lm_tensor *out[LM_MAX_OUT];     /* made by lm_apply from out_meta (by forward where op->view or op->compound); in
                                     backward:     saved or NULL */
  lm_tensor *saved[LM_MAX_SAVED]; /* extra tensors that forward keeps for backward, when `grad` is set */
  bool grad;                      /* forward: this call is recorded */
  unsigned unsaved; /* forward may set bit i: what this call computes needs no output i for backward, whatever
                       op->save_out says */
  bool needs[LM_MAX_INPUTS]; /* which inputs want a gradient (variadic ops: all want one) */
} lm_call;

/* A gradient and output case, as text, so that tests, benchmarks and docs can all make its inputs.
 * inputs: shapes separated by ';', each with an optional domain: "2x3x5x6; 4x3x3x2; 4"
 *   "2x3:positive"   values in [0.5, 2]          "2x3:apart"  values at least 0.1 from 0 and from one another
 *   "5:index<3"      int64 in [0, 3)             "2x3:bool"   "2x3:unit" values in (-0.9, 0.9)
 *   "2x3:fraction"   values in (0.05, 0.95)          "2x3:above1"  values in (1.1, 3)   "3x3:definite" symmetric
 * positive definite matrices
 *   "-" an optional input left out               "scalar"     ndim 0
 * params: "stride=2,1 pad=1,0 activation=relu" */
typedef struct lm_case {
  const char *inputs;
  const char *params;
} lm_case;

struct lm_op {
  const char *name;
  const char *doc;        /* what it computes (formula), shapes, errors, source; first line is a summary */
  const char *example;    /* one to four lines as typed at the prompt, of Lua; `--> TEXT` ends a line with what it
                             shows (lib/help/page.lua); the tests run them */
  const char *inputs;     /* names: "x weight bias?"; '?' optional, "tensors..." variadic (alone) */
  const lm_param *params; /* NULL or closed by {0} */
  const char
      *group; /* where the reference lists it: "elementwise", "reduction", "shape", "linear", "image", "loss" */

  lm_status (*infer)(lm_call *c, lm_err *e);   /* the only checker of dtypes, shapes and parameters */
  lm_status (*forward)(lm_call *c, lm_err *e); /* writes c->out */

  /* Sets grad_in[i] (a new reference) for each i with c->needs[i]; NULL there means zero. grad_out[i] is NULL where
   * nothing flowed. Written in ops, through lm_apply, where `twice` is set. */
  lm_status (*backward)(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e);
  const char *no_backward; /* the reason, where backward is NULL */

  /* The outputs once more, in other ops: a pass that is recorded goes through the records of these, and backward need
   * not be written in ops. The inputs must all be saved. NULL where backward itself is. */
  lm_status (*unfold)(lm_call *c, lm_tensor **out, lm_err *e);

  unsigned dense;             /* bit i: forward finds input i row-major (backward as it was given); not of variadic or
                                 compound ops */
  unsigned save_in, save_out; /* bit i: keep input / output i for backward */
  int n_out;                  /* 0 is taken as 1 */
  bool view;                  /* forward makes the outputs itself: they share an input's memory, or their sizes
                                 depend on its values */
  bool compound;              /* forward is written in other ops, which are recorded one by one, and makes the
                                 outputs itself: such an op has no record and no backward of its own */
  bool numbers;               /* a Lua number may stand for an input, as float64 (elementwise ops: in the dtype of the
                                 others) */
  bool twice;                 /* backward is differentiable in its turn */
  int kernel;                 /* which member of its family, for ops that share code (core/unary.h, ...) */
  const lm_case *cases;       /* closed by {NULL, NULL} */
};

/* All ops, sorted by name, closed by NULL; made by the build. */
extern const lm_op *const lm_ops[];
const lm_op *lm_op_find(const char *name); /* NULL: no such op */
int lm_op_param_count(const lm_op *op);
int lm_op_param_index(const lm_op *op, const char *name); /* -1: none */

/* Reads a value from the text a user would write: "2", "2,1", "relu" or "'relu'"; a choice that does not exist
 * gives i = -1, which lm_op_check_value refuses. */
lm_value lm_value_parse(const lm_param *param, const char *text);

/* Fills `values` (one per parameter) with the defaults. */
void lm_op_defaults(const lm_op *op, lm_value *values);

/* Checks one value against its parameter's range and choices. */
lm_status lm_op_check_value(const lm_op *op, const lm_param *param, const lm_value *value, lm_err *e);

/* Calls an op: infer, allocate, forward, and record when gradients are on and an input requires one. `values` NULL:
 * all defaults. out[0..n_out) receive new references, or NULL after a failure. Every message begins "NAME: ". */
lm_status lm_apply(const lm_op *op, int n_in, lm_tensor *const *in, const lm_value *values, lm_tensor **out,
                   lm_err *e);

/* Shorthands for backward code: one or two inputs, default parameters. */
lm_status lm_apply1(const lm_op *op, lm_tensor *a, lm_tensor **out, lm_err *e);
lm_status lm_apply2(const lm_op *op, lm_tensor *a, lm_tensor *b, lm_tensor **out, lm_err *e);

/* Values to pass: {.given = true, .i = ...} and so on. */
lm_value lm_int(int64_t i);
lm_value lm_list(int n, const int64_t *v);
lm_value lm_real(double r);

/* A text as a value (given is false where it is too long), and the characters of such a value, ended by a 0. */
lm_value lm_text_value(const char *text, size_t n);
const char *lm_value_text(const lm_value *value);

/* Checks that infer functions share; each names the input and what was expected. */
lm_status lm_need_float(const lm_call *c, int input, lm_err *e);
lm_status lm_need_dtype(const lm_call *c, int input, lm_dtype dtype, lm_err *e);
lm_status lm_need_same_dtype(const lm_call *c, int a, int b, lm_err *e);
lm_status lm_need_ndim(const lm_call *c, int input, int low, int high, lm_err *e);
lm_status lm_axis(const lm_call *c, int64_t dim, int ndim, int *axis, lm_err *e); /* negative counts from the end */
const char *lm_input_name(const lm_op *op, int input, char out[32]);

/* ---- the tape ---------------------------------------------------------------------------------------------- */

/* What one recorded call keeps. Records form a graph through their inputs; a record lives as long as an output of
 * its call does, and drops what it saved as soon as backward has used it.
 *
 * A leaf owns its gradient, and a recorded gradient (backward with `create`) owns records. So that no ring of owners
 * arises, a record never holds a leaf itself but its twin: a tensor over the same memory that knows the leaf without
 * owning it. An op applied to a twin is recorded as if it had been applied to the leaf. */
typedef struct lm_record {
  lm_record_head head;
  const lm_op *op;
  int64_t refs;
  uint64_t serial; /* order of recording; backward runs from the largest down */
  int n_in, n_out;
  lm_tensor **input;         /* saved inputs (NULL where not saved) */
  uint64_t *input_version;   /* their storage versions when saved */
  struct lm_record **source; /* the record each input came from, or NULL */
  int *source_output;
  lm_tensor **leaf; /* the leaf's twin, where an input is a leaf that requires a gradient */
  lm_meta *in_meta;
  lm_meta out_meta[LM_MAX_OUT];
  lm_value values[LM_MAX_PARAMS];
  lm_tensor *output[LM_MAX_OUT]; /* saved outputs: detached views, so that no cycle arises */
  uint64_t output_version[LM_MAX_OUT];
  lm_tensor *saved[LM_MAX_SAVED];
  bool spent; /* backward has used it and dropped what it saved */
  int layer;  /* the layer that a profile counts it to (profile.h) */

  /* scratch of a backward pass, and the link of the list of records being freed */
  uint64_t mark;
  bool busy, wanted;              /* a pass that runs has collected it; something asked for lies behind it */
  lm_tensor *pending[LM_MAX_OUT]; /* the gradient that has flowed to each output so far */
  struct lm_record *next;

  /* a gradient written elsewhere (autodiff/custom.h); op is then NULL. Either `custom` computes the gradients of the
   * inputs, or `unfold` computes the outputs once more, recorded, and the pass goes on through those records; a pass
   * that is recorded leaves them in `output` for the next.
   * custom_free lets go of custom_data when the record is spent. */
  lm_status (*custom)(struct lm_record *r, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e);
  lm_status (*unfold)(struct lm_record *r, lm_tensor **out, lm_err *e);
  void (*custom_free)(struct lm_record *r);
  void *custom_data;
  uint64_t since; /* with unfold: the serial of the first record that this one stands for */
} lm_record;

lm_record *lm_record_retain(lm_record *r);
void lm_record_release(lm_record *r); /* iterative: a graph of any depth */

/* An empty record with room for n_in inputs; refs 1. lm_record_link ties input i to where it came from. */
lm_record *lm_record_new(int n_in, lm_err *e);
lm_status lm_record_link(lm_record *r, int i, lm_tensor *input, lm_err *e);

/* What a record may hold of a tensor: a new reference to the twin of a leaf (made at its first use), to the tensor
 * itself otherwise. */
lm_status lm_record_hold(lm_tensor **out, lm_tensor *t, lm_err *e);

/* The leaf behind a twin, NULL where it is gone; any other tensor is itself. Borrowed. */
lm_tensor *lm_leaf_of(lm_tensor *t);

/* Ties t to output `output` of a record, so that it requires a gradient. */
void lm_record_attach(lm_tensor *t, lm_record *r, int output);

/* Drops what a record saved for backward; it is spent from then on. */
void lm_record_spend(lm_record *r);

/* Records a finished call: ties its outputs to a new record, which takes over c->saved. */
lm_status lm_record_call(lm_call *c, lm_err *e);

/* The serial of the next record, and setting it; a number that no record has as its mark yet. */
uint64_t lm_record_serial(void);
void lm_record_serial_set(uint64_t serial);
uint64_t lm_record_mark(void);

/* Whether calls are recorded now, on this thread; returns the old setting. Starts as true. */
bool lm_grad_enabled(void);
bool lm_grad_set(bool on);

#endif
