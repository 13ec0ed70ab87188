/* walls.c: the kernel's walls around an untrusted script, but for the filter of system calls: limits, capabilities,
 * and Landlock, which lets a process give up files and networks for ever, without privileges (kernel.org,
 * landlock.rst). The constants stand here because Debian 12's headers know Landlock's second version only. */
#define _GNU_SOURCE
#include "sandbox.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "modules.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void walls_lack(char *missing, size_t room, const char *what) {
  size_t n = strlen(missing);
  snprintf(missing + n, room - n, "%s%s", n ? "; " : "", what);
}

#ifdef __linux__
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* ---- limits ------------------------------------------------------------------------------------------------------
 */

enum { SLACK = 1 << 30, PER_THREAD = 64 << 20 }; /* of memory, beside tensors and Lua: code, stacks, buffers */

static bool limit(int resource, int64_t value) {
  struct rlimit r = {.rlim_cur = (rlim_t)value, .rlim_max = (rlim_t)value}, old;
  if (getrlimit((__rlimit_resource_t)resource, &old) == 0 && old.rlim_max < r.rlim_max) r.rlim_max = old.rlim_max;
  if (r.rlim_cur > r.rlim_max) r.rlim_cur = r.rlim_max;
  return setrlimit((__rlimit_resource_t)resource, &r) == 0;
}

/* The capabilities of a root user are given up; files of root stay its own. */
static bool drop_capabilities(void) {
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0}};
  for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return syscall(SYS_capset, &head, none) == 0;
}

void walls_limits(const command *c, char *missing, size_t room) {
  const command_limits *l = &c->limits;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) walls_lack(missing, room, "programs may still gain privileges");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!drop_capabilities()) walls_lack(missing, room, "capabilities could not be given up");
  bool fine = limit(RLIMIT_CORE, 0);
  int64_t cpu = (int64_t)l->cpu + 1;
  struct rlimit seconds = {.rlim_cur = (rlim_t)cpu, .rlim_max = (rlim_t)cpu + 2};
  fine = setrlimit(RLIMIT_CPU, &seconds) == 0 && fine; /* SIGXCPU first, SIGKILL where that is ignored */
  fine = limit(RLIMIT_FSIZE, l->file) && fine;
  fine = limit(RLIMIT_NOFILE, l->descriptors) && fine;
  fine = limit(RLIMIT_MSGQUEUE, 0) && fine;
#ifdef LM_SANITIZED
  walls_lack(missing, room, "the size of the process is not limited in a build with sanitizers");
#else
  int64_t memory = c->memory + c->lua_memory + SLACK + (int64_t)lm_threads() * PER_THREAD;
  fine = limit(RLIMIT_DATA, memory) && fine;
#endif
  if (!fine) walls_lack(missing, room, "some limits (rlimits) could not be set");
}

/* ---- Landlock ----------------------------------------------------------------------------------------------------
 */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444 /* on every processor */
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

enum {
  FS_EXECUTE = 1 << 0,
  FS_WRITE_FILE = 1 << 1,
  FS_READ_FILE = 1 << 2,
  FS_READ_DIR = 1 << 3,
  FS_REMOVE_DIR = 1 << 4,
  FS_REMOVE_FILE = 1 << 5,
  FS_MAKE_DIR = 1 << 7,
  FS_MAKE_REG = 1 << 8,
  FS_REFER = 1 << 13,    /* from version 2 */
  FS_TRUNCATE = 1 << 14, /* from version 3 */
  FS_IOCTL_DEV = 1 << 15 /* from version 5 */
};
enum { FS_FIRST = (1 << 13) - 1, NET_TCP = 3, SCOPES = 3, RULE_PATH_BENEATH = 1, ASK_VERSION = 1 };
enum { READING = FS_READ_FILE | FS_READ_DIR };
enum {
  WRITING =
      READING | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_REFER | FS_TRUNCATE
};
enum { OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV };

typedef struct ruleset_attr {
  uint64_t fs, net, scoped;
} ruleset_attr;

typedef struct __attribute__((packed)) beneath_attr {
  uint64_t allowed;
  int32_t parent;
} beneath_attr;

