/* A jail that was taken over, and what it may ask for about services: requests, answers, rows,
 * windows, state, tokens, secrets. Native code inside the wall sends calls as no script could;
 * each is refused by its name or does no harm, the run goes on, and a service whose address is
 * open, but not to this source, hears nothing. See test_jail_taken.c for the rest. */
#include "data/json_doc.h"
#include "engine_kit.h"
#include "jail/jail.h"
#include "jail/wall.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define NONCE  "00112233445566778899aabbccddeeff"
#define OWN    "{{secret:" NONCE ":files.key}}"
#define OTHERS "{{secret:" NONCE ":other.key}}"
#define HOST   "{{secret:" NONCE ":@host.token_key}}"
#define VALUE  "s3cret-of-files"
#define RIVAL  "s3cret-of-other"

/* ---- calls ----------------------------------------------------------------------------------
 */

/* JSON, in which PORT stands for that of a service that may not be spoken to, and BIG for a
 * text of 600,000 bytes. refused: class of the error; NULL: an answer; "any": either. */
typedef struct odd_call {
    const char *args, *refused;
} odd_call;

#define REQUEST "\"op\":\"request\",\"instance\":\"files\",\"resource\":\"r\""
#define TO_IT   REQUEST ",\"url\":\"http://127.0.0.1:PORT/x\""
#define CALL(o) "{\"op\":\"" o "\",\"instance\":\"files\",\"resource\":\"r\""

static const odd_call requests[] = {
    {"{" REQUEST "}", "script"},
    {"{\"op\":5}", "script"},
    {"{\"op\":\"request\",\"instance\":\"other\",\"resource\":\"r\",\"url\":\"https://x.y/\"}",
     "script"},
    {"{\"op\":\"request\",\"instance\":5,\"resource\":[],\"url\":\"https://x.y/\"}", "script"},
    {"{" REQUEST ",\"url\":5}", "script"},
    {"{" REQUEST ",\"url\":\"BIG\"}", "any"},
    {"{" REQUEST ",\"url\":\"file:///etc/passwd\"}", "script"},
    {"{" REQUEST ",\"url\":\"gopher://127.0.0.1:PORT/\"}", "script"},
    {"{" REQUEST ",\"url\":\"http:/\\/\"}", "any"},
    {"{" TO_IT "}", "denied"},
    {"{" REQUEST ",\"url\":\"x\",\"base\":\"http://127.0.0.1:PORT\"}", "denied"},
    {"{" REQUEST ",\"url\":\"http://svc.test@127.0.0.1:PORT/\"}", "any"},
    {"{" REQUEST ",\"url\":\"http://svc.test\\r\\nHost: 127.0.0.1:PORT/\"}", "any"},
    {"{" REQUEST ",\"url\":\"http://svc.test\\u0000.127.0.0.1:PORT/\"}", "script"},
    {"{" TO_IT ",\"method\":\"GET\\u0000\"}", "script"},
    {"{" TO_IT ",\"method\":\"GET / HTTP/1.1\\r\\nX: y\"}", "script"},
    {"{" TO_IT ",\"method\":\"get\"}", "script"},
    {"{" TO_IT ",\"method\":\"\"}", "script"},
    {"{" TO_IT ",\"headers\":[[\"A\\r\\nB\",\"c\"]]}", "any"},
    {"{" TO_IT ",\"headers\":[[\"A\",\"b\\r\\nC: d\"]]}", "any"},
    {"{" TO_IT ",\"headers\":[[\"A\"]]}", "script"},
    {"{" TO_IT ",\"headers\":[[1,2]]}", "script"},
    {"{" TO_IT ",\"headers\":[5]}", "script"},
    {"{" TO_IT ",\"headers\":\"A: b\"}", "any"},
    {"{" TO_IT ",\"headers\":[[\"Host\",\"svc.test\"]]}", "any"},
    {"{" TO_IT ",\"headers\":[[\"Transfer-Encoding\",\"chunked\"]]}", "any"},
    {"{" TO_IT ",\"headers\":[[\"X\",\"BIG\"]]}", "any"},
    {"{" TO_IT ",\"query\":[[\"" OTHERS "\",\"1\"]]}", "denied"},
    {"{" TO_IT ",\"body\":\"a\",\"json\":5}", "script"},
    {"{" TO_IT ",\"body\":[]}", "script"},
    {"{" TO_IT ",\"accept\":[\"200\"]}", "script"},
    {"{" TO_IT ",\"deadline_ms\":-1,\"max_bytes\":-1}", "denied"},
    {"{" TO_IT ",\"deadline_ms\":9223372036854775807,\"max_bytes\":9223372036854775807}",
     "denied"},
    {"{" TO_IT ",\"capture\":[1]}", "any"},
    /* Secrets: to where they may not go, another source's, the host's own. */
    {"{" TO_IT ",\"headers\":[[\"A\",\"" OWN "\"]]}", "denied"},
    {"{" REQUEST ",\"url\":\"http://127.0.0.1:PORT/" OWN "\"}", "denied"},
    {"{" REQUEST ",\"url\":\"http://" OWN "/\"}", "any"},
    {"{" REQUEST ",\"url\":\"https://svc.test/\",\"headers\":[[\"A\",\"" OTHERS "\"]]}",
     "denied"},
    {"{" REQUEST ",\"url\":\"https://svc.test/\",\"headers\":[[\"A\",\"" HOST "\"]]}",
     "denied"},
    {"{" REQUEST ",\"url\":\"https://svc.test/\",\"headers\":[[\"A\",\"{{secret:" NONCE
     ":files.none}}\"]]}",
     "script"},
    {"{" TO_IT ",\"headers\":[[\"A\",\"{{secret:" NONCE ":files.\"]]}", "denied"},
};

