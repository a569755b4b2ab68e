/* SPDX-License-Identifier: Apache-2.0 */
/* The requests, by libcurl. It is opened when there is something to ask: linked in, it and the
 * twenty libraries below it would be loaded at every start of the program. */
#include "harness/system/provider_http.h"

#include <curl/curl.h>
#include <stddef.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/device/dynlib.h"

/* Who is a step away takes a call within a millisecond and answers in a few. */
#define CONNECT_S 0.5
#define REQUEST_S 1.0 /* with the connection */

struct calls {
    CURLcode (*global_init)(long flags);
    void (*global_cleanup)(void);
    CURL *(*easy_init)(void);
    CURLcode (*setopt)(CURL *easy, CURLoption option, ...);
    CURLcode (*getinfo)(CURL *easy, CURLINFO info, ...);
    const char *(*error_text)(CURLcode code);
    void (*easy_cleanup)(CURL *easy);
    struct curl_slist *(*list_add)(struct curl_slist *list, const char *line);
    void (*list_free)(struct curl_slist *list);
    CURLM *(*multi_init)(void);
    CURLMcode (*add)(CURLM *multi, CURL *easy);
    CURLMcode (*remove)(CURLM *multi, CURL *easy);
    CURLMcode (*perform)(CURLM *multi, int *running);
    CURLMcode (*wait)(CURLM *multi, struct curl_waitfd *more, unsigned count, int ms, int *ready);
    CURLMsg *(*read)(CURLM *multi, int *left);
    CURLMcode (*multi_cleanup)(CURLM *multi);
};

#define AT(member) offsetof(struct calls, member)

static const struct mlb_symbol symbols[] = {
    {"curl_global_init", AT(global_init), false},
    {"curl_global_cleanup", AT(global_cleanup), false},
    {"curl_easy_init", AT(easy_init), false},
    {"curl_easy_setopt", AT(setopt), false},
    {"curl_easy_getinfo", AT(getinfo), false},
    {"curl_easy_strerror", AT(error_text), false},
    {"curl_easy_cleanup", AT(easy_cleanup), false},
    {"curl_slist_append", AT(list_add), false},
    {"curl_slist_free_all", AT(list_free), false},
    {"curl_multi_init", AT(multi_init), false},
    {"curl_multi_add_handle", AT(add), false},
    {"curl_multi_remove_handle", AT(remove), false},
    {"curl_multi_perform", AT(perform), false},
    {"curl_multi_wait", AT(wait), false},
    {"curl_multi_info_read", AT(read), false},
    {"curl_multi_cleanup", AT(multi_cleanup), false},
    {NULL, 0, false},
};

/* Debian has the same interface over two TLS libraries, of which nothing is used here. */
static const char *const sonames[] = {"libcurl.so.4", "libcurl-gnutls.so.4", NULL};

static const struct mlb_library library = {
    .name = "libcurl",
    .sonames = sonames,
    .symbols = symbols,
    .advice = "install libcurl4 (libcurl)",
};

struct transfer {
    CURL *easy;
    struct curl_slist *lines;
    struct mlb_http_answer *answer;
    size_t received;
    bool binary; /* a zero byte: no service's text has one */
};

/* Anything but `count` ends the transfer with an error, as an answer that is too long should. */
static size_t take_body(char *data, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;
    size_t bytes = size * count;
    transfer->received += bytes;
    transfer->binary = transfer->binary || memchr(data, '\0', bytes);
    if (transfer->received > MLB_HTTP_LIMIT || transfer->binary)
        return 0;
    mlb_text_addf(&transfer->answer->body, "%.*s", (int)bytes, data);
    return bytes;
}

static size_t take_header(char *data, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;
    mlb_http_header(data, size * count, transfer->answer);
    return size * count;
}

static long left_ms(double until_s, double most_s)
{
    double left_s = until_s - mlb_clock_s();
    left_s = left_s > most_s ? most_s : left_s;
    return left_s > 1e-3 ? (long)(left_s * 1e3) : 1;
}

