/* lua_custom.c: gradients that are written in Lua, and functions that are run again in backward.
 *
 * A record that calls Lua refers to one table in the registry. It may be let go anywhere, also where Lua must not be
 * called; so the reference is then only put on a list, and given back at the next call of this file. */
#include "autodiff/autodiff.h"
#include "base/memory.h"
#include "bind.h"
#include "command.h"
#include "lua_ops.h"

#include <string.h>

/* What ctx holds of tensors, kept as records keep them: no ring through the registry, and changes are noticed. */
typedef struct kept {
  lm_tensor *tensor;
  uint64_t version;
  int output; /* which output of the record it is; -1: none */
} kept;

/* The Lua side of a record: registry[ref] = { backward, ctx, keys of ctx in the order of `saved`, name }, or
 * { again } for a folded stretch. */
typedef struct callback {
  int ref;
  int n_args, n_saved;
  struct callback *next; /* on the list of those let go */
  kept *saved;           /* in this block, like the next */
  bool *is_tensor;       /* for each argument */
} callback;

enum { AT_FUNCTION = 1, AT_CTX, AT_KEYS, AT_NAME };

static callback *let_go;
static lua_State *calling; /* the thread whose binding has called the runtime: callbacks run on it */

static void custom_free(lm_record *r) {
  callback *c = r->custom_data;
  for (int i = 0; i < c->n_saved; i++) lm_tensor_release(c->saved[i].tensor);
  c->n_saved = 0;
  c->next = let_go;
  let_go = c;
  r->custom_data = NULL;
}

static void sweep(lua_State *L) {
  while (let_go) {
    callback *c = let_go;
    let_go = c->next;
    luaL_unref(L, LUA_REGISTRYINDEX, c->ref);
    lm_free(c);
  }
}

lua_State *bind_enter(lua_State *L) {
  lua_State *old = calling;
  calling = L;
  return old;
}

void bind_leave(lua_State *L, lua_State *old) {
  calling = old;
  sweep(L);
}

/* A callback that is on its way into a record; where an error comes first, the collector lets go of it. */
static int guard_gc(lua_State *L) {
  callback **slot = lua_touserdata(L, 1);
  if (!*slot) return 0;
  lm_record r = {.custom_data = *slot};
  *slot = NULL;
  custom_free(&r);
  return 0;
}

