/* lua_process.c: starting the lamina command from subcommands, and folders for a while: require
 * "lamina.core.process". Untrusted scripts do not get it. */
#define _GNU_SOURCE /* posix_spawn_file_actions_addchdir_np, environ */
#include "bind.h"
#include "own.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The option `name` of the table at 2 as a string that lives as long as that table; NULL where it is absent. */
static const char *option(lua_State *L, const char *name) {
  char what[64];
  snprintf(what, sizeof what, "process.lamina: %s", name);
  if (lua_isnoneornil(L, 2) || !bind_option(L, 2, name)) return NULL;
  const char *value = bind_text(L, -1, what);
  lua_pop(L, 1);
  return value;
}

/* The list of strings at an index as argv, behind `first`; pushes the userdata that owns it. */
static char **argument_list(lua_State *L, int index, const char *first) {
  int64_t n = (int64_t)lua_rawlen(L, index);
  char **list = lua_newuserdatauv(L, ((size_t)n + 2) * sizeof *list, 0);
  list[0] = (char *)(uintptr_t)first;
  for (int64_t i = 1; i <= n; i++) {
    lua_rawgeti(L, index, i);
    list[i] = (char *)(uintptr_t)bind_text(L, -1, "process.lamina: an argument");
    lua_pop(L, 1);
  }
  list[n + 1] = NULL;
  return list;
}

static int add_output(posix_spawn_file_actions_t *actions, const char *path, int fd) {
  return path ? posix_spawn_file_actions_addopen(actions, fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0666) : 0;
}

static int start(pid_t *process, const char *program, char **argv, const char *dir, const char *out,
                 const char *err) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int code = posix_spawn_file_actions_init(&actions);
  if (code) return code;
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGINT);
  sigaddset(&defaults, SIGXFSZ);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  code = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (!code) code = add_output(&actions, out, STDOUT_FILENO);
  if (!code) code = add_output(&actions, err, STDERR_FILENO);
  if (!code && dir) code = posix_spawn_file_actions_addchdir_np(&actions, dir);
  if (!code) code = posix_spawn(process, program, &actions, &attributes, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return code;
}

/* lamina(list of arguments[, { dir =, out =, err = }]) -> exit code */
static int process_lamina(lua_State *L) {
  char program[PATH_MAX];
  luaL_checktype(L, 1, LUA_TTABLE);
  if (!lua_isnoneornil(L, 2)) bind_known_options(L, 2, "process.lamina", "dir out err");
  const char *dir = option(L, "dir"), *out = option(L, "out"), *err = option(L, "err");
  ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
  lm_err e = {0};
  if (n < 0)
    bind_check(L, lm_fail(&e, LM_ERR_IO, "cannot find this program itself: /proc/self/exe: %s", strerror(errno)), &e);
  program[n] = 0;
  char **argv = argument_list(L, 1, program);
  pid_t process;
  fflush(NULL);
  int code = start(&process, program, argv, dir, out, err), how = 0;
  if (code) bind_check(L, lm_fail(&e, LM_ERR_IO, "cannot start %s: %s", program, strerror(code)), &e);
  while (waitpid(process, &how, 0) < 0 && errno == EINTR) /* Ctrl-C reaches it, too, and ends it */
    continue;
  lua_pushinteger(L, WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how));
  return 1;
}

/* scratch() -> the path of a new folder that its owner alone can enter */
static int process_scratch(lua_State *L) {
  char path[PATH_MAX];
  const char *root = getenv("TMPDIR");
  lm_err e = {0};
  snprintf(path, sizeof path, "%s/lamina-XXXXXX", root && *root ? root : "/tmp");
  if (!mkdtemp(path))
    bind_check(L, lm_fail(&e, LM_ERR_IO, "%s: cannot make a folder for a while: %s", path, strerror(errno)), &e);
  lua_pushstring(L, path);
  return 1;
}

static int process_real_path(lua_State *L) {
  char *path = realpath(own_path(L, 1, "real_path"), NULL);
  if (!path) return 0;
  lua_pushstring(L, path);
  free(path);
  return 1;
}

static int process_size(lua_State *L) {
  const char *path = own_path(L, 1, "size");
  lm_err e = {0};
  FILE *f = fopen(path, "rbe");
  if (!f || fseeko(f, 0, SEEK_END) != 0) {
    lm_fail(&e, LM_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
    if (f) fclose(f);
    bind_check(L, LM_ERR_IO, &e);
  }
  lua_pushinteger(L, (lua_Integer)ftello(f));
  fclose(f);
  return 1;
}

static int process_is_link(lua_State *L) {
  struct stat info;
  lua_pushboolean(L,
                  lstat(own_path(L, 1, "is_link"), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode));
  return 1;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at) {
  (void)info, (void)kind, (void)at;
  return remove(path) != 0 && errno != ENOENT;
}

/* remove_tree(path) */
static int process_remove_tree(lua_State *L) {
  const char *path = own_path(L, 1, "remove_tree");
  lm_err e = {0};
  if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) != 0)
    bind_check(L, lm_fail(&e, LM_ERR_IO, "%s: cannot remove: %s", path, strerror(errno)), &e);
  return 0;
}

static const luaL_Reg functions[] = {{"lamina", process_lamina},
                                     {"scratch", process_scratch},
                                     {"real_path", process_real_path},
                                     {"size", process_size},
                                     {"remove_tree", process_remove_tree},
                                     {"is_link", process_is_link},
                                     {NULL, NULL}};

static const bind_doc docs[] = {
    {"process.lamina", "lamina(arguments[, { dir =, out =, err = }]) -> integer",
     "Runs this very command with other arguments, in the folder dir, its output and errors written to the files out "
     "and err where they are given, its input empty; waits for its end and returns the exit code, 128 + the signal "
     "where one ended it."},
    {"process.scratch", "scratch() -> string",
     "A new folder in TMPDIR (/tmp), which nobody else may enter; whoever asks removes it."},
    {"process.real_path", "real_path(path) -> string or nil",
     "The absolute path without links and '..'; nil where nothing of that name is there."},
    {"process.is_link", "is_link(path) -> boolean",
     "Whether something of that name is there that is neither a file nor a folder itself: a link, a pipe, a device."},
    {"process.remove_tree", "remove_tree(path)", "Removes a folder with all that is in it; links are not followed."},
    {"process.size", "size(path) -> integer", "The bytes of a file."},
    {NULL, NULL, NULL}};

int bind_open_process(lua_State *L) {
  bind_document(L, docs);
  luaL_newlib(L, functions);
  return 1;
}