/* Redirects are off from the start: whoever answers with one is not the service. */
static bool prepare(const struct calls *curl, const struct mlb_http_request *request,
                    double until_s, struct transfer *transfer)
{
    if (!(transfer->easy = curl->easy_init()))
        return false;
    CURL *easy = transfer->easy;
    long connect_ms = left_ms(until_s, CONNECT_S), ms = left_ms(until_s, REQUEST_S);
    bool good = curl->setopt(easy, CURLOPT_URL, request->url) == CURLE_OK &&
                curl->setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
                curl->setopt(easy, CURLOPT_NOPROXY, "*") == CURLE_OK &&
                curl->setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                curl->setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK &&
                curl->setopt(easy, CURLOPT_TIMEOUT_MS, ms) == CURLE_OK &&
                curl->setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
                curl->setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
                curl->setopt(easy, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
                curl->setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
                curl->setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK;
    if (request->put) /* and no body: as AWS writes it down, curl -X PUT */
        good = good && curl->setopt(easy, CURLOPT_CUSTOMREQUEST, "PUT") == CURLE_OK;
    if (request->header[0])
        transfer->lines = curl->list_add(NULL, request->header);
    return good && (!request->header[0] || transfer->lines) &&
           curl->setopt(easy, CURLOPT_HTTPHEADER, transfer->lines) == CURLE_OK;
}

/* A transfer that ended: its code counts only when the whole answer came. */
static void finish(const struct calls *curl, CURLMsg *message)
{
    struct transfer *transfer = NULL;
    long code = 0;
    if (message->msg != CURLMSG_DONE ||
        curl->getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer) != CURLE_OK)
        return;
    struct mlb_http_answer *answer = transfer->answer;
    if (transfer->received > MLB_HTTP_LIMIT)
        mlb_format(answer->why, sizeof answer->why, "over %d bytes", MLB_HTTP_LIMIT);
    else if (transfer->binary)
        mlb_format(answer->why, sizeof answer->why, "not a text");
    else if (message->data.result != CURLE_OK || answer->body.failed)
        mlb_format(answer->why, sizeof answer->why, "%s", curl->error_text(message->data.result));
    else if (curl->getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &code) == CURLE_OK)
        answer->code = (int)code;
}

static void perform(const struct calls *curl, CURLM *multi)
{
    int running = 1, left;
    while (running > 0 && curl->perform(multi, &running) == CURLM_OK)
        if (running > 0 && curl->wait(multi, NULL, 0, 50, NULL) != CURLM_OK)
            break;
    for (CURLMsg *message; (message = curl->read(multi, &left));)
        finish(curl, message);
}

static void exchange(const struct calls *curl, CURLM *multi,
                     const struct mlb_http_request *requests, struct mlb_http_answer *answers,
                     size_t count, double until_s, struct transfer *transfers)
{
    for (size_t i = 0; i < count; i++) {
        transfers[i].answer = &answers[i];
        mlb_format(answers[i].why, sizeof answers[i].why, "not asked");
        if (prepare(curl, &requests[i], until_s, &transfers[i]))
            curl->add(multi, transfers[i].easy);
    }
    perform(curl, multi);
    for (size_t i = 0; i < count; i++) {
        curl->remove(multi, transfers[i].easy);
        curl->easy_cleanup(transfers[i].easy);
        curl->list_free(transfers[i].lines);
    }
}

enum mlb_status mlb_http_exchange(const struct mlb_http_request *requests,
                                  struct mlb_http_answer *answers, size_t count, double until_s,
                                  struct mlb_error *err)
{
    enum { MOST = 64 };
    struct transfer transfers[MOST] = {0};
    struct mlb_dynlib opened;
    struct calls curl;
    CURLM *multi;
    if (count > MOST)
        return mlb_fail(err, MLB_E_USAGE, "libcurl: %zu requests, at most %d", count, MOST);
    if (mlb_dynlib_open(&opened, &library, NULL, &curl, err) != MLB_OK)
        return err->status;
    /* No TLS is used, and to make it ready takes long. */
    if (curl.global_init(CURL_GLOBAL_NOTHING) != CURLE_OK || !(multi = curl.multi_init())) {
        mlb_dynlib_close(&opened);
        return mlb_fail(err, MLB_E_NOMEM, "libcurl: cannot start: out of memory");
    }
    exchange(&curl, multi, requests, answers, count, until_s, transfers);
    curl.multi_cleanup(multi);
    curl.global_cleanup();
    mlb_dynlib_close(&opened);
    return MLB_OK;
}
