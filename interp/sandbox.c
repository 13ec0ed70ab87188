/* sandbox.c: the process around an untrusted script's: it starts this command again with a bare environment, watches
 * what it uses, and ends it where it passes a limit; and, in the process that was started, raising the walls. */
#define _GNU_SOURCE
#include "sandbox.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "io/folder.h"
#include "io/wall.h"
#include "relay.h"
#include "sandbox_usage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

extern char **environ;

static const double LOOK = 0.1;      /* seconds between looks at everything that it uses */
enum { TICK_NS = 20 * 1000 * 1000 }; /* between those at what tells at once */

static int complain(const char *format, const char *a, const char *b) {
  fputs("lamina: ", stderr);
  fprintf(stderr, format, a, b);
  fputs("\n", stderr);
  return EXIT_USAGE;
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
  fill_count(&l.threads, 64 + 8 * (c->threads ? c->threads : (int64_t)lm_threads()));
  fill_count(&l.print, (int64_t)64 << 20);
  return l;
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

/* What it writes goes through a pipe: which streams are terminals behind it, and how wide, it learns from here. */
static char *terminals(const relays *r) {
  static char text[32];
  const bool out = r->of[0].terminal, err = r->of[r->n - 1].terminal;
  snprintf(text, sizeof text, SANDBOX_TERMINALS "=%s%s", out ? "1" : "", err ? "2" : "");
  return text;
}

static char *columns(void) {
  static char text[32];
  struct winsize size;
  for (int fd = 1; fd <= 2; fd++)
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
      snprintf(text, sizeof text, "COLUMNS=%d", size.ws_col);
      return text;
    }
  return NULL;
}

static char **bare_environment(const relays *r) {
  size_t n = 0, kept = 0;
  while (environ[n]) n++;
  char **list = calloc(n + 4, sizeof *list), *wide = columns();
  for (size_t i = 0; list && i < n; i++)
    if (is_plain(environ[i]) && strncmp(environ[i], SANDBOX_TERMINALS, sizeof SANDBOX_TERMINALS - 1) != 0 &&
        !(wide && !strncmp(environ[i], "COLUMNS=", 8)))
      list[kept++] = environ[i];
  if (list) list[kept++] = terminals(r);
  if (list && wide) list[kept++] = wide;
#ifdef LM_SANITIZED /* what looks for leaks at the end needs ptrace */
  if (list) list[kept++] = (char *)(uintptr_t) "LSAN_OPTIONS=detect_leaks=0";
#endif
  return list;
}

static void become(const command *c, char **argv, char **environment, const relays *r) {
  sigset_t none;
  relays_inside(r);
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

static pid_t start(const command *c, const char *out, int argc, char **argv, const relays *r) {
  char **list = calloc((size_t)argc + 4, sizeof *list), **environment = bare_environment(r);
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
  if (child == 0) become(c, list, environment, r);
  if (child > 0) setpgid(child, child);
  free(list);
  free(environment);
  return child;
}

/* What is watched. */
typedef struct watched {
  pid_t child;
  const command_limits *limits;
  const char *out;
  relays *printed;
  double begun, looked; /* when it began, when all of it was last looked at */
  int64_t had;          /* bytes that lay in the folder before */
  int pressed;          /* how often Ctrl-C was; the third time ends it */
  char why[160];        /* it was ended; empty: it was not */
} watched;

static bool beyond(watched *w, const char *format, int64_t limit) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  snprintf(w->why, sizeof w->why, format, (long long)limit);
#pragma GCC diagnostic pop
  return true;
}

