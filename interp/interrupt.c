/* interrupt.c: Ctrl-C.
 *
 * The signal handler sets the runtime's flag, which lm_parallel polls, and a hook on the Lua thread that is running,
 * which raises between two instructions. A hook belongs to one coroutine, so coroutine.resume and coroutine.wrap are
 * replaced by versions that note which one runs. */
#include "command.h"

#include "base/parallel.h"
#include "bind.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static lua_State *volatile running;
static volatile sig_atomic_t presses;

static void hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  if (!lm_interrupted()) return; /* an op has reported it already */
  interrupt_clear();
  bind_push_error(L, "interrupt", "interrupted", 0);
  lua_error(L);
}

static void on_signal(int number) {
  (void)number;
  lm_interrupt();
  if (++presses >= 3) {
    static const char text[] = "\nlamina: interrupted\n";
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(EXIT_INTERRUPTED);
    _exit(EXIT_INTERRUPTED);
  }
  lua_State *L = running;
  if (L) lua_sethook(L, hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

void interrupt_clear(void) {
  presses = 0;
  lm_interrupt_clear();
}

/* resume(co, ...): the original is upvalue 1. */
static int co_resume(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTHREAD);
  running = lua_tothread(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  running = L;
  return lua_gettop(L);
}

/* What coroutine.wrap returns: upvalue 1 is our resume, 2 the coroutine. */
static int co_step(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_rotate(L, 1, 2);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  if (lua_toboolean(L, 1)) return lua_gettop(L) - 1;
  lua_State *co = lua_tothread(L, lua_upvalueindex(2));
  if (lua_status(co) > LUA_YIELD) lua_resetthread(co);
  lua_settop(L, 2);
  return lua_error(L);
}

/* wrap(f): upvalue 1 is our resume. */
static int co_wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, co_step, 2);
  return 1;
}

void interrupt_open(lua_State *L) {
  running = L;
  lua_getglobal(L, "coroutine");
  lua_getfield(L, -1, "resume");
  lua_pushcclosure(L, co_resume, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "resume");
  lua_pushcclosure(L, co_wrap, 1);
  lua_setfield(L, -2, "wrap");
  lua_pop(L, 1);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
}
