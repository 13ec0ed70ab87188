/* native.c: what native code would try that has got into an untrusted script's process, past the interpreter's wall:
 * a Lua module with one function per attempt. Each returns 0 where the kernel let it through, else the errno. None of
 * them does harm where it succeeds. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int result(lua_State *L, long value) {
  lua_pushinteger(L, value < 0 ? errno : 0);
  return 1;
}

/* The result of a call that gives a descriptor, which is closed. */
static int opened(lua_State *L, long fd) {
  int code = fd < 0 ? errno : 0;
  if (fd >= 0) close((int)fd);
  lua_pushinteger(L, code);
  return 1;
}

static int try_fork(lua_State *L) {
  pid_t child = fork();
  if (child == 0) _exit(0);
  if (child > 0) waitpid(child, NULL, 0);
  return result(L, child);
}

/* exec(program) */
static int try_exec(lua_State *L) {
  const char *program = luaL_checkstring(L, 1);
  char *const arguments[] = {(char *)(uintptr_t)program, NULL};
  pid_t child;
  int code = posix_spawn(&child, program, NULL, NULL, arguments, environ);
  if (!code) waitpid(child, NULL, 0);
  lua_pushinteger(L, code);
  return 1;
}

static int try_inet(lua_State *L) { return opened(L, socket(AF_INET, SOCK_STREAM, 0)); }
static int try_udp(lua_State *L) { return opened(L, socket(AF_INET6, SOCK_DGRAM, 0)); }
static int try_unix(lua_State *L) { return opened(L, socket(AF_UNIX, SOCK_STREAM, 0)); }
static int try_netlink(lua_State *L) { return opened(L, socket(AF_NETLINK, SOCK_RAW, 0)); }
static int try_ptrace(lua_State *L) { return result(L, ptrace(PTRACE_PEEKDATA, 999999999, NULL, NULL)); }

static int try_vm_read(lua_State *L) {
  char byte;
  struct iovec own = {&byte, 1}, other = {&byte, 1};
  return result(L, process_vm_readv(getpid(), &own, 1, &other, 1, 0));
}

static int try_signal_parent(lua_State *L) { return result(L, kill(getppid(), 0)); }
static int try_pidfd(lua_State *L) { return opened(L, syscall(434 /* pidfd_open */, getppid(), 0)); }
static int try_session(lua_State *L) { return result(L, setpgid(0, 0)); }
static int try_userns(lua_State *L) { return result(L, unshare(CLONE_NEWUSER)); }
static int try_mount(lua_State *L) { return result(L, mount("none", "/tmp", "nosuchfilesystem", 0, NULL)); }
static int try_chroot(lua_State *L) { return result(L, chroot("/")); }
static int try_memfd(lua_State *L) { return opened(L, syscall(SYS_memfd_create, "x", 0)); }
static int try_userfault(lua_State *L) { return opened(L, syscall(SYS_userfaultfd, 0)); }
static int try_io_uring(lua_State *L) { return result(L, syscall(425 /* io_uring_setup */, 0, NULL)); }
static int try_bpf(lua_State *L) { return result(L, syscall(SYS_bpf, 9999, NULL, 0)); }
static int try_perf(lua_State *L) { return result(L, syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0)); }
static int try_keys(lua_State *L) { return result(L, syscall(SYS_keyctl, 0 /* get_keyring_ID */, -3, 1, 0, 0)); }
static int try_module(lua_State *L) { return result(L, syscall(SYS_finit_module, -1, "", 0)); }
static int try_shm(lua_State *L) { return result(L, syscall(SYS_shmget, 0, 0, 0)); }
static int try_personality(lua_State *L) { return result(L, syscall(SYS_personality, 0xffffffff)); }
static int try_priority(lua_State *L) {
  return result(L, setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0)));
}

static int try_shared_memory(lua_State *L) {
  void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (p != MAP_FAILED) munmap(p, 4096);
  return result(L, p == MAP_FAILED ? -1 : 0);
}

static int try_type_into_terminal(lua_State *L) { return result(L, ioctl(0, TIOCSTI, "x")); }

static int try_limits(lua_State *L) {
  struct rlimit r;
  getrlimit(RLIMIT_CPU, &r);
  r.rlim_max = RLIM_INFINITY;
  return result(L, setrlimit(RLIMIT_CPU, &r));
}

