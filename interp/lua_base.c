/* lua_base.c: threads, memory, versions, hashing, clocks, the terminal and the file system for scripts:
 * require "lamina.core.base". */
#include "bind.h"
#include "own.h"
#include "plain.h"
#include "sandbox.h"

#include "base/clock.h"
#include "base/cpu.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/version.h"
#include "io/folder.h"
#include "io/wall.h"
#include "kernels/kernels.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int base_threads(lua_State *L) {
  static int most; /* of an untrusted script: what there were at first */
  if (!most) most = lm_threads();
  if (!lua_isnoneornil(L, 1)) {
    int64_t n = bind_int(L, 1, "threads: the number");
    if (n < 1 || n > 1024) bind_fail(L, "threads: the number is %lld but must be from 1 to 1024", (long long)n);
    if (lm_wall_stands() && n > most)
      bind_fail(L, "threads: not allowed: an untrusted script has at most the %d of --threads", most);
    lm_threads_set((int)n);
  }
  lua_pushinteger(L, lm_threads());
  return 1;
}

static void set_integer(lua_State *L, const char *name, int64_t value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

static int base_memory(lua_State *L) {
  lm_memory m = lm_memory_now();
  lua_createtable(L, 0, 7);
  set_integer(L, "live", m.live);
  set_integer(L, "peak", m.peak);
  set_integer(L, "cached", m.cached);
  set_integer(L, "budget", m.budget);
  set_integer(L, "blocks", m.blocks);
  set_integer(L, "calls", m.calls);
  set_integer(L, "system", m.system);
  set_integer(L, "machine", m.machine);
  return 1;
}

static int base_reset_peak(lua_State *L) {
  (void)L;
  lm_memory_reset_peak();
  return 0;
}

static int base_set_budget(lua_State *L) {
  int64_t bytes = bind_int(L, 1, "set_budget: bytes");
  if (bytes < 0) bind_fail(L, "set_budget: bytes is %lld but must not be negative (0: no limit)", (long long)bytes);
  if (lm_wall_stands()) bind_fail(L, "set_budget: not allowed: an untrusted script does not set its own limits");
  lm_memory_set_budget(bytes);
  return 0;
}

static int base_trim(lua_State *L) {
  (void)L;
  lm_memory_trim();
  return 0;
}

static int base_fail_allocation(lua_State *L) {
  int64_t n = bind_int(L, 1, "fail_allocation: n");
  if (n < 0) bind_fail(L, "fail_allocation: n is %lld but must not be negative (0: never)", (long long)n);
  bool any = !lua_isnoneornil(L, 2) && bind_bool(L, 2, "fail_allocation: any");
  lua_pushinteger(L, any ? lm_memory_fail_any_at(n) : lm_memory_fail_at(n));
  return 1;
}

/* uninterrupted(f, ...) -> what f returns; Ctrl-C waits until it has. */
static int base_uninterrupted(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lm_interrupt_hold();
  int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  lm_interrupt_let();
  return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

static void on_alarm(int number) {
  (void)number;
  raise(SIGINT);
}

/* interrupt_after(seconds): as if Ctrl-C were pressed then; 0 calls it off. */
static int base_interrupt_after(lua_State *L) {
  double seconds = bind_real(L, 1, "interrupt_after: seconds");
  if (!(seconds >= 0 && seconds < 1e6))
    bind_fail(L, "interrupt_after: seconds is %g but must be from 0 to 1000000", seconds);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_alarm;
  sigemptyset(&action.sa_mask);
  sigaction(SIGALRM, &action, NULL);
  long whole = (long)seconds, micro = (long)((seconds - (double)whole) * 1e6);
  struct itimerval timer = {
      .it_value = {.tv_sec = whole, .tv_usec = seconds > 0 && whole == 0 && micro == 0 ? 1 : micro}};
  setitimer(ITIMER_REAL, &timer, NULL);
  return 0;
}

static int base_isa(lua_State *L) {
  lua_pushstring(L, lm_isa_name(lm_cpu_isa()));
  return 1;
}

static int base_isas(lua_State *L) {
  lua_newtable(L);
  for (int isa = 0; isa < LM_ISAS; isa++) {
    if (!lm_cpu_has((lm_isa)isa)) continue;
    lua_pushstring(L, lm_isa_name((lm_isa)isa));
    lua_rawseti(L, -2, luaL_len(L, -2) + 1);
  }
  return 1;
}

static int base_cpu(lua_State *L) {
  lua_pushstring(L, lm_cpu_name());
  return 1;
}

static int base_sha256(lua_State *L) {
  char hex[LM_SHA256_HEX];
  lm_sha256 h;
  const char *text = bind_text(L, 1, "sha256: text");
  lm_sha256_start(&h);
  lm_sha256_add(&h, text, lua_rawlen(L, 1));
  lm_sha256_hex(&h, hex);
  lua_pushstring(L, hex);
  return 1;
}

static int base_sha256_file(lua_State *L) {
  char hex[LM_SHA256_HEX];
  const char *path = own_path(L, 1, "sha256_file");
  lm_err err = {0};
  bind_check(L, lm_sha256_file(path, hex, &err), &err);
  lua_pushstring(L, hex);
  return 1;
}

static int base_clock(lua_State *L) {
  lua_pushnumber(L, lm_clock());
  return 1;
}

typedef struct peak_loop {
  const lm_kernel_gemm *kernel;
  int64_t rounds;
} peak_loop;

static void peak_task(void *context, int worker, int64_t begin, int64_t end) {
  const peak_loop *p = context;
  double out;
  (void)worker;
  for (; begin < end; begin++) p->kernel->peak(p->rounds, &out);
}

static int base_flops(lua_State *L) {
  static const char *const types[] = {"float32", "float64", NULL};
  lm_dtype dtype = luaL_checkoption(L, 1, "float32", types) ? LM_F64 : LM_F32;
  const lua_Integer operations = luaL_optinteger(L, 2, 160000000), most = 10000000000; /* Ctrl-C waits for them */
  luaL_argcheck(L, operations > 0 && operations <= most, 2, "a number from 1 to 10000000000 expected");
  peak_loop p = {.kernel = lm_kernels_of(dtype)->gemm};
  p.rounds = operations / p.kernel->peak_flops + 1;
  double start = lm_clock();
  lm_parallel_whole(lm_threads(), 1, peak_task, &p);
  double seconds = lm_clock() - start;
  lua_pushnumber(L, (double)lm_threads() * (double)p.rounds * (double)p.kernel->peak_flops / seconds);
  return 1;
}

static int base_utc(lua_State *L) {
  char text[32];
  struct tm parts;
  time_t now = time(NULL);
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
  lua_pushstring(L, text);
  return 1;
}

/* The errors of an untrusted script reach a terminal through a pipe: a line of progress is shown there all the same.
 */
static bool behind_pipe(int64_t fd) {
  const char *terminals = getenv(SANDBOX_TERMINALS);
  return fd == STDERR_FILENO && lm_wall_stands() && terminals && strchr(terminals, '2');
}

static int base_isatty(lua_State *L) {
  int64_t fd = lua_isnoneornil(L, 1) ? 1 : bind_int(L, 1, "isatty: fd");
  lua_pushboolean(L, fd >= 0 && fd <= 65535 && (isatty((int)fd) || behind_pipe(fd)));
  return 1;
}

static int base_columns(lua_State *L) {
  struct winsize size;
  const char *text = getenv("COLUMNS");
  long columns = text ? strtol(text, NULL, 10) : 0;
  for (int fd = 0; fd <= 2; fd++)
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
      columns = size.ws_col;
      break;
    }
  lua_pushinteger(L, columns >= 20 && columns <= 10000 ? columns : 80);
  return 1;
}

static int base_mkdir(lua_State *L) {
  const char *path = own_path(L, 1, "mkdir");
  lm_err err = {0};
  bind_check(L, lm_folder_make(path, &err), &err);
  return 0;
}

static int base_mkdir_new(lua_State *L) {
  const char *path = own_path(L, 1, "mkdir_new");
  lm_err err = {0};
  bind_check(L, lm_wall_check(path, true, &err), &err);
  bool made = mkdir(path, 0777) == 0;
  if (!made && errno != EEXIST)
    bind_check(L, lm_fail(&err, LM_ERR_IO, "%s: cannot make the folder: %s", path, strerror(errno)), &err);
  lua_pushboolean(L, made);
  return 1;
}

static int base_exists(lua_State *L) {
  const char *path = own_path_unasked(L, 1, "exists");
  lua_pushboolean(L, lm_wall_check(path, false, NULL) == LM_OK && lm_path_exists(path));
  return 1;
}

static int base_isdir(lua_State *L) {
  const char *path = own_path_unasked(L, 1, "isdir");
  lua_pushboolean(L, lm_wall_check(path, false, NULL) == LM_OK && lm_path_is_folder(path));
  return 1;
}

static void free_pointer(void *address) { lm_free(*(void **)address); }

static int base_list(lua_State *L) {
  const char *path = own_path(L, 1, "list");
  char ***names = own_new(L, sizeof *names, free_pointer);
  int64_t count;
  lm_err err = {0};
  bind_check(L, lm_folder_list(names, &count, path, &err), &err);
  lua_newtable(L);
  for (int64_t i = 0; i < count; i++) {
    lua_pushstring(L, (*names)[i]);
    lua_rawseti(L, -2, i + 1);
  }
  own_free(L, -2);
  return 1;
}

static int base_remove(lua_State *L) {
  const char *path = own_path(L, 1, "remove");
  lm_err err = {0};
  bind_check(L, lm_path_remove(path, &err), &err);
  return 0;
}

static int base_pid(lua_State *L) {
  lua_pushinteger(L, getpid());
  return 1;
}

/* process([pid]) -> when it was started, or nil where none runs under this number. A process that has ended and that
 * its parent has not asked about yet (a zombie) does not run. */
static int base_process(lua_State *L) {
  int64_t pid = lua_isnoneornil(L, 1) ? getpid() : bind_int(L, 1, "process: pid");
  if (lm_wall_stands() && pid != getpid()) return 0; /* an untrusted script learns of no other */
  char path[64], text[1024];
  if (pid <= 0 || pid > INT32_MAX || (kill((pid_t)pid, 0) != 0 && errno != EPERM)) return 0;
  snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
  FILE *file = fopen(path, "r");
  size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
  if (file) fclose(file);
  text[n] = 0;
  const char *at = strrchr(text, ')'); /* behind the name, which may hold anything: state and 18 fields, the start */
  if (!at) {
    lua_pushinteger(L, 0); /* a system without /proc: it runs, and that is all that is known */
    return 1;
  }
  if (at[1] && (at[2] == 'Z' || at[2] == 'X')) return 0;
  for (int field = 0; at && field < 20; field++) at = strchr(at + 1, ' ');
  lua_pushinteger(L, at ? strtoll(at, NULL, 10) : 0);
  return 1;
}

static int base_executable(lua_State *L) {
  char path[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  if (n <= 0 || n == (ssize_t)sizeof path)
    lua_pushliteral(L, "lamina");
  else
    lua_pushlstring(L, path, (size_t)n);
  return 1;
}

static int base_hostname(lua_State *L) {
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0) name[0] = 0;
  lua_pushstring(L, name);
  return 1;
}

static int base_getenv(lua_State *L) {
  const char *name = bind_text(L, 1, "getenv: name");
  bool shown = !lm_wall_stands() || !strncmp(name, "LAMINA_", 7) || !strcmp(name, "NO_COLOR");
  lua_pushstring(L, shown ? getenv(name) : NULL); /* what else stands there is no untrusted script's business */
  return 1;
}

/* plain(text [, lines]) -> text */
static int base_plain(lua_State *L) {
  enum { PIECE = 1 << 12 };
  const unsigned char *text = (const unsigned char *)bind_text(L, 1, "plain: text");
  size_t n = lua_rawlen(L, 1), used;
  const plain_kept kept = lua_toboolean(L, 2) ? PLAIN_LINES : PLAIN_NOTHING;
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  for (; n; text += used, n -= used) {
    const size_t piece = n < PIECE ? n : PIECE;
    luaL_addsize(&out, plain_text(luaL_prepbuffsize(&out, 4 * piece), text, piece, kept, piece == n, &used));
  }
  luaL_pushresult(&out);
  return 1;
}

static const luaL_Reg functions[] = {{"threads", base_threads},
                                     {"memory", base_memory},
                                     {"reset_peak", base_reset_peak},
                                     {"set_budget", base_set_budget},
                                     {"trim", base_trim},
                                     {"fail_allocation", base_fail_allocation},
                                     {"uninterrupted", base_uninterrupted},
                                     {"interrupt_after", base_interrupt_after},
                                     {"isa", base_isa},
                                     {"isas", base_isas},
                                     {"cpu", base_cpu},
                                     {"sha256", base_sha256},
                                     {"sha256_file", base_sha256_file},
                                     {"clock", base_clock},
                                     {"flops", base_flops},
                                     {"utc", base_utc},
                                     {"isatty", base_isatty},
                                     {"columns", base_columns},
                                     {"mkdir", base_mkdir},
                                     {"mkdir_new", base_mkdir_new},
                                     {"exists", base_exists},
                                     {"isdir", base_isdir},
                                     {"list", base_list},
                                     {"remove", base_remove},
                                     {"getenv", base_getenv},
                                     {"pid", base_pid},
                                     {"process", base_process},
                                     {"hostname", base_hostname},
                                     {"executable", base_executable},
                                     {"plain", base_plain},
                                     {NULL, NULL}};

static const bind_doc docs[] = {
    {"base.threads", "threads([n]) -> integer",
     "The number of threads that the runtime uses, at first the number of usable cores. With n (1 to 1024) it is "
     "set; "
     "no result depends on it."},
    {"base.memory", "memory() -> table",
     "Bytes of runtime memory: live (asked for and not freed), peak (the most of it since reset_peak), cached (kept "
     "for reuse), budget (the limit on live bytes, 0: none); and counts: blocks (live), calls (allocations so far), "
     "system (those that went to the system), machine (bytes that this process can have)."},
    {"base.reset_peak", "reset_peak()", "Lets memory().peak begin again from memory().live."},
    {"base.set_budget", "set_budget(bytes)",
     "Limits the live bytes of the runtime; an operation that would pass the limit raises a 'memory' error that "
     "names "
     "itself and the bytes. 0 removes the limit. An untrusted script may not."},
    {"base.trim", "trim()", "Gives the memory that is kept for reuse back to the system."},
    {"base.fail_allocation", "fail_allocation(n [, any]) -> integer",
     "The n-th allocation of the runtime from now fails (1: the next one), which is how tests reach error paths; 0 "
     "switches this off. With any = true Lua's own count too, and one of them fails twice, before and after the "
     "collection that Lua tries. Returns how many were still to come before the one that was asked for earlier, 0 "
     "where it has failed. jansson, zlib and libpng take the runtime's memory."},
    {"base.uninterrupted", "uninterrupted(f, ...) -> what f returns",
     "Calls f(...) while Ctrl-C waits: for a few changes that belong together, such as a step of an optimizer. Keep "
     "it "
     "short."},
    {"base.interrupt_after", "interrupt_after(seconds)",
     "Does after so many seconds what Ctrl-C does, which is how tests interrupt at any moment; 0 calls it off."},
    {"base.isa", "isa() -> string",
     "The instruction set of the kernels in use, the first of isas(). The environment variable LAMINA_ISA chooses "
     "another at the start. No result depends on it."},
    {"base.isas", "isas() -> list",
     "The names of the instruction sets that this processor and this build have kernels for, the best first."},
    {"base.cpu", "cpu() -> string", "The processor's own name."},
    {"base.sha256", "sha256(text) -> string",
     "SHA-256 (FIPS 180-4) of the bytes of a string, as 64 hexadecimal digits."},
    {"base.sha256_file", "sha256_file(path) -> string",
     "SHA-256 of a file's bytes, as 64 hexadecimal digits. Raises an 'io' error where it cannot be read."},
    {"base.clock", "clock() -> number", "Seconds on a clock that only goes forward; for measuring, not for dates."},
    {"base.flops", "flops([dtype [, operations]]) -> number",
     "Floating-point operations a second of fused multiply-adds in registers alone, on all threads: the peak that "
     "kernels are measured against. dtype: \"float32\" (the default) or \"float64\". operations: how many on each "
     "thread, at least (160000000, about a millisecond's worth; at most 10000000000)."},
    {"base.utc", "utc() -> string", "The date and time in UTC, such as 2026-01-31T12:00:00Z."},
    {"base.isatty", "isatty([fd]) -> boolean", "Whether a file descriptor (default 1, the output) is a terminal."},
    {"base.columns", "columns() -> integer", "The width of the terminal in characters; 80 where there is none."},
    {"base.mkdir", "mkdir(path)",
     "Makes a folder and those above it; one that is there already is fine. Raises an 'io' error otherwise."},
    {"base.mkdir_new", "mkdir_new(path) -> boolean",
     "Makes a folder that must be new: false where something of that name is there already."},
    {"base.exists", "exists(path) -> boolean", "Whether a file or folder of that name is there."},
    {"base.isdir", "isdir(path) -> boolean", "Whether the path is a folder."},
    {"base.list", "list(path) -> list of strings",
     "The names in a folder, sorted by their bytes, without '.' and '..'. Raises an 'io' error where it cannot be "
     "read."},
    {"base.remove", "remove(path)", "Removes a file or an empty folder. Raises an 'io' error where it cannot."},
    {"base.pid", "pid() -> integer", "The number of this process."},
    {"base.process", "process([pid]) -> integer or nil",
     "When the process of this number (this one if absent) was started, in ticks since the machine was; nil where "
     "none of that number runs. Number and start together name a process for good."},
    {"base.executable", "executable() -> string", "The path of the lamina command that runs."},
    {"base.hostname", "hostname() -> string", "The name of this machine."},
    {"base.plain", "plain(text [, lines]) -> string",
     "The text with all that could move a cursor, change a terminal or hide what is shown written out as \\xNN: "
     "control "
     "characters (but for the line's end where `lines` is true), those of ISO 6429's second set (U+0080 to U+009F), "
     "marks of direction (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), and bytes that are no UTF-8."},
    {"base.getenv", "getenv(name) -> string or nil", "The value of an environment variable."},
    {NULL, NULL, NULL}};

int bind_open_base(lua_State *L) {
  bind_document(L, docs);
  luaL_newlib(L, functions);
  lua_pushliteral(L, LM_VERSION);
  lua_setfield(L, -2, "version");
  lua_pushinteger(L, LM_NUMERICS);
  lua_setfield(L, -2, "numerics");
  return 1;
}
