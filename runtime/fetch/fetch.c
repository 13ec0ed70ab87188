/* fetch.c: see fetch.h. Only this file knows libcurl. */
#include "fetch/fetch.h"

#include <curl/curl.h>
#include <string.h>
#include <unistd.h>

typedef struct transfer {
  const lm_fetch_request *request;
  lm_fetch_result *result;
  CURL *curl;
  bool begun, failed;
  char range[32];
} transfer;

static void fail(lm_fetch_result *r, const char *text) { snprintf(r->text, sizeof r->text, "%s", text); }

/* Before the first byte is written: does the answer begin where it was asked to? */
static bool begin(transfer *t) {
  t->begun = true;
  curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->result->status);
  if (t->result->status == 206 || t->request->from == 0) return true;
  if (t->result->status != 200) return false;
  t->result->from_start = true; /* no ranges here: the whole file comes */
  rewind(t->request->to);
  return ftruncate(fileno(t->request->to), 0) == 0;
}

static size_t write_piece(char *bytes, size_t size, size_t n, void *context) {
  transfer *t = context;
  n *= size;
  if (!t->begun && !begin(t)) {
    t->failed = true;
    return 0;
  }
  const int64_t before = t->result->from_start ? 0 : t->request->from;
  if (before + t->result->written + (int64_t)n > t->request->limit) {
    snprintf(t->result->text, sizeof t->result->text, "more than the %lld bytes that the file has",
             (long long)t->request->limit);
    return 0;
  }
  if (fwrite(bytes, 1, n, t->request->to) != n) {
    fail(t->result, "cannot write: the disk is full, or the file may not grow");
    return 0;
  }
  t->result->written += (int64_t)n;
  return n;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now) {
  transfer *t = context;
  (void)up_total, (void)up_now;
  if (!t->request->progress) return 0;
  const int64_t before = t->result->from_start ? 0 : t->request->from;
  if (t->request->progress(t->request->context, before + (int64_t)now, total ? before + (int64_t)total : 0)) return 0;
  t->result->stopped = true;
  return 1;
}

static void set_options(transfer *t) {
  CURL *c = t->curl;
  curl_easy_setopt(c, CURLOPT_URL, t->request->url);
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(c, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 20L);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)t->request->stall);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_USERAGENT, "lamina");
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, write_piece);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
  curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
  if (t->request->from > 0) { /* as a range: for RESUME_FROM a server without ranges is an error */
    snprintf(t->range, sizeof t->range, "%lld-", (long long)t->request->from);
    curl_easy_setopt(c, CURLOPT_RANGE, t->range);
  }
}

static void explain(transfer *t, CURLcode code, const char *detail) {
  lm_fetch_result *r = t->result;
  curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &r->status);
  if (r->text[0]) return;
  if (code == CURLE_HTTP_RETURNED_ERROR || t->failed)
    snprintf(r->text, sizeof r->text, "the server answers %ld", r->status);
  else if (code == CURLE_OPERATION_TIMEDOUT)
    snprintf(r->text, sizeof r->text, "nothing has come for %d seconds", t->request->stall);
  else if (code == CURLE_PARTIAL_FILE)
    fail(r, "the connection ended before the file did");
  else
    fail(r, detail[0] ? detail : curl_easy_strerror(code));
}

static void get(const lm_fetch_request *request, lm_fetch_result *result) {
  static bool ready;
  char detail[CURL_ERROR_SIZE] = "";
  memset(result, 0, sizeof *result);
  if (!ready) ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  transfer t = {.request = request, .result = result, .curl = ready ? curl_easy_init() : NULL};
  if (!t.curl) {
    fail(result, "libcurl does not start");
    return;
  }
  set_options(&t);
  curl_easy_setopt(t.curl, CURLOPT_ERRORBUFFER, detail);
  const CURLcode code = curl_easy_perform(t.curl);
  if (code != CURLE_OK) explain(&t, code, detail);
  if (fflush(request->to) != 0 && !result->text[0]) fail(result, "cannot write: the disk is full");
  curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &result->status);
  curl_easy_cleanup(t.curl);
}

__attribute__((visibility("default"))) extern const lm_fetch_table lm_fetch_api;
const lm_fetch_table lm_fetch_api = {LM_FETCH_VERSION, get};
