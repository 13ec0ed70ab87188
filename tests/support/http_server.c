/* http_server.c: a small HTTP server for the tests of downloads, on 127.0.0.1, that can misbehave.
 *
 * usage: http_server FOLDER REQUESTS. Prints its port, serves so many requests and ends. The first part of a path
 * says how: /ok/NAME (with ranges), /norange/NAME, /cut/NAME (the connection ends half way), /stall/NAME (half, then
 * nothing), /lie/NAME (other bytes of the same number), /long/NAME (more bytes than there are), /again/NAME (sends on
 * to /ok/NAME), /loop/NAME (sends on to itself), /other/NAME (sends on to a file: address), /gone/NAME (404). Every
 * request line and its Range go to stderr. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char folder[1024];

static void put(int to, const char *bytes, size_t n) {
  while (n) {
    ssize_t sent = send(to, bytes, n, MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes += sent;
    n -= (size_t)sent;
  }
}

static void put_text(int to, const char *text) { put(to, text, strlen(text)); }

/* The bytes of a file of the folder, with malloc; *n: how many. */
static char *read_file(const char *name, size_t *n) {
  char path[2048];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  fseek(f, 0, SEEK_END);
  *n = (size_t)ftell(f);
  rewind(f);
  char *bytes = malloc(*n + 1);
  if (bytes && fread(bytes, 1, *n, f) != *n) *n = 0;
  fclose(f);
  return bytes;
}

static void head(int to, int status, size_t length, size_t from, size_t all) {
  char text[256], range[128] = "";
  if (status == 206) snprintf(range, sizeof range, "Content-Range: bytes %zu-%zu/%zu\r\n", from, all - 1, all);
  snprintf(text, sizeof text, "HTTP/1.1 %d x\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n", status, length,
           range);
  put_text(to, text);
}

static void send_on(int to, const char *where, const char *name) {
  char text[2304];
  snprintf(text, sizeof text, "HTTP/1.1 302 x\r\nLocation: %s%s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
           where, name);
  put_text(to, text);
}

static void serve_file(int to, const char *how, const char *name, size_t from) {
  size_t n = 0;
  char *bytes = read_file(name, &n);
  if (!bytes || !strcmp(how, "gone")) {
    head(to, 404, 0, 0, 0);
  } else if (from > 0 && from >= n && strcmp(how, "norange") != 0) {
    head(to, 416, 0, 0, 0);
  } else {
    if (!strcmp(how, "norange")) from = 0;
    if (!strcmp(how, "lie"))
      for (size_t i = 0; i < n; i++) bytes[i] = (char)~bytes[i];
    const size_t left = n - from, half = left / 2;
    const int broken = !strcmp(how, "cut") || !strcmp(how, "stall"), more = !strcmp(how, "long");
    head(to, from ? 206 : 200, left + (more ? 1000000 : 0), from, n);
    put(to, bytes + from, broken ? half : left);
    for (int i = 0; more && i < 1000000; i += 1000) put(to, folder, 1000);
    if (!strcmp(how, "stall")) sleep(5);
  }
  free(bytes);
}

static void answer(int to) {
  char text[4096], how[32] = "", name[1024] = "";
  ssize_t n = 0;
  while (n < (ssize_t)sizeof text - 1) {
    ssize_t got = recv(to, text + n, sizeof text - 1 - (size_t)n, 0);
    if (got <= 0) break;
    n += got;
    text[n] = 0;
    if (strstr(text, "\r\n\r\n")) break;
  }
  text[n > 0 ? n : 0] = 0;
  if (sscanf(text, "GET /%31[^/]/%1023[^ /]", how, name) != 2) return;
  const char *range = strstr(text, "Range: bytes=");
  const size_t from = range ? strtoul(range + 13, NULL, 10) : 0;
  fprintf(stderr, "%s %s %zu\n", how, name, from);
  if (!strcmp(how, "again"))
    send_on(to, "/ok/", name);
  else if (!strcmp(how, "loop"))
    send_on(to, "/loop/", name);
  else if (!strcmp(how, "other"))
    send_on(to, "file:///etc/", name);
  else
    serve_file(to, how, name, from);
}

int main(int argc, char **argv) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  if (argc != 3) return 2;
  signal(SIGPIPE, SIG_IGN);
  alarm(60); /* a test that fails leaves nothing running */
  snprintf(folder, sizeof folder, "%s", argv[1]);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&at, size) || listen(listener, 8)) return 1;
  getsockname(listener, (struct sockaddr *)&at, &size);
  printf("%d\n", ntohs(at.sin_port));
  fflush(stdout);
  for (int i = atoi(argv[2]); i > 0; i--) {
    const int to = accept(listener, NULL, NULL);
    if (to < 0) return 1;
    answer(to);
    shutdown(to, SHUT_WR);
    close(to);
  }
  return 0;
}