/* read(path), write(path), remove(path), truncate(path), link(path), setuid(path), fifo(path), folder(path) */
static int try_read(lua_State *L) { return opened(L, open(luaL_checkstring(L, 1), O_RDONLY | O_CLOEXEC)); }
static int try_write(lua_State *L) { return opened(L, open(luaL_checkstring(L, 1), O_WRONLY | O_CREAT, 0644)); }
static int try_remove(lua_State *L) { return result(L, unlink(luaL_checkstring(L, 1))); }
static int try_truncate(lua_State *L) { return result(L, truncate(luaL_checkstring(L, 1), 3)); }
static int try_symlink(lua_State *L) { return result(L, symlink("/etc", luaL_checkstring(L, 1))); }
static int try_link(lua_State *L) { return result(L, link(luaL_checkstring(L, 1), luaL_checkstring(L, 2))); }
static int try_rename(lua_State *L) { return result(L, rename(luaL_checkstring(L, 1), luaL_checkstring(L, 2))); }
static int try_fifo(lua_State *L) { return result(L, mkfifo(luaL_checkstring(L, 1), 0600)); }
static int try_mode(lua_State *L) { return result(L, chmod(luaL_checkstring(L, 1), 0777)); }
static int try_mode_open(lua_State *L) {
  int fd = open(luaL_checkstring(L, 1), O_RDONLY);
  return result(L, fd < 0 ? -1 : fchmod(fd, 0644));
}

static int try_affinity(lua_State *L) {
  cpu_set_t set;
  int fine = sched_getaffinity(0, sizeof set, &set);
  return result(L, fine != 0 ? fine : sched_setaffinity(getpid(), sizeof set, &set));
}

static int try_times(lua_State *L) { return result(L, utimensat(AT_FDCWD, luaL_checkstring(L, 1), NULL, 0)); }

static int try_setuid_file(lua_State *L) {
  return opened(L, open(luaL_checkstring(L, 1), O_WRONLY | O_CREAT, 04755));
}

/* blind_folder(path): one that only who is in it can use. */
static int try_blind_folder(lua_State *L) { return result(L, mkdir(luaL_checkstring(L, 1), 0300)); }

static int try_blind_mask(lua_State *L) {
  errno = 0;
  const long before = syscall(SYS_umask, 0700);
  if (before >= 0) umask((mode_t)before);
  return result(L, before);
}

static void *wait_a_second(void *context) {
  sleep(1);
  return context;
}

/* threads(n): so many more at once, for a third of a second; how many there were. */
static int try_threads(lua_State *L) {
  pthread_attr_t attributes;
  pthread_t thread;
  lua_Integer n = luaL_checkinteger(L, 1), made = 0;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 1 << 20);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  while (made < n && pthread_create(&thread, &attributes, wait_a_second, NULL) == 0) made++;
  pthread_attr_destroy(&attributes);
  usleep(300000);
  lua_pushinteger(L, made);
  return 1;
}

static const luaL_Reg attempts[] = {{"fork", try_fork},
                                    {"exec", try_exec},
                                    {"inet", try_inet},
                                    {"udp", try_udp},
                                    {"unix", try_unix},
                                    {"netlink", try_netlink},
                                    {"ptrace", try_ptrace},
                                    {"vm_read", try_vm_read},
                                    {"signal_parent", try_signal_parent},
                                    {"pidfd", try_pidfd},
                                    {"session", try_session},
                                    {"userns", try_userns},
                                    {"mount", try_mount},
                                    {"chroot", try_chroot},
                                    {"memfd", try_memfd},
                                    {"userfault", try_userfault},
                                    {"io_uring", try_io_uring},
                                    {"bpf", try_bpf},
                                    {"perf", try_perf},
                                    {"keys", try_keys},
                                    {"module", try_module},
                                    {"shm", try_shm},
                                    {"personality", try_personality},
                                    {"priority", try_priority},
                                    {"shared_memory", try_shared_memory},
                                    {"type_into_terminal", try_type_into_terminal},
                                    {"limits", try_limits},
                                    {"read", try_read},
                                    {"write", try_write},
                                    {"remove", try_remove},
                                    {"truncate", try_truncate},
                                    {"symlink", try_symlink},
                                    {"link", try_link},
                                    {"rename", try_rename},
                                    {"fifo", try_fifo},
                                    {"mode", try_mode},
                                    {"mode_open", try_mode_open},
                                    {"affinity", try_affinity},
                                    {"times", try_times},
                                    {"setuid_file", try_setuid_file},
                                    {"blind_folder", try_blind_folder},
                                    {"blind_mask", try_blind_mask},
                                    {"threads", try_threads},
                                    {NULL, NULL}};

__attribute__((visibility("default"))) int luaopen_breakout(lua_State *L);

int luaopen_breakout(lua_State *L) {
  luaL_newlib(L, attempts);
  return 1;
}