/* Pushes a guard and makes its callback, whose table is on top of the stack and is taken from it. */
static callback *new_callback(lua_State *L, int n_args, int n_saved) {
  lm_err err = {0};
  callback **slot = lua_newuserdatauv(L, sizeof *slot, 0);
  *slot = NULL;
  if (luaL_newmetatable(L, "lamina.callback")) {
    lua_pushcfunction(L, guard_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  lua_insert(L, -2);
  int ref = luaL_ref(L, LUA_REGISTRYINDEX);
  size_t bytes = sizeof(callback) + (size_t)n_saved * sizeof(kept) + (size_t)n_args * sizeof(bool);
  callback *c = lm_alloc_zero(bytes, "custom", &err);
  if (!c) luaL_unref(L, LUA_REGISTRYINDEX, ref);
  bind_check(L, c ? LM_OK : LM_ERR_MEMORY, &err);
  *slot = c;
  c->ref = ref;
  c->n_args = n_args;
  c->n_saved = n_saved;
  c->saved = (kept *)(c + 1);
  c->is_tensor = (bool *)(c->saved + n_saved);
  return c;
}

/* ---- calling Lua from backward -----------------------------------------------------------------------------------
 */

typedef struct job {
  lm_record *r;
  lm_tensor *const *grad_out;
  lm_tensor **result; /* of the inputs' gradients, or of the outputs made again */
} job;

/* Raises at the line where the function at `index` begins: what it returned is wrong. */
static _Noreturn void blame(lua_State *L, int function, const char *kind, const char *message) {
  lua_Debug at;
  bind_push_error(L, kind, message, 1);
  lua_pushvalue(L, function);
  lua_getinfo(L, ">S", &at);
  if (strncmp(at.source, "=lib/", 5) != 0 && (at.source[0] == '@' || at.source[0] == '=')) {
    lua_pushstring(L, at.source + 1);
    lua_setfield(L, -2, "file");
    lua_pushinteger(L, at.linedefined);
    lua_setfield(L, -2, "line");
  }
  lua_error(L);
  __builtin_unreachable();
}

static void push_handle(lua_State *L, lm_tensor *t) {
  *bind_new_tensor(L) = lm_tensor_retain(t);
  bind_account(L, t);
}

/* Puts the saved tensors back into ctx (at `ctx`), or takes them out again. */
static void fill_ctx(lua_State *L, const job *j, const callback *c, int ctx, int keys, const char *name) {
  lm_err err = {0};
  for (int i = 0; i < c->n_saved; i++) {
    const kept *k = &c->saved[i];
    lua_rawgeti(L, keys, i + 1);
    if (k->tensor->storage->version != k->version)
      bind_fail(L, "%s: ctx.%s was changed in place after the call (clone it before changing it)", name,
                luaL_tolstring(L, -1, NULL));
    lm_tensor *t = lm_leaf_of(k->tensor);
    if (!t) t = k->tensor;
    if (k->output < 0) {
      push_handle(L, t);
    } else { /* an output again depends on the inputs */
      lm_tensor **slot = bind_new_tensor(L);
      bind_check(L, lm_tensor_view(slot, t, t->ndim, t->shape, t->stride, t->offset, &err), &err);
      if (lm_grad_enabled() && lm_dtype_is_float(t->dtype)) lm_record_attach(*slot, j->r, k->output);
    }
    lua_rawset(L, ctx);
  }
}

static void empty_ctx(lua_State *L, const callback *c, int ctx, int keys) {
  for (int i = 0; i < c->n_saved; i++) {
    lua_rawgeti(L, keys, i + 1);
    lua_pushnil(L);
    lua_rawset(L, ctx);
  }
}

/* The gradients of the outputs; zeros where nothing has flowed. */
static void push_grads(lua_State *L, const job *j) {
  lm_err err = {0};
  luaL_checkstack(L, LM_MAX_OUT + 4, "custom");
  for (int i = 0; i < j->r->n_out; i++) {
    const lm_meta *m = &j->r->out_meta[i];
    if (j->grad_out[i]) {
      push_handle(L, j->grad_out[i]);
    } else if (lm_dtype_is_float(m->dtype)) {
      lm_tensor **slot = bind_new_tensor(L);
      bind_check(L, lm_tensor_zeros(slot, m->dtype, m->ndim, m->shape, &err), &err);
    } else {
      lua_pushnil(L);
    }
  }
}

/* One value that backward returned, for argument i (counted from 0). */
static void take_gradient(lua_State *L, const job *j, const callback *c, int i, int value, const char *name) {
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  lm_record *r = j->r;
  lm_tensor *g = bind_to_tensor(L, value);
  if (lua_isnil(L, value) || (lua_isboolean(L, value) && !lua_toboolean(L, value))) return;
  if (!g && luaL_testudata(L, value, BIND_TENSOR))
    blame(L, AT_FUNCTION, "argument",
          lua_pushfstring(L, "%s: backward returned a tensor that has been released for argument %d", name, i + 1));
  if (!g)
    blame(L, AT_FUNCTION, "argument",
          lua_pushfstring(L, "%s: backward returned a %s for argument %d, expected a tensor or nil", name,
                          bind_type(L, value), i + 1));
  if (!c->is_tensor[i])
    blame(L, AT_FUNCTION, "argument",
          lua_pushfstring(L,
                          "%s: backward returned a gradient for argument %d, which was no tensor (nil belongs there)",
                          name, i + 1));
  const lm_meta *m = &r->in_meta[i];
  lm_meta has = lm_tensor_meta(g);
  bool fits = has.ndim == m->ndim && memcmp(has.shape, m->shape, (size_t)m->ndim * sizeof m->shape[0]) == 0;
  if (!fits || has.dtype != m->dtype)
    blame(L, AT_FUNCTION, fits ? "dtype" : "shape",
          lua_pushfstring(L, "%s: backward returned a gradient %s %s for argument %d, which is %s %s", name,
                          lm_shape_text(has.ndim, has.shape, a), lm_dtype_name(has.dtype), i + 1,
                          lm_shape_text(m->ndim, m->shape, b), lm_dtype_name(m->dtype)));
  j->result[i] = lm_tensor_retain(g);
}

/* (job) -> nothing; runs protected. Stack: 1 backward, 2 ctx, 3 keys, 4 name, then what is called and returned. */
static int call_backward(lua_State *L) {
  const job *j = lua_touserdata(L, 1);
  const callback *c = j->r->custom_data;
  uint64_t version[LM_MAX_OUT];
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->ref);
  for (int i = AT_FUNCTION; i <= AT_NAME; i++) lua_rawgeti(L, 2, i);
  lua_remove(L, 2);
  lua_remove(L, 1);
  const char *name = lua_tostring(L, AT_NAME);
  fill_ctx(L, j, c, AT_CTX, AT_KEYS, name);
  lua_pushvalue(L, AT_FUNCTION);
  lua_pushvalue(L, AT_CTX);
  push_grads(L, j);
  for (int i = 0; i < j->r->n_out; i++) version[i] = j->grad_out[i] ? j->grad_out[i]->storage->version : 0;
  lua_call(L, j->r->n_out + 1, LUA_MULTRET);
  empty_ctx(L, c, AT_CTX, AT_KEYS);
  int n = lua_gettop(L) - AT_NAME;
  for (int i = 0; i < j->r->n_out; i++)
    if (j->grad_out[i] && version[i] != j->grad_out[i]->storage->version)
      blame(L, AT_FUNCTION, "state",
            lua_pushfstring(L, "%s: backward changed the gradient it was given in place; others use it too", name));
  for (int i = c->n_args; i < n; i++)
    if (!lua_isnil(L, AT_NAME + 1 + i))
      blame(L, AT_FUNCTION, "argument",
            lua_pushfstring(L, "%s: backward returned %d values, but the function was called with %d argument%s",
                            name, n, c->n_args, c->n_args == 1 ? "" : "s"));
  luaL_checkstack(L, 4, "custom");
  for (int i = 0; i < c->n_args && i < n; i++) take_gradient(L, j, c, i, AT_NAME + 1 + i, name);
  return 0;
}

/* (job) -> nothing; runs protected: the function again, its results into job->result. */
static int call_again(lua_State *L) {
  const job *j = lua_touserdata(L, 1);
  const callback *c = j->r->custom_data;
  char a[LM_SHAPE_TEXT], b[LM_SHAPE_TEXT];
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->ref);
  lua_rawgeti(L, 2, AT_FUNCTION);
  lua_call(L, 0, LUA_MULTRET);
  int n = lua_gettop(L) - 2;
  if (n != j->r->n_out)
    bind_fail(L, "checkpointed: the function returned %d tensors, but %d when it was run again", j->r->n_out, n);
  for (int i = 0; i < n; i++) {
    const lm_meta *m = &j->r->out_meta[i];
    lm_tensor *t = bind_tensor(L, 3 + i, "checkpointed: a result of the function when it was run again");
    if (t->ndim != m->ndim || t->dtype != m->dtype || memcmp(t->shape, m->shape, (size_t)m->ndim * sizeof(int64_t)))
      bind_fail(L, "checkpointed: result %d was %s %s, but %s %s when the function was run again", i + 1,
                lm_shape_text(m->ndim, m->shape, a), lm_dtype_name(m->dtype), lm_shape_text(t->ndim, t->shape, b),
                lm_dtype_name(t->dtype));
  }
  for (int i = 0; i < n; i++) j->result[i] = lm_tensor_retain(bind_to_tensor(L, 3 + i));
  return 0;
}

