/* sandbox_usage.c: see sandbox_usage.h. */
#define _GNU_SOURCE
#include "sandbox_usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the folder ------------------------------------------------------------------------------------------------ */

enum { DEEPEST = 64, AGAIN = 8 };

typedef struct walk {
  int64_t files, bytes, most; /* most: files after which it ends */
  bool hidden, missed;        /* missed: a folder went away, or took another name, between being seen and opened */
} walk;

/* Counts what lies in an open folder, which is closed. */
static void count(walk *w, int fd, int depth) {
  struct dirent *entry;
  struct stat info;
  DIR *d = fdopendir(fd);
  if (!d) {
    close(fd);
    w->missed = true;
    return;
  }
  while (w->files <= w->most && (entry = readdir(d)) != NULL) {
    const char *name = entry->d_name;
    if (!strcmp(name, ".") || !strcmp(name, "..") || fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    w->files++;
    if (S_ISREG(info.st_mode)) w->bytes += (int64_t)info.st_blocks * 512;
    if (!S_ISDIR(info.st_mode)) continue;
    const int inner = depth < DEEPEST ? openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (inner >= 0)
      count(w, inner, depth + 1);
    else if (depth < DEEPEST && errno == ENOENT)
      w->missed = true;
    else
      w->hidden = true;
  }
  closedir(d);
}

void usage_of_folder(usage *u, const char *folder, int64_t most) {
  u->files = u->bytes = 0;
  u->hidden = false;
  for (int i = 0; i < AGAIN; i++) { /* names that change all the time must not keep anything from being counted */
    walk w = {.most = most};
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    count(&w, fd, 0);
    if (w.files > u->files) u->files = w.files;
    if (w.bytes > u->bytes) u->bytes = w.bytes;
    u->hidden = u->hidden || w.hidden;
    if (!w.missed || u->files > most) return;
  }
}

/* ---- the processes --------------------------------------------------------------------------------------------- */

/* What files hold that a process (a name in /proc) has open and that no folder names any more. */
static int64_t open_bytes(const char *process) {
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

/* The same of files that it has mapped into memory, as far as they are mapped. */
static int64_t mapped_bytes(const char *process) {
  static const char gone[] = " (deleted)\n";
  char path[64], line[4600];
  int64_t bytes = 0;
  snprintf(path, sizeof path, "/proc/%.20s/maps", process);
  FILE *f = fopen(path, "re");
  while (f && fgets(line, sizeof line, f)) {
    unsigned long long begin, end, inode;
    const size_t n = strlen(line);
    if (n < sizeof gone || strcmp(line + n - (sizeof gone - 1), gone) != 0 || !strchr(line, '/')) continue;
    if (sscanf(line, "%llx-%llx %*s %*s %*s %llu", &begin, &end, &inode) == 3 && inode)
      bytes += (int64_t)(end - begin);
  }
  if (f) fclose(f);
  return bytes;
}

/* The group and the threads of a process (a name in /proc). */
static bool look(const char *process, int *group, int64_t *threads) {
  char path[64], text[1024];
  long long n = 0;
  snprintf(path, sizeof path, "/proc/%.20s/stat", process);
  FILE *f = fopen(path, "re");
  size_t got = f ? fread(text, 1, sizeof text - 1, f) : 0;
  if (f) fclose(f);
  text[got] = 0;
  const char *end = strrchr(text, ')'); /* the name may hold anything */
  if (!end) return false;
  const int read =
      sscanf(end + 1, " %*c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %lld", group, &n);
  *threads = n;
  return read == 2;
}

int64_t usage_threads(pid_t process) {
  char name[24];
  int group;
  int64_t threads;
  snprintf(name, sizeof name, "%d", (int)process);
  return look(name, &group, &threads) ? threads : 0;
}

void usage_of_group(usage *u, pid_t group) {
  DIR *d = opendir("/proc");
  struct dirent *entry;
  u->programs = u->threads = u->removed = 0;
  while (d && (entry = readdir(d)) != NULL) {
    int of;
    int64_t threads;
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || !look(entry->d_name, &of, &threads) || of != group)
      continue;
    u->programs++;
    u->threads += threads;
    u->removed += open_bytes(entry->d_name) + mapped_bytes(entry->d_name);
  }
  if (d) closedir(d);
}
