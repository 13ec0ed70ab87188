/* editor.c: reading lines; see editor.h. Only this file knows readline.
 *
 * Readline is driven through its callback interface, so that waiting is ours: SIGINT is blocked except while pselect
 * waits, and no signal can fall between the test for it and the wait. The locale is the user's only while a line is
 * read; everywhere else it stays "C". */
#include "editor.h"

#include "base/parallel.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A line by getline, for input that is no terminal and for builds without readline. */
static editor_result read_plain(const char *prompt, char **line) {
  size_t capacity = 0;
  *line = NULL;
  if (isatty(STDIN_FILENO)) fputs(prompt, stdout);
  fflush(stdout);
  errno = 0;
  ssize_t n = getline(line, &capacity, stdin);
  if (n >= 0) {
    if (n && (*line)[n - 1] == '\n') (*line)[n - 1] = 0;
    return EDITOR_LINE;
  }
  int cause = errno;
  free(*line);
  *line = NULL;
  if (cause == EINTR) {
    clearerr(stdin);
    return EDITOR_INTERRUPTED;
  }
  return cause == ENOMEM ? EDITOR_FAILED : EDITOR_END;
}

#ifdef LM_HAVE_READLINE

#include <dirent.h>
#include <fcntl.h>
#include <locale.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <time.h>
#include <wchar.h>

#include <readline/history.h>
#include <readline/readline.h>

enum { HISTORY_ENTRIES = 5000, SPARE_ENTRIES = 500 };

static editor_help helper;
static bool opened;

/* ---- history -------------------------------------------------------------------------------------------------- */

/* $XDG_STATE_HOME/lamina/history, else ~/.lamina_history; false where neither can be named. */
static bool history_path(char *out, size_t size) {
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  int n = -1;
  if (state && *state) {
    snprintf(out, size, "%s/lamina", state);
    mkdir(state, 0700);
    mkdir(out, 0700);
    n = snprintf(out, size, "%s/lamina/history", state);
  } else if (home && *home) {
    n = snprintf(out, size, "%s/.lamina_history", home);
  }
  return n > 0 && (size_t)n < size - 16;
}

/* Removes what sessions that were killed while they shortened the history have left beside it: PATH.PID, and
 * PATH.PID-....tmp of readline's own, where no such process runs any more (and, should it run on another machine, not
 * those of this minute). */
static void remove_leftovers(const char *path) {
  char folder[4096], other[4096 + 300];
  const char *slash = strrchr(path, '/');
  if (!slash || (size_t)(slash - path) >= sizeof folder) return;
  snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
  const char *name = slash + 1;
  const size_t length = strlen(name);
  DIR *entries = opendir(*folder ? folder : "/");
  for (struct dirent *e; entries && (e = readdir(entries));) {
    char *end;
    if (strncmp(e->d_name, name, length) != 0 || e->d_name[length] != '.') continue;
    const long pid = strtol(e->d_name + length + 1, &end, 10);
    const bool ours = !*end || (*end == '-' && strlen(end) > 4 && !strcmp(end + strlen(end) - 4, ".tmp"));
    if (pid <= 0 || !ours || kill((pid_t)pid, 0) == 0 || errno != ESRCH) continue;
    struct stat about;
    snprintf(other, sizeof other, "%s/%s", folder, e->d_name);
    if (stat(other, &about) == 0 && time(NULL) - about.st_mtime > 60) unlink(other);
  }
  if (entries) closedir(entries);
}

