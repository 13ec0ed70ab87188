/* main.c: the program's frame: limits, requests, answers. */
#include "worker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <unistd.h>

enum {
  SECONDS = 4,
  RATE = 20 << 20
}; /* of processor time, what a request may take: so long, and a second more for every so many bytes */

/* ---- limits -----------------------------------------------------------------------------------------------------
 */

static void limit(int resource, rlim_t soft) {
  struct rlimit r;
  if (getrlimit((__rlimit_resource_t)resource, &r) != 0) return;
  r.rlim_cur = r.rlim_max != RLIM_INFINITY && soft > r.rlim_max ? r.rlim_max : soft;
  setrlimit((__rlimit_resource_t)resource, &r);
}

/* Addresses that are taken already: a sanitizer's shadow memory, next to nothing without one. Behind the walls of an
 * untrusted script /proc tells nothing: then a build with sanitizers is not limited. */
static rlim_t taken(void) {
  static rlim_t once;
#ifdef LM_SANITIZED
  FILE *f = once ? NULL : fopen("/proc/self/statm", "r");
  unsigned long pages = 0;
  if (!f && !once) once = RLIM_INFINITY / 4;
  if (f && fscanf(f, "%lu", &pages) == 1) once = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
  if (f) fclose(f);
#endif
  return once;
}

void worker_allow(int64_t bytes) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  limit(RLIMIT_CPU, (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec + 1 + SECONDS + bytes / RATE));
  limit(RLIMIT_AS, taken() + ((rlim_t)1 << 30) + 4 * (rlim_t)bytes);
}

static void limit_once(bool writes) {
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, 16);
  if (!writes) limit(RLIMIT_FSIZE, 0);
  signal(SIGINT, SIG_IGN); /* Ctrl-C is the parent's affair */
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  worker_allow(0);
}

/* ---- errors -----------------------------------------------------------------------------------------------------
 */

static herr_t innermost(unsigned n, const H5E_error2_t *error, void *context) {
  (void)n;
  char *text = context;
  if (!*text && error->desc && *error->desc) snprintf(text, 256, "%s", error->desc);
  return 0;
}

lm_status worker_failed(const worker *w, const char *what, lm_err *e) {
  char text[256] = "";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, text);
  return lm_fail(e, LM_ERR_FORMAT, "%s: %s: %s", w->name, what, text[0] ? text : "libhdf5 does not say why");
}

lm_status worker_text(worker *w, const char *text, lm_err *e) {
  return lm_tree_put_text(LM_TREE_TEXT, text, (int64_t)strlen(text), lm_channel_put, w->channel, e);
}

/* ---- requests ---------------------------------------------------------------------------------------------------
 */

static lm_status open_file(worker *w, lm_err *e) {
  struct stat info;
  if (w->file >= 0) return LM_OK;
  if (fstat(WORKER_FILE, &info) == 0) w->size = info.st_size;
  w->file = H5Fopen(WORKER_PATH, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (w->file >= 0) return LM_OK;
  lm_status status = worker_failed(w, "cannot open", e); /* before the next call forgets why */
  char start[4] = "";
  if (H5Fis_hdf5(WORKER_PATH) != 0 || pread(WORKER_FILE, start, 3, 0) < 0) return status;
  bool classic = !strcmp(start, "CDF");
  return lm_fail(e, LM_ERR_FORMAT, "%s: not an HDF5 file%s", w->name,
                 classic ? ": it is a classic netCDF file; \"nccopy -k nc4 OLD NEW\" makes an HDF5 one of it" : "");
}

static lm_status serve(worker *w, const lm_tree *request, lm_err *e) {
  const lm_tree *op = lm_tree_get(request, "op");
  const char *name = op && op->kind == LM_TREE_TEXT ? op->text : "";
  H5Eclear2(H5E_DEFAULT);
  worker_allow(0);
  if (!strcmp(name, "write")) return write_file(w, request, e);
  lm_status status = open_file(w, e);
  if (status != LM_OK) return status;
  if (!strcmp(name, "list")) return list_objects(w, e);
  if (!strcmp(name, "read")) return read_dataset(w, request, e);
  if (!strcmp(name, "attributes")) return read_attributes(w, request, e);
  return lm_fail(e, LM_ERR_ARGUMENT, "%s: there is no request '%s'", w->name, name);
}

/* Requests until the parent is gone. */
static void serve_all(worker *w) {
  lm_err e = {0}, lost = {0};
  while (!w->channel->closed) {
    lm_source s;
    lm_tree request;
    lm_channel_receive(w->channel, &s, w->name, INT64_MAX);
    lm_status status = lm_tree_decode(&request, &s, &e);
    if (status == LM_OK) status = lm_channel_finish(w->channel, &e);
    if (w->channel->closed) return;
    if (status == LM_OK) status = serve(w, &request, &e);
    if (status == LM_OK)
      lm_channel_end(w->channel, &lost);
    else
      lm_channel_fail(w->channel, &e, &lost);
    lm_tree_free(&request);
  }
}

int main(int argc, char **argv) {
  static lm_channel channel;
  if (argc != 3 || fcntl(WORKER_SOCKET, F_GETFD) < 0 || fcntl(WORKER_FILE, F_GETFD) < 0) {
    fputs("lamina-hdf5 is started by lamina, which it reads HDF5 files for\n", stderr);
    return 2;
  }
  worker w = {.channel = &channel, .name = argv[2], .file = -1};
  limit_once(!strcmp(argv[1], "write"));
  lm_channel_start(&channel, WORKER_SOCKET);
  setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0); /* files are read where nothing may be written, too */
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  H5Lunregister(H5L_TYPE_EXTERNAL);
  if (!getenv("HDF5_PLUGIN_PATH")) H5PLset_loading_state(0);
#ifndef LM_SANITIZED /* which tells of crashes itself */
  worker_blame();
#endif
  lzf_register();
  serve_all(&w);
  _exit(0); /* libhdf5's clean-up has nothing to save, and may crash on what a bad file left */
}