static int landlock_version(void) {
  long n = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
  return n < 0 ? 0 : (int)n;
}

bool walls_scoped(void) { return landlock_version() >= 6; }

static bool allow(int ruleset, uint64_t handled, const char *path, uint64_t access) {
  int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT || errno == ENOTDIR || errno == EACCES; /* what is not there needs no rule */
  struct stat info;
  if (fstat(fd, &info) == 0 && !S_ISDIR(info.st_mode)) access &= OF_FILES;
  beneath_attr rule = {.allowed = access & handled, .parent = fd};
  bool fine = rule.allowed == 0 || syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0;
  close(fd);
  return fine;
}

/* What the process needs of the system itself: libraries, fonts, what tells of processor and memory. */
static const char *const system_paths[] = {"/usr/lib",
                                           "/lib",
                                           "/lib64",
                                           "/usr/lib64",
                                           "/usr/local/lib",
                                           "/etc/ld.so.cache",
                                           "/etc/ld.so.conf",
                                           "/etc/ld.so.conf.d",
                                           "/etc/fonts",
                                           "/usr/share/fonts",
                                           "/usr/local/share/fonts",
                                           "/usr/share/fontconfig",
                                           "/var/cache/fontconfig",
                                           "/proc/meminfo",
                                           "/proc/cpuinfo",
                                           "/sys/devices/system/cpu",
                                           "/sys/fs/cgroup/memory.max",
                                           "/sys/fs/cgroup/cpu.max",
                                           "/dev/urandom",
                                           "/dev/zero"};
static const char *const loaders[] = {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1",
                                      "/lib/ld-linux.so.2"};

/* The programs of our own, which run behind the same walls. */
static const char *const programs[] = {"lamina-hdf5", "lamina-figure"};

static bool allow_all(const command *c, int ruleset, uint64_t handled) {
  char program[MODULES_PATH], folder[MODULES_PATH];
  bool fine = true;
  for (size_t i = 0; i < sizeof system_paths / sizeof *system_paths; i++)
    fine = allow(ruleset, handled, system_paths[i], READING) && fine;
  for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++)
    fine = allow(ruleset, handled, loaders[i], FS_EXECUTE | FS_READ_FILE) && fine;
  fine = allow(ruleset, handled, "/dev/null", FS_READ_FILE | FS_WRITE_FILE) && fine;
  for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
    bool there = modules_find(programs[i], program);
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(program, '/') - program), program);
    if (there) fine = allow(ruleset, handled, program, FS_EXECUTE | FS_READ_FILE) && fine;
    fine = allow(ruleset, handled, folder, READING) && fine;
  }
  for (const char *const *path = sandbox_readable(c); *path; path++)
    fine = allow(ruleset, handled, *path, READING) && fine;
  return allow(ruleset, handled, c->out, WRITING) && fine;
}

bool walls_paths(const command *c, char *missing, size_t room) {
  int version = landlock_version();
  if (version == 0) {
    walls_lack(missing, room, "no Landlock: the kernel does not keep it from other files");
    return false;
  }
  ruleset_attr attr = {.fs = FS_FIRST};
  if (version >= 2) attr.fs |= FS_REFER;
  if (version >= 3) attr.fs |= FS_TRUNCATE;
  if (version >= 4) attr.net = NET_TCP;
  if (version >= 5) attr.fs |= FS_IOCTL_DEV;
  if (version >= 6) attr.scoped = SCOPES;
  if (version < 3) walls_lack(missing, room, "Landlock cannot keep it from cutting other files of yours short");
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
  bool fine = ruleset >= 0 && allow_all(c, ruleset, attr.fs);
  fine = fine && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
  if (ruleset >= 0) close(ruleset);
  if (!fine) walls_lack(missing, room, "Landlock refused: the kernel does not keep it from other files");
  return fine;
}

#else /* another system */

void walls_limits(const command *c, char *missing, size_t room) {
  (void)c;
  walls_lack(missing, room, "limits, files and networks: this system is not Linux");
}

bool walls_paths(const command *c, char *missing, size_t room) {
  (void)c, (void)missing, (void)room;
  return false;
}

bool walls_scoped(void) { return false; }
#endif