/* Whether it must end now; w->why then says why. */
static bool excess(watched *w) {
  static const char threads[] = "it ran more than %lld threads at once (--all-threads)";
  const command_limits *l = w->limits;
  usage u;
  if (lm_clock() - w->begun > l->wall) {
    snprintf(w->why, sizeof w->why, "it ran longer than %g s (--wall-time)", l->wall);
    return true;
  }
  if (relays_full(w->printed)) return beyond(w, "it printed more than %lld bytes (--print-size)", l->print);
  if (usage_threads(w->child) > l->threads) return beyond(w, threads, l->threads);
  if (lm_clock() - w->looked < LOOK) return false;
  w->looked = lm_clock();
  usage_of_group(&u, w->child);
  if (u.programs > l->processes)
    return beyond(w, "it ran more than %lld programs at once (--processes)", l->processes);
  if (u.threads > l->threads) return beyond(w, threads, l->threads);
  usage_of_folder(&u, w->out, l->files);
  if (u.hidden) {
    snprintf(w->why, sizeof w->why, "it made folders that cannot be looked into, or more than 64 deep");
    return true;
  }
  if (u.files > l->files) return beyond(w, "it wrote more than %lld files (--output-files)", l->files);
  if (u.bytes - w->had + u.removed > l->output)
    return beyond(w, "it wrote more than %lld bytes (--output-size)", l->output);
  return false;
}

static int report(const char *why) {
  fprintf(stderr, "lamina: the untrusted script was stopped: %s\n", why);
  return EXIT_FAILED;
}

/* Waits until the process has ended or must end; returns how it ended. */
static int watch(watched *w, const sigset_t *set) {
  int how = 0;
  const struct timespec pause = {.tv_nsec = TICK_NS};
  usage before;
  usage_of_folder(&before, w->out, INT64_MAX - 1);
  w->had = before.bytes;
  w->begun = lm_clock();
  for (;;) {
    pid_t done = waitpid(w->child, &how, WNOHANG);
    if (done == w->child || (done < 0 && errno != EINTR)) break;
    int signal = sigtimedwait(set, NULL, &pause);
    if (signal == SIGINT) kill(-w->child, ++w->pressed < 3 ? SIGINT : SIGKILL);
    if (signal == SIGTERM) kill(-w->child, SIGKILL);
    if (!*w->why && excess(w)) kill(-w->child, SIGKILL);
  }
  kill(-w->child, SIGKILL); /* what it has started and left */
  while (waitpid(-1, NULL, WNOHANG) > 0) continue;
  if (!*w->why && relays_full(w->printed)) excess(w);
  sigprocmask(SIG_UNBLOCK, set, NULL); /* whoever reads our output may be slow */
  relays_end(w->printed, *w->why || WIFSIGNALED(how));
  return how;
}

static int judge(int how, const watched *w) {
  const command_limits *l = w->limits;
  char text[200];
  if (*w->why) return report(w->why);
  if (WIFSIGNALED(how) && w->pressed > 2) return fputs("lamina: interrupted\n", stderr), EXIT_INTERRUPTED;
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
  relays printed;
  watched w = {.child = -1, .limits = &limits, .out = out, .printed = &printed};
  if (relays_open(&printed, limits.print)) w.child = start(c, out, argc, argv, &printed);
  signal(SIGPIPE, SIG_IGN); /* a reader of ours that has gone ends the script, by its own pipe */
  if (w.child < 0 || !relays_start(&printed)) {
    fprintf(stderr, "lamina: --untrusted: cannot start a process: %s\n", strerror(errno));
    if (w.child > 0) kill(-w.child, SIGKILL);
    return EXIT_FAILED;
  }
  int how = watch(&w, &set);
  if (!c->out) rmdir(out); /* where nothing was written */
  return judge(how, &w);
}

/* ---- behind the walls ------------------------------------------------------------------------------------------ */

int sandbox_enter(command *c) {
  char missing[1024] = "";
  lm_err e;
  if (!c->untrusted || !c->out) return complain("--untrusted-inside is for --untrusted itself%s%s", "", "");
  const char *terminals = getenv(SANDBOX_TERMINALS);
  if (terminals && strchr(terminals, '1')) setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
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