static const odd_call answers[] = {
    {CALL("wait") ",\"response\":0}", "script"},
    {CALL("wait") ",\"response\":-1}", "script"},
    {CALL("wait") ",\"response\":9223372036854775807}", "script"},
    {CALL("text") ",\"response\":1,\"max\":-5}", "script"},
    {CALL("value") ",\"response\":1,\"path\":5}", "script"},
    {CALL("items") ",\"response\":[],\"path\":\"\"}", "script"},
    {CALL("emit") ",\"response\":1}", "script"},
    {CALL("emit_rows") "}", "script"},
    {CALL("emit_rows") ",\"rows\":5}", "script"},
    {CALL("emit_rows") ",\"rows\":[],\"label\":\"a\\u0000b\"}", "script"},
    {CALL("emit_rows") ",\"rows\":[],\"format\":5}", "script"},
    {CALL("day") ",\"zone\":\"../../etc/passwd\",\"at\":0}", "any"},
    {CALL("day") ",\"zone\":\"/etc/shadow\",\"at\":0}", "any"},
    {CALL("day") ",\"at\":9223372036854775807}", "script"},
    {CALL("day") ",\"at\":1e300}", NULL},
    {CALL("retry") "}", "script"},
    {CALL("nothing of that name") "}", "script"},
    {CALL("") "}", "script"},
    {"[]", "script"},
    {"5", "script"},
};

static const odd_call secrets[] = {
    {CALL("token_put") ",\"name\":\"t\",\"token\":\"x\"}", "script"},
    {CALL("token_fail") ",\"name\":\"t\"}", "script"},
    {CALL("token_drop") ",\"name\":\"../../t\"}", NULL},
    {CALL("token_get") ",\"name\":5}", "script"},
    {CALL("token_get") ",\"name\":\"t\"}", NULL},
    {CALL("token_put") ",\"name\":\"t\",\"token\":\"" OTHERS "\"}", "denied"},
    {CALL("token_get") ",\"name\":\"u\"}", NULL},
    {CALL("token_put") ",\"name\":\"u\",\"token\":\"" OWN "\",\"expires_in\":1e300}", NULL},
    {CALL("derive") "}", "script"},
    {CALL("derive") ",\"kind\":\"base64\",\"text\":5}", "script"},
    {CALL("derive") ",\"kind\":\"base64\",\"text\":\"" OTHERS "\"}", "denied"},
    {CALL("derive") ",\"kind\":\"base64\",\"text\":\"" HOST "\"}", "denied"},
    {CALL("derive") ",\"kind\":\"hmac\",\"key\":\"" OTHERS
                    "\",\"algorithm\":\"sha256\",\"text\":\"\"}",
     "denied"},
    {CALL("derive") ",\"kind\":\"hmac\",\"key\":\"k\",\"algorithm\":\"rot13\",\"text\":\"\"}",
     "script"},
    {CALL("derive") ",\"kind\":\"jwt\",\"key\":\"k\",\"algorithm\":\"none\",\"claims\":{}}",
     "script"},
    {CALL("derive") ",\"kind\":\"jwt\",\"key\":\"k\",\"algorithm\":\"RS256\",\"claims\":[]}",
     "script"},
    {CALL("derive") ",\"kind\":\"field\",\"text\":\"{\\\"a\\\":\\\"" OWN
                    "\\\"}\",\"path\":\"a\"}",
     NULL},
    {CALL("derive") ",\"kind\":\"base64\",\"encoding\":\"raw\",\"text\":\"" OWN "\"}", NULL},
    {CALL("derive") ",\"kind\":\"base64\",\"text\":\"BIG\"}", NULL},
};