/* Runs `body` on a job under protection; what was put into `n` results is dropped where it fails. */
static lm_status protect(lua_CFunction body, job *j, int n, lm_err *e) {
  lua_State *L = calling;
  if (!L || !lua_checkstack(L, 4))
    return lm_fail(e, LM_ERR_STATE, "backward: a function written in Lua cannot be called here");
  lua_pushcfunction(L, body);
  lua_pushlightuserdata(L, j);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return LM_OK;
  for (int i = 0; i < n; i++) {
    lm_tensor_release(j->result[i]);
    j->result[i] = NULL;
  }
  return bind_raised(L, e);
}

static lm_status custom_backward(lm_record *r, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  job j = {.r = r, .grad_out = grad_out, .result = grad_in};
  return protect(call_backward, &j, r->n_in, e);
}

static bool again; /* a function is being run again for backward */

static lm_status run_again(lm_record *r, lm_tensor **out, lm_err *e) {
  job j = {.r = r, .result = out};
  bool old = again;
  again = true;
  lm_status status = protect(call_again, &j, LM_MAX_OUT, e);
  again = old;
  return status;
}

/* ---- making records ----------------------------------------------------------------------------------------------
 */

/* Moves the tensors of the table at `ctx` into c->saved and their keys into the table at `keys`. */
static int find_saved(lua_State *L, int ctx, int keys) {
  int n = 0;
  for (lua_pushnil(L); lua_next(L, ctx); lua_pop(L, 1)) {
    if (!bind_to_tensor(L, -1)) continue;
    lua_pushvalue(L, -2);
    lua_rawseti(L, keys, ++n);
  }
  return n;
}