/* Leaves the last HISTORY_ENTRIES in the file, once it holds SPARE_ENTRIES more. */
static void shorten_history(const char *path) {
  char other[4096 + 32];
  if (history_length < HISTORY_ENTRIES + SPARE_ENTRIES) return;
  stifle_history(HISTORY_ENTRIES);
  unstifle_history();
  snprintf(other, sizeof other, "%s.%ld", path, (long)getpid());
  int file = open(other, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (file < 0) return;
  close(file);
  if (write_history(other) != 0 || rename(other, path) != 0) unlink(other);
}

/* Adds an entry to the file at once, in one write, so that neither a session beside this one nor the end of this one
 * by a signal loses any. */
static void append_entry(const char *entry) {
  char path[4096];
  const size_t size = strlen(entry) + 32;
  char *text = history_path(path, sizeof path) ? malloc(size) : NULL;
  const int file = text ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
  if (file >= 0) {
    const int n = snprintf(text, size, "#%lld\n%s\n", (long long)time(NULL), entry);
    const ssize_t written = write(file, text, (size_t)n);
    (void)written; /* a history that cannot be kept is no reason to stop */
    close(file);
  }
  free(text);
}

void editor_remember(const char *entry) {
  HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;
  if (!opened || !*entry || (last && !strcmp(last->line, entry))) return;
  add_history(entry);
  append_entry(entry);
}

/* ---- completion ------------------------------------------------------------------------------------------------ */

/* Readline's form of a list of matches: their common beginning first. */
static char **matches_of(const char *word, int start, int end) {
  (void)end;
  char quote = start ? rl_line_buffer[start - 1] : 0;
  char *before = strndup(rl_line_buffer, (size_t)start);
  char **list = before ? helper.complete(helper.context, word, before) : NULL;
  size_t n = 0, common = 0;
  free(before);
  rl_completion_append_character = 0;
  rl_attempted_completion_over = quote != '"' && quote != '\''; /* else it may be the name of a file */
  rl_sort_completion_matches = 1;
  if (!list || !list[0]) {
    free(list);
    return NULL;
  }
  rl_attempted_completion_over = 1;
  rl_sort_completion_matches = 0; /* options come before other names */
  common = strlen(list[0]);
  for (n = 1; list[n]; n++) {
    size_t same = 0;
    while (same < common && list[n][same] == list[0][same]) same++;
    common = same;
  }
  char **matches = calloc(n + 2, sizeof *matches);
  char *first = strndup(list[0], common);
  if (matches && first && n == 1) {
    matches[0] = list[0];
    free(first);
  } else if (matches && first) {
    matches[0] = first;
    memcpy(matches + 1, list, n * sizeof *list);
  }
  free(list);
  return matches;
}

/* ---- colour ---------------------------------------------------------------------------------------------------- */

static const char *shown_prompt;

/* How many columns a text takes; -1 where it has anything but characters of one column each. */
static long columns_of(const char *text, size_t size) {
  mbstate_t state;
  wchar_t c;
  long n = 0;
  memset(&state, 0, sizeof state);
  while (size) {
    size_t used = mbrtowc(&c, text, size, &state);
    if (used == 0 || used > size || wcwidth(c) != 1) return -1;
    text += used;
    size -= used;
    n++;
  }
  return n;
}

/* Readline has drawn the line; now it is drawn over in colour, the cursor put back where it was. Where the two could
 * disagree about the place of a character (searching, wide characters, a full last row) it stays as it is. (A
 * redisplay function of our own is no way: for one, readline takes the terminal to be dumb.) */
static void paint_line(void) {
  int rows, columns;
  if (!helper.paint || !shown_prompt || RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_COMPLETING)) return;
  if (rl_display_prompt != shown_prompt && strcmp(rl_display_prompt, shown_prompt) != 0) return;
  rl_get_screen_size(&rows, &columns);
  const long prompt = columns_of(shown_prompt, strlen(shown_prompt));
  const long all = columns_of(rl_line_buffer, (size_t)rl_end);
  const long before = columns_of(rl_line_buffer, (size_t)rl_point);
  if (prompt < 0 || all <= 0 || before < 0 || columns < 8 || (prompt + all) % columns == 0) return;
  if ((prompt + all) / columns >= rows) return; /* its beginning has left the screen */
  char *painted = helper.paint(helper.context, rl_line_buffer);
  if (!painted || strcmp(painted, rl_line_buffer) == 0) { /* nothing in it has a colour */
    free(painted);
    return;
  }
  const long up = (prompt + before) / columns;
  fputs("\0337\r", rl_outstream);
  if (up) fprintf(rl_outstream, "\033[%ldA", up);
  fprintf(rl_outstream, "\033[%ldC%s\033[0m\0338", prompt, painted);
  fflush(rl_outstream);
  free(painted);
}

/* ---- lines ----------------------------------------------------------------------------------------------------- */

static char *finished_line;
static bool finished;

static void on_line(char *line) {
  finished = true;
  finished_line = line;
  rl_callback_handler_remove();
}

static void abandon_line(void) {
  rl_echo_signal_char(SIGINT);
  rl_free_line_state();
  rl_callback_sigcleanup();
  rl_replace_line("", 0);
  rl_callback_handler_remove();
  fputs("\n", rl_outstream);
  fflush(rl_outstream);
}

static editor_result read_edited(const char *prompt, char **line) {
  sigset_t interrupt, before;
  bool interrupted = false;
  setlocale(LC_CTYPE, "");
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  sigprocmask(SIG_BLOCK, &interrupt, &before);
  finished = false;
  shown_prompt = prompt;
  rl_callback_handler_install(prompt, on_line);
  while (!finished && !interrupted) {
    fd_set input;
    FD_ZERO(&input);
    FD_SET(STDIN_FILENO, &input);
    int n = pselect(STDIN_FILENO + 1, &input, NULL, NULL, NULL, &before);
    if (lm_interrupted()) {
      interrupted = true;
      abandon_line();
    } else if (n > 0) {
      rl_callback_read_char();
      if (!finished) paint_line();
    }
  }
  sigprocmask(SIG_SETMASK, &before, NULL);
  setlocale(LC_CTYPE, "C");
  if (interrupted) return EDITOR_INTERRUPTED;
  *line = finished_line;
  return finished_line ? EDITOR_LINE : EDITOR_END;
}

editor_result editor_read(const char *prompt, char **line) {
  return opened ? read_edited(prompt, line) : read_plain(prompt, line);
}

void editor_open(const editor_help *help) {
  char path[4096];
  if (opened || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) return;
  opened = true;
  helper = *help;
  rl_readline_name = "lamina";
  rl_catch_signals = 0;
  rl_attempted_completion_function = matches_of;
  rl_completer_quote_characters = "\"'";
  rl_completer_word_break_characters = (char *)(unsigned long)" \t\n\"\\'><=;+-*/^~#{}()[],|&";
  rl_variable_bind("enable-bracketed-paste", "on");
  history_comment_char = '#';
  history_write_timestamps = 1; /* so that an entry may have several lines */
  history_multiline_entries = 1;
  if (history_path(path, sizeof path)) {
    remove_leftovers(path);
    clear_history();
    read_history(path);
    shorten_history(path);
  }
}

#else

editor_result editor_read(const char *prompt, char **line) { return read_plain(prompt, line); }
void editor_open(const editor_help *help) { (void)help; }
void editor_remember(const char *entry) { (void)entry; }

#endif
