/* fuzz_hdf5.c: HDF5 files (.h5, netCDF-4, MATLAB 7.3) as a session reads them: io/hdf5.c asks lamina-hdf5 for the
 * list of objects, and for the attributes and the values of each, whole and in part.
 *
 * The program's own code runs under the sanitizers and shows libFuzzer where it went (hdf5_child.c), in a process of
 * its own, as always: libhdf5, which is not instrumented, may crash, loop or fail on any input, and that must be a
 * clean error here which begins with the file's name. A finding is an error in lamina's code on either side, a
 * process that ends otherwise than the session expects, and a handle that hangs. */
#include "fuzz.h"

#include "hdf5_child.h"

#include "base/memory.h"
#include "io/hdf5.h"

#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>

enum { SOCKET = 3, FILE_AT = 4, MOST_OBJECTS = 24 };

/* Calls of io/hdf5.c, which CMakeLists.txt sends here: a fork takes the place of the program. */
int __wrap_posix_spawn(pid_t *process, const char *program, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const environment[]);
int __wrap_posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int to);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static int given[FILE_AT + 1];
static char path[] = P_tmpdir "/fuzz_hdf5-XXXXXX"; /* libhdf5 asks for a real path, which one in memory lacks */
static int file = -1;

static void remove_file(void) { unlink(path); }

int __wrap_posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int to) {
  (void)actions;
  given[to] = fd;
  return 0;
}

int __wrap_posix_spawn(pid_t *process, const char *program, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const environment[]) {
  (void)program, (void)actions, (void)attributes, (void)environment;
  *process = fork();
  if (*process < 0) return errno;
  if (*process > 0) return 0;
  dup2(given[SOCKET], SOCKET);
  dup2(given[FILE_AT], FILE_AT);
  close_range(FILE_AT + 1, ~0U, 0);
  hdf5_child(argv);
}

/* libFuzzer's own limits on memory do not reach a process that is forked, or would take what libhdf5 asks for and is
 * refused (RLIMIT_AS of the worker) for a finding; this side has the runtime's budget. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
  static char rss[] = "-rss_limit_mb=0", most[] = "-malloc_limit_mb=1048576", timeout[] = "-timeout=60",
              slow[] = "-report_slow_units=60";
  static char *more[64];
  int n = 0;
  for (; n < *argc && n < 58; n++) more[n] = (*argv)[n];
  more[n++] = rss;
  more[n++] = most;
  more[n++] = timeout;
  more[n++] = slow;
  *argc = n;
  *argv = more;
  lm_memory_set_budget((int64_t)1 << 30);
  hdf5_child_prepare();
  file = mkstemp(path);
  atexit(remove_file);
  return 0;
}

/* The status of a request; false where the handle has come to its end. */
static bool told(lm_status status, const lm_err *e) {
  if (status == LM_OK || status == LM_ERR_MEMORY) return true;
  const bool ours = strstr(e->message, "defect of lamina") || strstr(e->message, "ended early");
  const bool clean = status == LM_ERR_FORMAT || status == LM_ERR_ARGUMENT || status == LM_ERR_STATE;
  if (ours || !clean || strncmp(e->message, path, strlen(path)) != 0) {
    fprintf(stderr, "status %d: '%s'\n", (int)status, e->message);
    abort();
  }
  return status != LM_ERR_STATE;
}

/* The last half of a dataset along each axis. */
static bool read_block(lm_hdf5 *h, const char *name, const lm_tree *shape) {
  int64_t start[LM_MAX_DIMS], count[LM_MAX_DIMS];
  lm_tree block;
  lm_err e = {0};
  for (int i = 0; i < shape->ndim; i++) {
    start[i] = shape->shape[i] / 2;
    count[i] = shape->shape[i] - start[i];
    if (count[i] > 100) count[i] = 100;
  }
  lm_status status = lm_hdf5_read(&block, h, name, shape->ndim, start, count, &e);
  if (status == LM_OK) lm_tree_free(&block);
  return told(status, &e);
}

static bool read_object(lm_hdf5 *h, const char *name, const lm_tree *about) {
  lm_tree values;
  lm_err e = {0};
  lm_status status = lm_hdf5_attributes(&values, h, name, &e);
  if (status == LM_OK) lm_tree_free(&values);
  if (!told(status, &e)) return false;
  const lm_tree *shape = about && about->kind == LM_TREE_TABLE ? lm_tree_get(about, "shape") : NULL;
  status = lm_hdf5_read(&values, h, name, -1, NULL, NULL, &e);
  if (status == LM_OK) lm_tree_free(&values);
  if (!told(status, &e)) return false;
  return !shape || shape->kind != LM_TREE_SHAPE || read_block(h, name, shape);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lm_hdf5 *h;
  lm_tree list;
  lm_err e = {0};
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != (ssize_t)size) {
    perror(path);
    exit(1);
  }
  if (!told(lm_hdf5_open(&h, "/proc/self/exe", path, &e), &e) || !h) return 0;
  lm_status status = lm_hdf5_list(&list, h, &e);
  if (told(status, &e) && status == LM_OK) {
    bool lives = read_object(h, "/", NULL);
    for (int64_t i = 0; i < list.count && i < MOST_OBJECTS && lives; i++)
      lives = read_object(h, list.items[i].name, &list.items[i]);
    lm_tree_free(&list);
  }
  lm_hdf5_close(h);
  hdf5_child_ran();
  return 0;
}