static void move_saved(lua_State *L, callback *c, int ctx, int keys, int n_out, lm_tensor *const *out) {
  lm_err err = {0};
  for (int i = 0; i < c->n_saved; i++) {
    kept *k = &c->saved[i];
    lua_rawgeti(L, keys, i + 1);
    lua_pushvalue(L, -1);
    lua_rawget(L, ctx);
    lm_tensor *t = bind_to_tensor(L, -1);
    k->output = -1;
    for (int o = 0; o < n_out; o++)
      if (out[o] == t) k->output = o;
    k->version = t->storage->version;
    if (k->output < 0)
      bind_check(L, lm_record_hold(&k->tensor, t, &err), &err);
    else
      bind_check(L, lm_tensor_view(&k->tensor, t, t->ndim, t->shape, t->stride, t->offset, &err), &err);
    lua_pop(L, 2);
  }
  empty_ctx(L, c, ctx, keys);
}

/* The tensors of the list at `index`, as an array in a userdata that is left on the stack; false entries are NULL. */
static lm_tensor **read_list(lua_State *L, int index, int n, const char *what) {
  lm_tensor **list = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *list, 0);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, index, i + 1);
    list[i] = lua_toboolean(L, -1) ? bind_tensor(L, -1, what) : NULL;
    lua_pop(L, 1);
  }
  return list;
}

/* custom_record(name, args, n_args, outs, ctx, backward) -> the outputs, tied to a record that calls backward. */
static int custom_record(lua_State *L) {
  enum { NAME = 1, ARGS, N, OUTS, CTX, BACKWARD, KEYS, MOST = 1 << 16 };
  lm_err err = {0};
  lua_settop(L, BACKWARD);
  luaL_checktype(L, ARGS, LUA_TTABLE);
  luaL_checktype(L, OUTS, LUA_TTABLE);
  luaL_checktype(L, CTX, LUA_TTABLE);
  luaL_checktype(L, BACKWARD, LUA_TFUNCTION);
  const int64_t given = bind_int(L, N, "custom: the number of arguments"), results = (int64_t)lua_rawlen(L, OUTS);
  if (given < 0 || given > MOST)
    bind_fail(L, "custom: %lld arguments, expected 0 to %d", (long long)given, (int)MOST);
  if (results < 1 || results > LM_MAX_OUT)
    bind_fail(L, "custom: %lld results, expected 1 to %d", (long long)results, LM_MAX_OUT);
  const int n_args = (int)given, n_out = (int)results;
  lua_newtable(L);
  lm_tensor **args = read_list(L, ARGS, n_args, "custom: an argument"), *out[LM_MAX_OUT];
  for (int i = 0; i < n_out; i++) {
    lua_rawgeti(L, OUTS, i + 1);
    out[i] = bind_tensor(L, -1, "custom: a result of forward");
    lua_pop(L, 1);
  }
  int n_saved = find_saved(L, CTX, KEYS);
  lua_createtable(L, 4, 0);
  static const int parts[] = {BACKWARD, CTX, KEYS, NAME};
  for (int i = 0; i < 4; i++) {
    lua_pushvalue(L, parts[i]);
    lua_rawseti(L, -2, i + 1);
  }
  sweep(L);
  callback *c = new_callback(L, n_args, n_saved);
  callback **slot = lua_touserdata(L, -1);
  move_saved(L, c, CTX, KEYS, n_out, out);
  for (int i = 0; i < n_args; i++) c->is_tensor[i] = args[i] != NULL;
  lm_tensor **handle[LM_MAX_OUT];
  for (int i = 0; i < n_out; i++) {
    handle[i] = bind_new_tensor(L);
    *handle[i] = lm_tensor_retain(out[i]);
    out[i] = *handle[i];
  }
  lm_record *r;
  lm_status status = lm_custom(&r, n_args, args, n_out, out, &err);
  for (int i = 0; i < n_out; i++) *handle[i] = out[i];
  bind_check(L, status, &err);
  r->custom = custom_backward;
  r->custom_free = custom_free;
  r->custom_data = c;
  *slot = NULL;
  lm_record_release(r);
  return n_out;
}

