/* interrupt.c: Ctrl-C.
 *
 * The signal handler sets the runtime's flag, which lm_parallel polls, and a hook on the Lua thread that is running,
 * which raises between two instructions. A hook belongs to one coroutine, so coroutine.resume, wrap and close are
 * replaced by versions that note which one runs; whoever takes over while a press is waiting gets the hook too.
 *
 * The flag says whether a press is waiting; the hook only looks at it. So a hook that was left on a coroutine, or
 * that finds that an op has answered already, takes itself away. While interrupts are held the hook stays and waits.
 * In a finalizer Lua calls no hooks and drops errors, which would leave its work half done: a press waits for its end
 * in the ops and coroutines that it runs, too. An error of the hook inside a message handler takes the place of the
 * error that was being handled. */
#include "command.h"

#include "base/parallel.h"
#include "bind.h"
#include "optim/journal.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static lua_State *volatile running;
static volatile sig_atomic_t presses;
static pthread_t interpreter; /* the thread that runs Lua */

/* Whether a finalizer is running: meanwhile Lua (5.4.4 and later) tells nothing of its collector. */
static bool finalizing(void) { return running && lua_gc(running, LUA_GCCOUNT) < 0; }

static void hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  bool waiting = lm_interrupt_pending();
  if (waiting && !lm_interrupted()) return; /* held */
  lua_sethook(L, NULL, 0, 0);
  if (!waiting) return;
  interrupt_clear();
  lm_journal_restore();
  bind_push_error(L, "interrupt", "interrupted", 0);
  lua_error(L);
}

static void set_hook(lua_State *L) { lua_sethook(L, hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1); }

static void on_signal(int number) {
  if (!pthread_equal(pthread_self(), interpreter)) { /* some library's own thread */
    pthread_kill(interpreter, number);
    return;
  }
  if (!lm_interrupt_pending()) presses = 0;
  lm_interrupt();
  if (++presses >= 3) {
    static const char text[] = "\nlamina: interrupted\n";
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(EXIT_INTERRUPTED);
    _exit(EXIT_INTERRUPTED);
  }
  lua_State *L = running;
  if (L) set_hook(L);
}

void interrupt_clear(void) {
  presses = 0;
  lm_interrupt_clear();
}

/* L runs from now on; a press that came to another coroutine, or in between, is not lost. */
static void run_in(lua_State *L) {
  running = L;
  if (lm_interrupt_pending()) set_hook(L);
}

/* Calls the original, upvalue 1, which runs the coroutine at 1. */
static int co_call(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTHREAD);
  lua_State *co = lua_tothread(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  run_in(co);
  int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  run_in(L);
  return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

/* What coroutine.wrap returns: upvalue 1 is our resume, 2 the coroutine. */
static int co_step(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_rotate(L, 1, 2);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  if (lua_toboolean(L, 1)) return lua_gettop(L) - 1;
  lua_State *co = lua_tothread(L, lua_upvalueindex(2));
  run_in(co);
  if (lua_status(co) > LUA_YIELD) lua_resetthread(co);
  run_in(L);
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
  interpreter = pthread_self();
  lm_interrupt_hold_while(finalizing);
  atexit(interrupt_close); /* os.exit may close the state, too; the C library writes what is left after this */
  lua_getglobal(L, "coroutine");
  lua_getfield(L, -1, "close");
  lua_pushcclosure(L, co_call, 1);
  lua_setfield(L, -2, "close");
  lua_getfield(L, -1, "resume");
  lua_pushcclosure(L, co_call, 1);
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

void interrupt_close(void) {
  signal(SIGINT, SIG_DFL);
  running = NULL;
}
