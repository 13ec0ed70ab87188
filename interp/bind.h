/* bind.h: what every binding file shares: arguments in, results and errors out.
 *
 * A binding reads every argument first, then pushes an empty userdata that will own what comes, then calls the
 * runtime, then raises through bind_check, the only place where a runtime failure becomes a Lua error. No lua_* call
 * stands between an allocation and its owner. Only this file and bind.c know that Lua counts from 1. */
#ifndef LM_INTERP_BIND_H
#define LM_INTERP_BIND_H

#include "ops/core/op.h"

#include <lauxlib.h>
#include <lua.h>

#define BIND_TENSOR "tensor" /* the metatable's name, and what messages call it */

/* ---- errors: every one is a table {kind, message, file, line, notes} with the metatable "error" ---------------- */

/* Raises err at the position of the Lua code that called in; returns nothing. */
_Noreturn void bind_raise(lua_State *L, const lm_err *err);

/* Raises unless status is LM_OK. */
void bind_check(lua_State *L, lm_status status, const lm_err *err);

/* Takes the error value on top of the stack for one that a Lua function called by the runtime has raised: the status
 * to hand back through the runtime; bind_check then raises that very value. */
lm_status bind_raised(lua_State *L, lm_err *e);

/* Around every call of the runtime that may run backward: functions written in Lua are called on L meanwhile. */
lua_State *bind_enter(lua_State *L);
void bind_leave(lua_State *L, lua_State *old);

/* For a function that stands before another, its upvalue 1: calls that with the arguments; its results are ours. */
int bind_call_original(lua_State *L);

