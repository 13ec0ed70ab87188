/* lua_terminal.c: the terminal that a person sits at: its size, questions to it, pictures in it:
 * require "lamina.core.terminal". */
#include "bind.h"
#include "own.h"

#include "base/clock.h"
#include "base/memory.h"
#include "image/sixel.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* What a variable of the environment says of a terminal that does not know its own size. */
static long from_environment(const char *name, long otherwise) {
  const char *text = getenv(name);
  const long n = text ? strtol(text, NULL, 10) : 0;
  return n > 0 && n < 10000 ? n : otherwise;
}

static int terminal_size(lua_State *L) {
  struct winsize size = {0};
  for (int fd = 0; fd <= 2 && size.ws_col == 0; fd++)
    if (ioctl(fd, TIOCGWINSZ, &size) != 0) memset(&size, 0, sizeof size);
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, size.ws_col ? size.ws_col : from_environment("COLUMNS", 80));
  lua_setfield(L, -2, "columns");
  lua_pushinteger(L, size.ws_row ? size.ws_row : from_environment("LINES", 24));
  lua_setfield(L, -2, "rows");
  lua_pushinteger(L, size.ws_xpixel);
  lua_setfield(L, -2, "width");
  lua_pushinteger(L, size.ws_ypixel);
  lua_setfield(L, -2, "height");
  return 1;
}

/* What the terminal answers until a byte `last` has come, `seconds` have passed, or `size` is full. */
static size_t read_answer(char *out, size_t size, char last, double seconds) {
  size_t n = 0;
  const double end = lm_clock() + seconds;
  while (n < size) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    const double left = end - lm_clock();
    if (left <= 0 || poll(&input, 1, (int)(1e3 * left) + 1) <= 0) break;
    if (read(STDIN_FILENO, out + n, 1) != 1) break;
    if (out[n++] == last) break;
  }
  return n;
}

/* ask(question, last, seconds) -> what the terminal answers. */
static int terminal_ask(lua_State *L) {
  const char *question = bind_text(L, 1, "ask: the question");
  const char *last = bind_text(L, 2, "ask: the last byte");
  const double seconds = bind_real(L, 3, "ask: seconds");
  struct termios before, raw;
  char answer[512];
  size_t n = 0;
  if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0) {
    raw = before;
    raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    const size_t length = strlen(question);
    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0) {
      if (write(STDOUT_FILENO, question, length) == (ssize_t)length)
        n = read_answer(answer, sizeof answer, last[0], seconds);
      tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    }
  }
  lua_pushlstring(L, answer, n);
  return 1;
}

/* quietly(f): calls f while writing to a pipe that nobody reads any more is an error, not the end of the process. */
static int terminal_quietly(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  struct sigaction ignore, before;
  memset(&ignore, 0, sizeof ignore);
  ignore.sa_handler = SIG_IGN;
  sigemptyset(&ignore.sa_mask);
  sigaction(SIGPIPE, &ignore, &before);
  lua_settop(L, 1);
  const int status = lua_pcall(L, 0, 0, 0);
  sigaction(SIGPIPE, &before, NULL);
  return status == LUA_OK ? 0 : lua_error(L);
}

static void free_pointer(void *address) { lm_free(*(void **)address); }

/* sixel(image) -> text */
static int terminal_sixel(lua_State *L) {
  lm_tensor *image = bind_tensor(L, 1, "sixel: the image");
  char **text = own_new(L, sizeof *text, free_pointer);
  size_t size = 0;
  lm_err err = {0};
  bind_check(L, lm_sixel(text, &size, image, &err), &err);
  lua_pushlstring(L, *text, size);
  own_free(L, -2);
  return 1;
}

/* editor() -> what edits lines at the prompt, or nil where they are plain ones */
static int terminal_editor(lua_State *L) {
#ifdef LM_HAVE_READLINE
  lua_pushliteral(L, "GNU readline");
#else
  lua_pushnil(L);
#endif
  return 1;
}

static const luaL_Reg functions[] = {{"size", terminal_size},   {"editor", terminal_editor},
                                     {"ask", terminal_ask},     {"quietly", terminal_quietly},
                                     {"sixel", terminal_sixel}, {NULL, NULL}};

static const bind_doc docs[] = {
    {"terminal.size", "lamina.core.terminal.size() -> table",
     "columns and rows of the terminal (where it does not tell: COLUMNS and LINES of the environment, else 80 and "
     "24), "
     "width and height in pixels (0: unknown)."},
    {"terminal.editor", "lamina.core.terminal.editor() -> string",
     "The library by which lines are edited and completed at the prompt; nil where the build has none."},
    {"terminal.ask", "lamina.core.terminal.ask(question, last, seconds) -> string",
     "Writes the question to the terminal and returns what it answers, up to the byte `last` or until the seconds "
     "have "
     "passed; \"\" where input or output is no terminal."},
    {"terminal.quietly", "lamina.core.terminal.quietly(f)",
     "Calls f(); a pipe whose reader has gone does not end the process meanwhile."},
    {"terminal.sixel", "lamina.core.terminal.sixel(image) -> string",
     "A picture as the text that shows it in a terminal with DEC sixel graphics: image is uint8, 3 x height x width; "
     "216 colours."},
    {NULL, NULL, NULL}};

int bind_open_terminal(lua_State *L) {
  bind_document(L, docs);
  luaL_newlib(L, functions);
  return 1;
}
