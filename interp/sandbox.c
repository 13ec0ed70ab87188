/* sandbox.c: the process around an untrusted script's: it starts this command again with a bare environment, watches
 * what it uses, and ends it where it passes a limit; and, in the process that was started, raising the walls. */
#define _GNU_SOURCE
#include "sandbox.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "io/folder.h"
#include "io/wall.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

extern char **environ;

static int complain(const char *format, const char *a, const char *b) {
  fputs("lamina: ", stderr);
  fprintf(stderr, format, a, b);
  fputs("\n", stderr);
  return EXIT_USAGE;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fill(double *value, double otherwise) { *value = *value > 0 ? *value : otherwise; }
static void fill_count(int64_t *value, int64_t otherwise) { *value = *value > 0 ? *value : otherwise; }

/* What was not given. */
static command_limits with_defaults(const command *c) {
  command_limits l = c->limits;
  fill(&l.wall, 3600);
  fill(&l.cpu, l.wall * (c->threads ? (double)c->threads : (double)lm_threads()));
  fill_count(&l.file, (int64_t)4 << 30);
  fill_count(&l.output, (int64_t)16 << 30);
  fill_count(&l.files, 20000);
  fill_count(&l.descriptors, 256);
  fill_count(&l.processes, 16);
  return l;
}

/* ---- what it uses ------------------------------------------------------------------------------------------------
 */

static int64_t seen_bytes, seen_files; /* nftw hands nothing through */

static int add_file(const char *path, const struct stat *info, int kind, struct FTW *at) {
  (void)path, (void)at;
  if (kind == FTW_F || kind == FTW_D) seen_files++;
  if (kind == FTW_F) seen_bytes += (int64_t)info->st_blocks * 512;
  return 0;
}

static void measure(const char *folder) {
  seen_bytes = seen_files = 0;
  nftw(folder, add_file, 16, FTW_PHYS);
}

/* What files hold that a process (a name in /proc) has open and that no folder names any more. */
static int64_t removed_bytes(const char *process) {
  char folder[64], path[128];
  struct stat info;
  int64_t bytes = 0;
  struct dirent *entry;
  snprintf(folder, sizeof folder, "/proc/%.20s/fd", process);
  DIR *d = opendir(folder);
  while (d && (entry = readdir(d)) != NULL) {
    snprintf(path, sizeof path, "%s/%.20s", folder, entry->d_name);
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 0) bytes += (int64_t)info.st_blocks * 512;
  }
  if (d) closedir(d);
  return bytes;
}

/* The processes of a group, and in *removed the bytes of the removed files that they have open (one that two of them
 * share counts twice); 0 where the system does not tell. */
static int64_t processes_of(pid_t group, int64_t *removed) {
  DIR *d = opendir("/proc");
  int64_t n = 0;
  struct dirent *entry;
  *removed = 0;
  while (d && (entry = readdir(d)) != NULL) {
    char path[64], text[512];
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    snprintf(path, sizeof path, "/proc/%.20s/stat", entry->d_name);
    FILE *f = fopen(path, "re");
    size_t got = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f) fclose(f);
    text[got] = 0;
    const char *end = strrchr(text, ')'); /* the name may hold anything */
    int parent, of;
    if (end && sscanf(end + 1, " %*c %d %d", &parent, &of) == 2 && of == group) {
      n++;
      *removed += removed_bytes(entry->d_name);
    }
  }
  if (d) closedir(d);
  return n;
}

/* ---- the process that is watched ------------------------------------------------------------------------------- */

/* Whether the script may see a variable of the environment. */
static bool is_plain(const char *variable) {
  static const char *const starts[] = {
      "LAMINA_",         "LANG=",         "LC_",           "TERM=",     "COLUMNS=",
      "NO_COLOR=",       "TZ=",           "OMP_",          "OPENBLAS_", "LD_LIBRARY_PATH=",
      "GLIBC_TUNABLES=", "ASAN_OPTIONS=", "UBSAN_OPTIONS="};
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
    if (!strncmp(variable, starts[i], strlen(starts[i]))) return true;
  return false;
}

static char **bare_environment(void) {
  size_t n = 0, kept = 0;
  while (environ[n]) n++;
  char **list = calloc(n + 2, sizeof *list);
  for (size_t i = 0; list && i < n; i++)
    if (is_plain(environ[i])) list[kept++] = environ[i];
#ifdef LM_SANITIZED /* what looks for leaks at the end needs ptrace */
  if (list) list[kept++] = (char *)(uintptr_t) "LSAN_OPTIONS=detect_leaks=0";
#endif
  return list;
}