/* These leave the stream in a state of its own: each in its own run. */
static const odd_call alone[] = {
    {CALL("emit_rows") ",\"rows\":[5,\"x\",[]]}", "any"},
    {CALL("emit_rows") ",\"rows\":[{\"\":1,\"a\\u0000\":2,\"BIG\":3}]}", "any"},
    {CALL("emit_rows") ",\"rows\":[{\"a\":\"\\u0000\"}],\"position\":{\"a\":\"BIG\"}}", "any"},
    {CALL("emit_rows") ",\"rows\":[{\"id\":1}],\"distinct\":\"nothing\"}", "any"},
    {CALL("window_end") "}", "any"},
    {CALL("window_end") ",\"cursor\":5}", "any"},
    {CALL("window_restart") "}", "script"},
    {CALL("window_restart") ",\"name\":5}", "script"},
    {CALL("window_restart") ",\"name\":\"BIG\"}", "any"},
    {CALL("window_begin") "}", "any"},
    {CALL("window_begin") ",\"name\":5}", "any"},
    {CALL("window_begin") ",\"name\":\"BIG\"}", "any"},
    {CALL("window_begin") ",\"name\":\"w\",\"from\":\"yesterday\",\"until\":\"'; drop\"}",
     "any"},
    {CALL("window_begin") ",\"name\":\"w\",\"bounds\":[[[[{\"a\":null}]]]],\"closed\":true}",
     "any"},
    {CALL("window_begin") ",\"name\":\"w\",\"first_day\":\"2026-13-45\",\"last_day\":[]}",
     "any"},
    {CALL("state") ",\"x\":1}", "any"},
};

/* ---- the jail's part ------------------------------------------------------------------------
 */

static char port[16];

static char *with_words(const char *json, size_t *len)
{
    size_t size = strlen(json) + 700000, at = 0;
    char *text = malloc(size);
    if (text == NULL) _exit(99);
    for (const char *p = json; *p != '\0';) {
        if (strncmp(p, "PORT", 4) == 0) {
            memcpy(text + at, port, strlen(port));
            at += strlen(port);
            p += 4;
        } else if (strncmp(p, "BIG", 3) == 0) {
            memset(text + at, 'x', 600000);
            at += 600000;
            p += 3;
        } else {
            text[at++] = *p++;
        }
    }
    *len = at;
    return text;
}

static void say(hostile *h, const char *what, const char *args)
{
    char text[700];
    (void)snprintf(text, sizeof text, "%s: %.500s", what, args);
    hj_send(h, EH_FRAME_LOG, ek_map(h->arena, "level", "error", "message", text, NULL));
}

static void ask(hostile *h, const odd_call *call)
{
    size_t len;
    char *json = with_words(call->args, &len);
    const eh_doc *args = NULL;
    if (!eh_json_to_doc(eh_slice_of(json, len), h->arena, &args, NULL) || args == NULL)
        _exit(98);
    free(json);
    hj_send(h, EH_FRAME_CALL, args);
    const eh_doc *reply = hj_next(h);
    const eh_doc *error = eh_doc_get(reply, "error");
    const char *class_ = error != NULL ? eh_doc_str(error, "class", "?") : "";
    if (call->refused != NULL && strcmp(call->refused, "any") == 0) return;
    if (strcmp(class_, call->refused != NULL ? call->refused : "") != 0) {
        char what[300];
        (void)snprintf(what, sizeof what, "UNEXPECTED %s %s", class_,
                       error != NULL ? eh_doc_str(error, "message", "") : "an answer");
        say(h, what, call->args);
    }
}