/* Raises an argument error with a formatted message ("conv2d: ..."). */
_Noreturn void bind_fail(lua_State *L, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Pushes an error value; level as in luaL_where (1: the function that called the binding; 0: no position). */
void bind_push_error(lua_State *L, const char *kind, const char *message, int level);

/* ---- tensors ------------------------------------------------------------------------------------------------- */

/* The userdata behind a tensor in Lua. */
typedef struct bind_box {
  lm_tensor *tensor; /* NULL before it is filled and after it was released */
  int64_t bytes;     /* what was reported to the collector */
  int64_t born;      /* from 1: the order in which boxes were made, which is that of tensors as keys of a table */
  bool counted;      /* among the boxes that are filled (bind_sweep) */
} bind_box;

/* Drops the tensor of a box; harmless twice. */
void bind_forget(bind_box *box);

/* Called where the collector has freed a tensor: much less may be live now than when it last ran. */
void bind_settle(void);

/* Called after a backward pass, when what a training step has computed is garbage, however few bytes it is: collects
 * it where that is worth the time, so that the next step finds its memory free and asks the system for none. */
void bind_sweep(lua_State *L);

/* Pushes a userdata that holds no tensor yet and returns the slot for it. Reported to Lua's collector by
 * bind_account once filled. */
lm_tensor **bind_new_tensor(lua_State *L);

/* Tells the collector about the bytes of the tensor just put into the userdata on top of the stack; of several
 * handles of one storage, the first answers for its bytes. */
void bind_account(lua_State *L, const lm_tensor *t);

/* The tensor at an index; raises when it is something else, naming `what` ("conv2d: x"). Borrowed. */
lm_tensor *bind_tensor(lua_State *L, int index, const char *what);
lm_tensor *bind_to_tensor(lua_State *L, int index); /* NULL where it is no tensor (or one already released) */

/* After LM_ERR_MEMORY: collects garbage, which may hold what is missing, and returns true; the call is worth another
 * try. Every binding that makes large tensors asks once. */
bool bind_collect(lua_State *L, lm_status status);

/* What the value at an index is called: "nil", "table", "tensor", "model". For messages. */
const char *bind_type(lua_State *L, int index);

/* The same with the value itself, where it is short: "the number 5", "a tensor 2x3". May push it. */
const char *bind_described(lua_State *L, int index);

/* ---- other arguments; `what` names the argument in messages ("conv2d: stride") ----------------------------------
 */

int64_t bind_int(lua_State *L, int index, const char *what); /* an integer, or a float with an integral value */
double bind_real(lua_State *L, int index, const char *what); /* a number; strings are refused */
const char *bind_text(lua_State *L, int index, const char *what);
bool bind_bool(lua_State *L, int index, const char *what);
lm_dtype bind_dtype(lua_State *L, int index, const char *what);                        /* a dtype name */
int bind_shape(lua_State *L, int index, int64_t shape[LM_MAX_DIMS], const char *what); /* {2, 3} or 2; returns ndim */
int64_t bind_index(lua_State *L, int index, int64_t n, const char *what);              /* 1..n or -n..-1 to 0..n-1 */

/* The raw option `name` of the table at `index`: pushes it and returns true, or pushes nothing and returns false. */
bool bind_option(lua_State *L, int index, const char *name);

/* Raises on a string key of the table at `index` that is not among the space-separated `known` names, with the
 * nearest one. `what` is the function's name. */
void bind_known_options(lua_State *L, int index, const char *what, const char *known);

/* The nearest of the space-separated names to `name` by edit distance, written to out; false when none is near. */
bool bind_nearest(const char *name, const char *known, char *out, size_t size);

/* What `help` shows of a function: a table of these stands beside each luaL_Reg, closed by {NULL}. example: lines as
 * typed at the prompt (lib/help/page.lua), which the tests run. */
typedef struct bind_doc {
  const char *name, *signature, *doc, *example;
} bind_doc;

/* Adds the rows to the registry table "lamina.docs": name -> {signature =, doc =, example =, source =}. */
#define bind_document(L, docs) bind_document_from(L, docs, __FILE__)
void bind_document_from(lua_State *L, const bind_doc *docs, const char *file);

/* ---- modules --------------------------------------------------------------------------------------------------- */

/* Each opens one room of the runtime as a table of functions: require "lamina.core.NAME". The list is in libs.c. */
int bind_open_tensor(lua_State *L);                /* creation, methods, grad control, random draws */
void bind_open_creation(lua_State *L, int table);  /* the part of it in lua_create.c; fills the table at that index */
void bind_open_random(lua_State *L, int table);    /* the part of it in lua_random.c */
void bind_open_gradients(lua_State *L, int table); /* the part of it in lua_grad.c */
void bind_open_custom(lua_State *L, int table);    /* and in lua_custom.c: gradients and recomputing in Lua */
int bind_open_ops(lua_State *L);                   /* every op of the runtime by its name */
int bind_open_base(lua_State *L);     /* threads, memory, versions, hashing, interrupts, terminal, files */
int bind_open_io(lua_State *L);       /* npy, npz, idx, safetensors, png, csv, json, atomic text files */
int bind_open_optim(lua_State *L);    /* multi-tensor updates */
int bind_open_fetch(lua_State *L);    /* files from addresses, their check-sums */
int bind_open_profile(lua_State *L);  /* where time and memory go, by op and layer */
int bind_open_terminal(lua_State *L); /* its size, questions to it, pictures in it */
int bind_open_linalg(lua_State *L);   /* factorisations and solvers */
int bind_open_stats(lua_State *L);    /* correlations, quantiles, resampling */
int bind_open_rdm(lua_State *L);      /* dissimilarity matrices */
int bind_open_fit(lua_State *L);      /* linear maps that have no closed form */
int bind_open_image(lua_State *L);    /* stimulus rendering, resizing */
int bind_open_data(lua_State *L);     /* loader threads and augmentation */
int bind_open_bundle(lua_State *L);   /* signatures, archives */
int bind_open_process(lua_State *L);  /* this command started again, folders for a while */
int bind_open_figure(lua_State *L);   /* drawing, by the program lamina-figure */

#endif