static void become(const command *c, char **argv, char **environment) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setpgid(0, 0);
#ifdef SCHED_OTHER /* a script at real-time priority could keep its own watcher from the processor */
  sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0});
#endif
  int fd = c->script && !strcmp(c->script, "-") ? -1 : open("/dev/null", O_RDONLY);
  if (fd >= 0) dup2(fd, STDIN_FILENO);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
  closefrom(3);
#endif
  execve("/proc/self/exe", argv, environment);
  fprintf(stderr, "lamina: --untrusted: cannot start this program again: %s\n", strerror(errno));
  _exit(EXIT_FAILED);
}

static pid_t start(const command *c, const char *out, int argc, char **argv) {
  char **list = calloc((size_t)argc + 4, sizeof *list), **environment = bare_environment();
  if (!list || !environment) return free(list), free(environment), -1;
  int n = 0;
  list[n++] = argv[0];
  list[n++] = (char *)(uintptr_t) "--untrusted-inside";
  if (!c->out) {
    list[n++] = (char *)(uintptr_t) "--out";
    list[n++] = (char *)(uintptr_t)out;
  }
  for (int i = 1; i < argc; i++) list[n++] = argv[i];
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) become(c, list, environment);
  if (child > 0) setpgid(child, child);
  free(list);
  free(environment);
  return child;
}

/* Why it must end now, or NULL. */
static const char *excess(const command_limits *l, pid_t child, const char *out, double begun, int64_t had) {
  static char text[160];
  if (now() - begun > l->wall) {
    snprintf(text, sizeof text, "it ran longer than %g s (--wall-time)", l->wall);
    return text;
  }
  int64_t removed;
  if (processes_of(child, &removed) > l->processes) {
    snprintf(text, sizeof text, "it ran more than %lld programs at once (--processes)", (long long)l->processes);
    return text;
  }
  measure(out);
  if (seen_files > l->files + 1) {
    snprintf(text, sizeof text, "it wrote more than %lld files (--output-files)", (long long)l->files);
    return text;
  }
  if (seen_bytes - had + removed > l->output) {
    snprintf(text, sizeof text, "it wrote more than %lld bytes (--output-size)", (long long)l->output);
    return text;
  }
  return NULL;
}

static int report(const char *why) {
  fprintf(stderr, "lamina: the untrusted script was stopped: %s\n", why);
  return EXIT_FAILED;
}

/* Waits until the process has ended or must end. *why: what it was ended for, or NULL. Returns how it ended. */
static int watch(pid_t child, const command_limits *l, const char *out, const char **why) {
  sigset_t set;
  int how = 0, pressed = 0;
  double begun = now();
  struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
  *why = NULL;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  measure(out);
  int64_t had = seen_bytes;
  for (;;) {
    pid_t done = waitpid(child, &how, WNOHANG);
    if (done == child || (done < 0 && errno != EINTR)) break;
    int signal = sigtimedwait(&set, NULL, &pause);
    if (signal == SIGINT) kill(-child, ++pressed < 3 ? SIGINT : SIGKILL);
    if (signal == SIGTERM) kill(-child, SIGKILL);
    if (!*why && (*why = excess(l, child, out, begun, had)) != NULL) kill(-child, SIGKILL);
  }
  kill(-child, SIGKILL); /* what it has started and left */
  while (waitpid(-1, NULL, WNOHANG) > 0) continue;
  return how;
}

static int judge(int how, const char *why, const command_limits *l) {
  char text[200];
  if (why) return report(why);
  if (WIFEXITED(how)) return WEXITSTATUS(how);
  struct rusage used;
  getrusage(RUSAGE_CHILDREN, &used);
  double seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                   1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  if (WTERMSIG(how) == SIGXCPU || (WTERMSIG(how) == SIGKILL && seconds > l->cpu)) {
    snprintf(text, sizeof text, "it used more than %g s of processor time (--cpu-time)", l->cpu);
    return report(text);
  }
  snprintf(text, sizeof text, "a signal ended it: %s", strsignal(WTERMSIG(how)));
  return report(text);
}

/* ---- folders --------------------------------------------------------------------------------------------------- */