/* What is never answered: an answer would be taken for that of the next call. */
static void let_go(hostile *h)
{
    static const char *const odd[] = {"1", "-1", "\"1\"", "[]", "9223372036854775807"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        char text[100];
        const eh_doc *args = NULL;
        (void)snprintf(text, sizeof text, CALL("release") ",\"response\":%s}", odd[i]);
        if (!eh_json_to_doc(eh_slice_str(text), h->arena, &args, NULL)) _exit(98);
        hj_send(h, EH_FRAME_CALL, args);
    }
}

static void ask_all(hostile *h, const odd_call *calls, size_t count)
{
    let_go(h);
    for (size_t i = 0; i < count; i++) ask(h, &calls[i]);
}

/* Prefetches in the name of tasks that there never were, until there is an end. */
static void flood(hostile *h)
{
    int refused = 0;
    for (uint32_t task = 1; task <= 3000; task++) {
        eh_doc *args = ek_map(h->arena, "op", "prefetch", "instance", "files", "resource", "r",
                              "url", "https://svc.test/", NULL);
        hj_send_as(EH_FRAME_CALL, task, args);
        refused += eh_doc_get(hj_next(h), "error") != NULL;
    }
    if (refused < 1900) say(h, "UNEXPECTED", "a flood of prefetches");
}

/* An answer that does not come: longer than a jail may be silent. */
static void wait_long(hostile *h)
{
    ask(h, &(odd_call){"{" TO_IT ",\"deadline_ms\":1500,\"repeatable\":false}", "transient"});
}

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static eh_doc *declare(hostile *h)
{
    char hosts[100];
    (void)snprintf(hosts, sizeof hosts, "[\"https://svc.test\",\"http://127.0.0.1:%s\"]",
                   strcmp(h->attack, "wait") == 0 ? port : "1");
    const eh_doc *list = NULL;
    eh_doc *resource = hj_resource(h, "files", "r");
    if (!eh_json_to_doc(eh_slice_str(hosts), h->arena, &list, NULL)) _exit(97);
    ek_put(h->arena, resource, "hosts", eh_doc_copy(h->arena, list, NULL));
    return hj_declared(h, resource);
}

static int be_taken(void)
{
    hostile h = {.task = 1};
    eh_wall wall;
    FILE *file = fopen("port", "r");
    if (file == NULL || fgets(port, sizeof port, file) == NULL) _exit(99);
    (void)fclose(file);
    h.arena = eh_arena_new((size_t)512 << 20);
    eh_buf_init(&h.in, (size_t)8 << 20);
    if (!eh_wall_build(&wall, EH_JAIL_SOCKET, NULL) || !wall.seccomp) _exit(99);
    hj_send(&h, EH_FRAME_HELLO, hj_hello(&h, 1, true));
    const eh_doc *script = eh_doc_get(hj_next(&h), "script");
    (void)snprintf(h.attack, sizeof h.attack, "%s", eh_doc_str(script, "text", ""));
    hj_send(&h, EH_FRAME_DECLARED, declare(&h));
    (void)hj_next(&h);
    if (h.frame.type != EH_FRAME_GO) _exit(96);
    if (strcmp(h.attack, "requests") == 0) ask_all(&h, requests, COUNT(requests));
    if (strcmp(h.attack, "answers") == 0) ask_all(&h, answers, COUNT(answers));
    if (strcmp(h.attack, "secrets") == 0) ask_all(&h, secrets, COUNT(secrets));
    if (strcmp(h.attack, "flood") == 0) flood(&h);
    if (strcmp(h.attack, "wait") == 0) wait_long(&h);
    if (strncmp(h.attack, "alone ", 6) == 0) {
        ask(&h, &alone[strtoul(h.attack + 6, NULL, 10)]);
        /* And out of order, whatever became of that. */
        ask(&h, &(odd_call){CALL("window_end") "}", "any"});
        ask(&h, &(odd_call){CALL("window_begin") ",\"name\":\"a\"}", "any"});
        ask(&h, &(odd_call){CALL("window_begin") ",\"name\":\"b\"}", "any"});
        ask(&h, &(odd_call){CALL("emit_rows") ",\"rows\":[{\"id\":7,\"v\":\"w\"}]}", "any"});
    }
    hj_send(&h, EH_FRAME_CALL, hj_load(&h, "file:in", "a.csv"));
    (void)hj_next(&h);
    hj_task_done(&h);
    hj_send(&h, EH_FRAME_FINISHED, NULL);
    return 0;
}

