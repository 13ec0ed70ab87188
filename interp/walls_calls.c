/* walls_calls.c: the filter of system calls around an untrusted script (seccomp, through libseccomp). What is not in
 * the list fails with EPERM: sockets, other processes' memory, mounts, new namespaces, kernel modules, keys, io_uring
 * and all that is to come. */
#define _GNU_SOURCE
#include "sandbox.h"

#ifdef LM_HAVE_SECCOMP
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

/* Allowed whatever their arguments. */
static const char *const allowed[] = {
    /* files that are open, and those that Landlock lets through */
    "read", "write", "readv", "writev", "pread64", "pwrite64", "lseek", "_llseek", "close", "close_range", "fstat",
    "fstat64", "stat", "stat64", "lstat", "lstat64", "newfstatat", "fstatat64", "statx", "access", "faccessat",
    "faccessat2", "readlink", "readlinkat", "getcwd", "getdents", "getdents64", "unlink", "unlinkat", "rename",
    "renameat", "renameat2", "rmdir", "fsync", "fdatasync", "ftruncate", "truncate", "fallocate", "fadvise64",
    "flock", "fcntl", "dup", "dup2", "dup3", "pipe", "pipe2", "poll", "ppoll", "select", "pselect6", "fstatfs",
    "statfs",
    /* memory */
    "munmap", "mprotect", "mremap", "madvise", "brk", "msync", "mincore",
    /* threads, time, signals of one's own */
    "futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq", "sched_yield", "sched_getaffinity",
    "gettid", "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getrusage", "getrlimit", "setrlimit",
    "uname", "sysinfo", "times", "time", "gettimeofday", "clock_gettime", "clock_getres", "clock_nanosleep",
    "nanosleep", "getitimer", "setitimer", "alarm", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "rt_sigtimedwait", "rt_sigpending", "rt_sigsuspend", "sigaltstack", "restart_syscall", "exit", "exit_group",
    "wait4", "waitid", "getrandom", "arch_prctl", "set_tid_address", "membarrier",
    /* the socket to lamina-hdf5; there is no way to another */
    "sendto", "recvfrom", "sendmsg", "recvmsg", "shutdown"};

static const char *const unknown[] = {"clone3", "openat2",
                                      "fchmodat2"}; /* as on an older kernel: there is a way without */

typedef struct filter {
  scmp_filter_ctx context;
  bool fine;
} filter;

static void rule(filter *f, uint32_t action, const char *name, unsigned n, struct scmp_arg_cmp *arguments) {
  int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return; /* libseccomp does not know it: it stays refused */
  int code = seccomp_rule_add_array(f->context, action, number, n, arguments);
  if (code != 0 && code != -EDOM) f->fine = false;
}

static void allow_if(filter *f, const char *name, struct scmp_arg_cmp a) { rule(f, SCMP_ACT_ALLOW, name, 1, &a); }

/* No file becomes set-user-id, however it is made; no directory either, nor one that the process that watches could
 * not look into. No rights change: Landlock would not keep fchmod from a file that is open for reading alone,
 * wherever it lies. */
static void allow_files(filter *f) {
  enum { SPECIAL = 06000, OWN = 0700 };
  allow_if(f, "open", SCMP_A1(SCMP_CMP_MASKED_EQ, O_CREAT, 0));
  allow_if(f, "open", SCMP_A2(SCMP_CMP_MASKED_EQ, SPECIAL, 0));
  allow_if(f, "openat", SCMP_A2(SCMP_CMP_MASKED_EQ, O_CREAT | (O_TMPFILE & ~O_DIRECTORY), 0));
  allow_if(f, "openat", SCMP_A3(SCMP_CMP_MASKED_EQ, SPECIAL, 0));
  allow_if(f, "mkdir", SCMP_A1(SCMP_CMP_MASKED_EQ, SPECIAL | OWN, OWN));
  allow_if(f, "mkdirat", SCMP_A2(SCMP_CMP_MASKED_EQ, SPECIAL | OWN, OWN));
  allow_if(f, "umask", SCMP_A0(SCMP_CMP_MASKED_EQ, OWN, 0));
}

/* Memory that is shared without a file would count towards no limit. */
static void allow_memory(filter *f) {
  for (int i = 0; i < 2; i++) {
    const char *name = i ? "mmap2" : "mmap";
    allow_if(f, name, SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, 0));
    allow_if(f, name, SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS | MAP_SHARED, MAP_ANONYMOUS));
  }
}

/* Threads; and one program at a time that is started at once, as posix_spawn does, where Landlock says which. */
static void allow_processes(filter *f, bool paths, bool scoped) {
  const uint64_t spaces = CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                          CLONE_NEWCGROUP | 0x80;
  allow_if(f, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | spaces, CLONE_THREAD));
  if (paths) {
    allow_if(f, "clone", SCMP_A0(SCMP_CMP_EQ, CLONE_VM | CLONE_VFORK | SIGCHLD));
    rule(f, SCMP_ACT_ALLOW, "execve", 0, NULL);
  }
  if (scoped) {
    rule(f, SCMP_ACT_ALLOW, "kill", 0, NULL);
    rule(f, SCMP_ACT_ALLOW, "tgkill", 0, NULL);
  } else {
    allow_if(f, "tgkill", SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
  }
  allow_if(f, "prlimit64", SCMP_A0(SCMP_CMP_EQ, 0));
  allow_if(f, "prlimit64", SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
}

/* Of devices, what a terminal tells; nothing that types into it. */
static void allow_questions(filter *f) {
  static const unsigned long requests[] = {TCGETS, TIOCGWINSZ, FIONREAD, FIOCLEX, FIONCLEX};
  static const int options[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_PDEATHSIG, PR_CAPBSET_READ,
                                0x53564d41 /* names of maps */};
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
    allow_if(f, "ioctl", SCMP_A1(SCMP_CMP_EQ, requests[i]));
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    allow_if(f, "prctl", SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)options[i]));
  allow_if(f, "socketpair", SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
}

void walls_calls(bool paths, bool scoped, char *missing, size_t room) {
  filter f = {.context = seccomp_init(SCMP_ACT_ERRNO(EPERM)), .fine = true};
  if (!f.context) {
    walls_lack(missing, room, "seccomp: out of memory: every system call is possible");
    return;
  }
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) rule(&f, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) rule(&f, SCMP_ACT_ERRNO(ENOSYS), unknown[i], 0, NULL);
  allow_files(&f);
  allow_memory(&f);
  allow_processes(&f, paths, scoped);
  allow_questions(&f);
  if (!f.fine || seccomp_load(f.context) != 0)
    walls_lack(missing, room, "no seccomp: networks, other processes and every system call are possible");
  else if (!scoped)
    walls_lack(missing, room,
               "Landlock cannot scope signals: none can be sent, so a program that reads HDF5 ends late");
  seccomp_release(f.context);
}

#else

void walls_calls(bool paths, bool scoped, char *missing, size_t room) {
  (void)paths, (void)scoped;
  walls_lack(missing, room,
             "no seccomp, for which this build lacks libseccomp: networks, other processes and every "
             "system call are possible");
}
#endif