/* Whether a folder is the user's home, or one that it lies in. */
static bool holds_home(const char *folder) {
  char home[PATH_MAX];
  const struct passwd *user = getpwuid(getuid());
  const char *const homes[] = {getenv("HOME"), user ? user->pw_dir : NULL};
  const size_t n = strlen(folder);
  for (int i = 0; i < 2; i++)
    if (homes[i] && *homes[i] && realpath(homes[i], home) && !strncmp(home, folder, n) &&
        (home[n] == 0 || home[n] == '/'))
      return true;
  return false;
}

/* A folder whose contents a script from elsewhere should not see. */
static int check_own_folder(const command *c) {
  char real[PATH_MAX];
  const char *own = c->script && strcmp(c->script, "-") != 0 ? sandbox_readable(c)[0] : NULL;
  if (!own || !realpath(own, real)) return EXIT_FINE;
  if (!strcmp(real, "/") || holds_home(real))
    return complain(
        "--untrusted: the script lies in %s, all of which it could read: put it into a folder of its own%s", real,
        "");
  return EXIT_FINE;
}

/* --out, or runs/NAME-1, -2, ... after the script's name; made. */
static int output_folder(const command *c, char out[PATH_MAX]) {
  lm_err e;
  if (c->out) {
    snprintf(out, PATH_MAX, "%s", c->out);
    return lm_folder_make(out, &e) == LM_OK ? EXIT_FINE : complain("--out: %s%s", e.message, "");
  }
  const char *name = c->script && strcmp(c->script, "-") != 0 ? c->script : "untrusted";
  if (strrchr(name, '/')) name = strrchr(name, '/') + 1;
  const char *dot = strrchr(name, '.');
  int length = (int)(dot && dot > name ? (size_t)(dot - name) : strlen(name));
  if (lm_folder_make("runs", &e) != LM_OK) return complain("%s%s", e.message, "");
  for (int i = 1;; i++) {
    snprintf(out, PATH_MAX, "runs/%.*s-%d", length > 200 ? 200 : length, name, i);
    if (mkdir(out, 0777) == 0) return EXIT_FINE;
    if (errno != EEXIST) return complain("%s: cannot make the folder: %s", out, strerror(errno));
  }
}

int sandbox_supervise(const command *c, int argc, char **argv) {
  char out[PATH_MAX];
  if (c->interactive) return complain("--untrusted runs scripts, it opens no prompt: leave out -i%s%s", "", "");
  if (!c->script && !c->n_code)
    return complain("--untrusted needs a script (lamina --help lists the options)%s%s", "", "");
  int status = check_own_folder(c);
  if (!status) status = output_folder(c, out);
  if (status) return status;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL);
#ifdef __linux__
  prctl(PR_SET_CHILD_SUBREAPER, 1);
#endif
  command_limits limits = with_defaults(c);
  pid_t child = start(c, out, argc, argv);
  if (child < 0) {
    fprintf(stderr, "lamina: --untrusted: cannot start a process: %s\n", strerror(errno));
    return EXIT_FAILED;
  }
  const char *why;
  int how = watch(child, &limits, out, &why);
  if (!c->out) rmdir(out); /* where nothing was written */
  return judge(how, why, &limits);
}

/* ---- behind the walls ------------------------------------------------------------------------------------------ */

int sandbox_enter(command *c) {
  char missing[1024] = "";
  lm_err e;
  if (!c->untrusted || !c->out) return complain("--untrusted-inside is for --untrusted itself%s%s", "", "");
  c->limits = with_defaults(c);
  if (!c->memory) c->memory = lm_memory_now().machine / 2;
  if (!c->lua_memory) c->lua_memory = lm_memory_now().machine / 4;
  const char *const *readable = sandbox_readable(c);
  int n = 0;
  while (readable[n]) n++;
  if (c->walls & WALL_INTERPRETER && lm_wall_raise(readable, n, c->out, &e) != LM_OK)
    return complain("--untrusted: %s%s", e.message, "");
  if (c->walls & WALL_KERNEL) {
    walls_limits(c, missing, sizeof missing);
    bool scoped = walls_scoped(), paths = walls_paths(c, missing, sizeof missing);
    walls_calls(paths, paths && scoped, missing, sizeof missing);
  }
  if (*missing) fprintf(stderr, "lamina: untrusted: not enforced here: %s\n", missing);
  return EXIT_FINE;
}
