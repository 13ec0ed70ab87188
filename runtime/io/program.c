/* program.c: starting and ending a program of our own. */
#define _GNU_SOURCE /* posix_spawn_file_actions_addclosefrom_np */
#include "io/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int spawn(pid_t *process, const char *const arguments[3], int socket, int fd) {
  posix_spawn_file_actions_t actions;
  int code = posix_spawn_file_actions_init(&actions);
  if (code) return code;
  char *const list[] = {(char *)(uintptr_t)arguments[0], (char *)(uintptr_t)arguments[1],
                        (char *)(uintptr_t)arguments[2], NULL};
  code = posix_spawn_file_actions_adddup2(&actions, socket, LM_PROGRAM_SOCKET);
  if (!code && fd >= 0) code = posix_spawn_file_actions_adddup2(&actions, fd, LM_PROGRAM_FILE);
#ifdef __GLIBC__
  if (!code)
    code = posix_spawn_file_actions_addclosefrom_np(&actions, fd >= 0 ? LM_PROGRAM_FILE + 1 : LM_PROGRAM_SOCKET + 1);
#endif
  if (!code) code = posix_spawn(process, list[0], &actions, NULL, list, environ);
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

/* A descriptor that dup2 in the child cannot overwrite before it is used; -1 and errno where there is none. */
static int above(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, LM_PROGRAM_FILE + 1); }

lm_status lm_program_start(lm_program *p, const char *program, const char *first, const char *second, int fd,
                           const char *name, lm_err *e) {
  int pair[2] = {-1, -1}, theirs = -1, file = -1, code = 0;
  p->process = 0;
  lm_channel_start(&p->channel, -1);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) code = errno;
  if (!code && (theirs = above(pair[1])) < 0) code = errno;
  if (!code && fd >= 0 && (file = above(fd)) < 0) code = errno;
  if (!code) code = spawn(&p->process, (const char *const[]){program, first, second}, theirs, file);
  if (code) p->process = 0;
  p->channel.fd = pair[0];
  if (pair[1] >= 0) close(pair[1]);
  if (theirs >= 0) close(theirs);
  if (file >= 0) close(file);
  return code ? lm_fail(e, lm_status_of(code), "%s: cannot start %s: %s", name, program, strerror(code)) : LM_OK;
}

int lm_program_wait(lm_program *p) {
  int how = 0;
  if (!p->process) return 0;
  while (waitpid(p->process, &how, 0) < 0 && errno == EINTR) continue;
  p->process = 0;
  return how;
}

void lm_program_end(lm_program *p) {
  if (p->channel.fd >= 0) close(p->channel.fd);
  p->channel.fd = -1;
  if (p->process) kill(p->process, SIGKILL);
  lm_program_wait(p);
}
