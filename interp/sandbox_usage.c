/* sandbox_usage.c: see sandbox_usage.h. */
#define _GNU_SOURCE
#include "sandbox_usage.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the folder ------------------------------------------------------------------------------------------------ */

static usage *seen; /* nftw hands nothing through */

static int add_file(const char *path, const struct stat *info, int kind, struct FTW *at) {
  (void)path, (void)at;
  seen->files++;
  if (kind == FTW_F) seen->bytes += (int64_t)info->st_blocks * 512;
  if (kind == FTW_DNR || (kind == FTW_NS && seen->files > 1)) seen->hidden = true;
  return 0;
}

void usage_of_folder(usage *u, const char *folder) {
  u->files = u->bytes = 0;
  u->hidden = false;
  seen = u;
  nftw(folder, add_file, 16, FTW_PHYS);
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