/* fold(again) -> what again() returns, its records replaced by one that calls again() in backward. */
static int fold(lua_State *L) {
  lm_err err = {0};
  uint64_t since = lm_record_serial();
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  sweep(L);
  lua_createtable(L, 1, 0);
  lua_pushvalue(L, 1);
  lua_rawseti(L, 2, AT_FUNCTION);
  callback *c = new_callback(L, 0, 0);
  callback **slot = lua_touserdata(L, 2);
  lua_pushvalue(L, 1);
  lua_call(L, 0, LUA_MULTRET);
  int n = lua_gettop(L) - 2;
  if (n < 1 || n > LM_MAX_OUT)
    bind_fail(L, "checkpointed: the function returned %d values, expected 1 to %d tensors", n, LM_MAX_OUT);
  lm_tensor *out[LM_MAX_OUT], **handle[LM_MAX_OUT];
  for (int i = 0; i < n; i++) bind_tensor(L, 3 + i, "checkpointed: a result of the function");
  luaL_checkstack(L, LM_MAX_OUT + 4, "checkpointed");
  for (int i = 0; i < n;
       i++) { /* a handle from inside goes on as that of the result: nothing else holds the records */
    bind_box *box = lua_touserdata(L, 3 + i);
    bool inside = box->tensor->record && box->tensor->record->serial >= since;
    for (int k = 0; k < i; k++) inside = inside && handle[k] != &box->tensor; /* one handle twice: two results */
    handle[i] = inside ? &box->tensor : bind_new_tensor(L);
    if (!inside) *handle[i] = lm_tensor_retain(box->tensor);
    if (!inside) lua_replace(L, 3 + i);
    out[i] = *handle[i];
  }
  lm_record *r;
  lm_status status = lm_fold(&r, since, n, out, &err);
  for (int i = 0; i < n; i++) *handle[i] = out[i];
  bind_check(L, status, &err);
  if (!r) return n;
  r->unfold = run_again;
  r->custom_free = custom_free;
  r->custom_data = c;
  *slot = NULL;
  lm_record_release(r);
  return n;
}

/* random_mark([mark]) -> where math.random stands, as a string; a mark sets it. */
static int random_mark(lua_State *L) {
  uint64_t mark[2], given[2];
  numbers_mark(mark);
  if (!lua_isnoneornil(L, 1)) {
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    luaL_argcheck(L, n == sizeof given, 1, "no mark of math.random");
    memcpy(given, text, sizeof given);
    numbers_return(given);
  }
  lua_pushlstring(L, (const char *)mark, sizeof mark);
  return 1;
}

static int recomputing(lua_State *L) {
  lua_pushboolean(L, again);
  return 1;
}

void bind_open_custom(lua_State *L, int table) {
  static const luaL_Reg functions[] = {{"custom_record", custom_record},
                                       {"fold", fold},
                                       {"random_mark", random_mark},
                                       {"recomputing", recomputing},
                                       {NULL, NULL}};
  static const bind_doc docs[] = {
      {"recomputing", "lamina.core.tensor.recomputing()",
       "Whether a checkpointed function is being run again for backward: a layer must not update running statistics "
       "then."},
      {NULL, NULL, NULL}};
  bind_document(L, docs);
  lua_pushvalue(L, table);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