/* ---- the tests ------------------------------------------------------------------------------
 */

/* A service that listens; whoever connects is seen. */
static int listen_there(char text[16])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)snprintf(text, 16, "%u", (unsigned)ntohs(at.sin_port));
    return fd;
}

static void give_secrets(ek *k, const char *address)
{
    char json[1500];
    const eh_doc *doc = NULL;
    (void)snprintf(json, sizeof json,
                   "{\"secrets\":{\"nonce\":\"" NONCE "\",\"values\":["
                   "{\"instance\":\"files\",\"key\":\"key\",\"value\":\"" VALUE "\"},"
                   "{\"instance\":\"other\",\"key\":\"key\",\"value\":\"" RIVAL "\"},"
                   "{\"instance\":\"@host\",\"key\":\"token_key\",\"value\":"
                   "\"0123456789012345678901234567890123456789\"}]},"
                   "\"network\":{\"allow_private\":[\"127.0.0.1:%s\"]}}",
                   address);
    assert_true(eh_json_to_doc(eh_slice_str(json), k->arena, &doc, NULL));
    for (const eh_doc *c = eh_doc_first(doc); c != NULL; c = c->next)
        ek_put(k->arena, k->spec, c->key.data, eh_doc_copy(k->arena, c, NULL));
    /* What the operator says; the script cannot widen it. */
    eh_doc *source = (eh_doc *)(uintptr_t)eh_doc_first(eh_doc_get(k->spec, "sources"));
    ek_put(k->arena, source, "hosts",
           ek_list(k->arena, eh_doc_string(k->arena, eh_slice_str("https://svc.test"))));
}

static void attack(const char *name, bool loads)
{
    ek k;
    char address[16];
    int fd = listen_there(address);
    ek_open(&k, name);
    ek_write(&k, "port", address);
    give_secrets(&k, address);
    if (strcmp(name, "wait") == 0) {
        /* 100 ms with what the engine adds; ten times that is silence. */
        const eh_doc *limits = eh_doc_get(k.spec, "limits");
        ((eh_doc *)(uintptr_t)eh_doc_get(limits, "deadline_ms"))->as.integer = -900;
    }
    ek_run(&k);
    if (k.code != 0 && (loads || k.code != 1)) fail_msg("%s: %d: %s", name, k.code, k.said);
    if (strstr(k.said, "UNEXPECTED") != NULL) fail_msg("%s: %s", name, k.said);
    if (strstr(k.said, VALUE) != NULL || strstr(k.said, RIVAL) != NULL ||
        strstr(k.said, "czNjcmV0") != NULL)
        fail_msg("%s: a secret was said: %s", name, k.said);
    if (ek_said(&k, "\"event\":\"error\"", "\"class\":\"bug\"", NULL))
        fail_msg("%s: %s", name, k.said);
    if (strcmp(name, "wait") != 0 && accept(fd, NULL, NULL) >= 0)
        fail_msg("%s: the service was spoken to", name);
    (void)close(fd);
    if (loads)
        assert_string_equal(ek_ask(&k, "select group_concat(id || v) from t"), "1a,2b,3c");
    ek_close(&k);
}

static void odd_requests(void **state)
{
    (void)state;
    attack("requests", true);
}

static void odd_answers(void **state)
{
    (void)state;
    attack("answers", true);
}

static void odd_secrets(void **state)
{
    (void)state;
    attack("secrets", true);
}

static void too_many_requests(void **state)
{
    (void)state;
    attack("flood", true);
}

static void out_of_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(alone); i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "alone %zu", i);
        attack(name, false);
    }
}

static void who_waits_is_not_silent(void **state)
{
    (void)state;
    attack("wait", true);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--engine") == 0) return eh_engine_main();
    if (argc > 2 && strcmp(argv[1], "--jail") == 0) return be_taken();
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_requests),      cmocka_unit_test(odd_answers),
        cmocka_unit_test(odd_secrets),       cmocka_unit_test(out_of_order),
        cmocka_unit_test(too_many_requests), cmocka_unit_test(who_waits_is_not_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
