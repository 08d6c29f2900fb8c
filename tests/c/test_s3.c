/* tests/c/test_s3.c: how keys and queries are spelled, and listings in every cut and every way
 * of not being one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "data/s3_list.h"
#include "data/s3_url.h"
#include "io/sigv4.h"

#include <stdio.h>

/* ---- URLs ------------------------------------------------------------------------------- */

static void expect_url(const eh_s3_bucket *bucket, const char *key, eh_s3_pair *pairs,
                       size_t count, const char *url)
{
    eh_buf out;
    eh_err err = {.class_ = EH_OK};
    eh_buf_init(&out, 10000);
    assert_true(eh_s3_url(bucket, eh_slice_str(key), pairs, count, &out, &err));
    assert_string_equal(eh_buf_cstr(&out), url);
    eh_buf_free(&out);
}

static void test_a_bucket_is_in_the_host_or_in_the_path(void **state)
{
    (void)state;
    eh_s3_bucket amazon = {"acme-exports", "eu-central-1", "", false};
    expect_url(&amazon, "a/b.csv", NULL, 0,
               "https://acme-exports.s3.eu-central-1.amazonaws.com/a/b.csv");
    expect_url(&amazon, "", NULL, 0, "https://acme-exports.s3.eu-central-1.amazonaws.com/");
    eh_s3_bucket dotted = {"acme.exports", "cn-north-1", "", true};
    expect_url(&dotted, "a", NULL, 0, "https://s3.cn-north-1.amazonaws.com.cn/acme.exports/a");
    eh_s3_bucket own = {"acme", "auto", "http://127.0.0.1:9000/", true};
    expect_url(&own, "", NULL, 0, "http://127.0.0.1:9000/acme");
    eh_s3_bucket named = {"acme", "auto", "https://minio.internal:9000", false};
    expect_url(&named, "k", NULL, 0, "https://acme.minio.internal:9000/k");
    assert_true(eh_s3_needs_path_style("a.b", ""));
    assert_true(eh_s3_needs_path_style("Old_Bucket", ""));
    assert_true(eh_s3_needs_path_style("acme", "http://x"));
    assert_false(eh_s3_needs_path_style("acme", ""));
}

static void test_a_key_is_encoded_once_and_never_normalised(void **state)
{
    (void)state;
    eh_s3_bucket b = {"acme-exports", "eu-central-1", "", true};
    expect_url(&b, "exports/caf\xc3\xa9 a+b=c/part-0001.jsonl.gz", NULL, 0,
               "https://s3.eu-central-1.amazonaws.com/acme-exports/exports/"
               "caf%C3%A9%20a%2Bb%3Dc/part-0001.jsonl.gz");
    expect_url(&b, "/a//../%20:~'(*)?#", NULL, 0,
               "https://s3.eu-central-1.amazonaws.com/acme-exports//a//../"
               "%2520%3A~%27%28%2A%29%3F%23");
}

static void test_a_query_is_encoded_and_sorted(void **state)
{
    (void)state;
    eh_s3_bucket b = {"acme-exports", "us-east-1", "http://minio.internal:9000", true};
    eh_s3_pair pairs[] = {
        {"prefix", eh_slice_str("posthog/events/2026-03-01/")},
        {"list-type", eh_slice_str("2")},
        {"continuation-token", eh_slice_str("1abc/DEF+ghi==")},
        {"max-keys", eh_slice_str("1000")},
        {"encoding-type", eh_slice_str("url")},
        {"lifecycle", eh_slice_str("")},
    };
    expect_url(&b, "", pairs, 6,
               "http://minio.internal:9000/acme-exports?continuation-token=1abc%2FDEF%2Bghi%3D"
               "%3D&encoding-type=url&lifecycle=&list-type=2&max-keys=1000&prefix=posthog"
               "%2Fevents%2F2026-03-01%2F");
}

static void test_bucket_names(void **state)
{
    (void)state;
    assert_true(eh_s3_bucket_name_ok("acme-exports"));
    assert_true(eh_s3_bucket_name_ok("acme.exports_2"));
    assert_false(eh_s3_bucket_name_ok("ab"));
    assert_false(eh_s3_bucket_name_ok("a/b"));
    assert_false(eh_s3_bucket_name_ok("a b c"));
    assert_false(eh_s3_bucket_name_ok("a@evil.example"));
    assert_false(eh_s3_bucket_name_ok("-abc"));
    assert_false(eh_s3_bucket_name_ok("a..b"));
}

static void test_hosts(void **state)
{
    (void)state;
    eh_buf out;
    eh_buf_init(&out, 1000);
    eh_s3_bucket amazon = {"acme", "eu-west-1", "", false};
    assert_true(eh_s3_host(&amazon, &out, NULL));
    assert_string_equal(eh_buf_cstr(&out), "acme.s3.eu-west-1.amazonaws.com");
    out.len = 0;
    eh_s3_bucket own = {"acme", "auto", "http://127.0.0.1:9000/base/", true};
    assert_true(eh_s3_host(&own, &out, NULL));
    assert_string_equal(eh_buf_cstr(&out), "127.0.0.1:9000");
    eh_buf_free(&out);
}

/* ---- signatures: the vectors that AWS publishes, and three more -------------------------- */

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef struct vector {
    const char *host, *region, *path, *query, *range, *payload, *token;
    int64_t at_s;
    const char *canonical; /* its hash; NULL: not published */
    const char *signed_headers, *signature;
} vector;

static const vector vectors[] = {
    {"examplebucket.s3.amazonaws.com", "us-east-1", "/test.txt", NULL, "bytes=0-9", EMPTY, NULL,
     1369353600, NULL, "host;range;x-amz-content-sha256;x-amz-date",
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"examplebucket.s3.amazonaws.com", "us-east-1", "/", "prefix=J&max-keys=2", NULL, EMPTY,
     NULL, 1369353600, NULL, "host;x-amz-content-sha256;x-amz-date",
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    {"examplebucket.s3.amazonaws.com", "us-east-1", "/", "lifecycle", NULL, EMPTY, NULL,
     1369353600, NULL, "host;x-amz-content-sha256;x-amz-date",
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"minio.internal:9000", "us-east-1", "/acme-exports",
     "list-type=2&encoding-type=url&max-keys=1000&prefix=posthog%2Fevents%2F2026-03-01%2F"
     "&continuation-token=1abc%2FDEF%2Bghi%3D%3D",
     NULL, EMPTY, "FwoGZXIvYXdzEXAMPLE/session+token==", 1772366400,
     "4997eb986553141f0de381325ad32dcb21bae093ea4399893f21b28bf6277913",
     "host;x-amz-content-sha256;x-amz-date;x-amz-security-token",
     "461f2726a342dff6c7fb870051ca3f091ded1e6db8c4d73f794231daf25c3b34"},
    {"s3.eu-central-1.amazonaws.com", "eu-central-1",
     "/acme-exports/exports/caf%C3%A9%20a%2Bb%3Dc/part-0001.jsonl.gz", NULL,
     " bytes=8388608-16777215 ", "UNSIGNED-PAYLOAD", NULL, 1772366400,
     "6b0b6bad2d003c089e6595b4b635650c561126b1ba4e62aee2518df5f5ebfc82",
     "host;range;x-amz-content-sha256;x-amz-date",
     "65e1858a81b4f8943352c07ade810ed0062f339aeb17205cb216d7f330ab37a5"},
    {"acme-exports.s3.us-east-1.amazonaws.com", "us-east-1", "/",
     "start-after=a%20b%2F%E4%BD%A0.csv&delimiter=%2F&list-type=2", NULL, EMPTY, NULL,
     1772366400, "ededc6c27ef4457d92ca54495d7da4235e2beb51db36d22f6c9fceb55c15e9db",
     "host;x-amz-content-sha256;x-amz-date",
     "dae9330b45deec8fd8e01869bc3fd6c4b4f5dff651293eed9ed6ed2b162c736e"},
};

static void check_vector(const vector *v)
{
    char time[EH_SIGV4_TIME], hash[EH_SIGV4_HASH], expected[600];
    eh_sigv4_header headers[5];
    size_t count = 0;
    assert_true(eh_sigv4_time(v->at_s * 1000000 + 999999, time));
    headers[count++] = (eh_sigv4_header){"host", eh_slice_str(v->host)};
    if (v->range != NULL) headers[count++] = (eh_sigv4_header){"range", eh_slice_str(v->range)};
    headers[count++] = (eh_sigv4_header){"x-amz-content-sha256", eh_slice_str(v->payload)};
    headers[count++] = (eh_sigv4_header){"x-amz-date", eh_slice_str(time)};
    if (v->token != NULL)
        headers[count++] = (eh_sigv4_header){"x-amz-security-token", eh_slice_str(v->token)};
    eh_sigv4 what = {.method = "GET",
                     .path = v->path,
                     .query = v->query,
                     .headers = headers,
                     .header_count = count,
                     .payload = v->payload,
                     .time = time,
                     .region = v->region,
                     .service = "s3",
                     .key_id = "AKIAIOSFODNN7EXAMPLE",
                     .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
    eh_buf out;
    eh_buf_init(&out, 10000);
    assert_true(eh_sigv4_canonical(&what, &out, NULL));
    assert_true(eh_sigv4_hash(eh_buf_slice(&out), hash, NULL));
    if (v->canonical != NULL) assert_string_equal(hash, v->canonical);
    out.len = 0;
    assert_true(eh_sigv4_sign(&what, &out, NULL));
    (void)snprintf(expected, sizeof expected,
                   "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/%.8s/%s/s3/aws4_request, "
                   "SignedHeaders=%s, Signature=%s",
                   time, v->region, v->signed_headers, v->signature);
    assert_string_equal(eh_buf_cstr(&out), expected);
    eh_buf_free(&out);
}

static void test_signatures(void **state)
{
    (void)state;
    char hash[EH_SIGV4_HASH];
    assert_true(eh_sigv4_hash(eh_slice_of(NULL, 0), hash, NULL));
    assert_string_equal(hash, EMPTY);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) check_vector(&vectors[i]);
}

/* ---- listings --------------------------------------------------------------------------- */

static const char page_of_two[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
    "<Name>acme-exports</Name><Prefix>posthog%2Fevents%2F</Prefix><KeyCount>2</KeyCount>"
    "<MaxKeys>2</MaxKeys><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
    "<NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhb+=</NextContinuationToken>"
    "<Contents><Key>posthog%2F2026-03-01T00%3A00%3A00%2B00.jsonl.gz</Key>"
    "<LastModified>2026-03-01T01:02:03.000Z</LastModified>"
    "<ETag>&quot;9b2cf535f27731c974343645a3985328-12&quot;</ETag><Size>734003200</Size>"
    "<Owner><ID>7</ID><DisplayName>Key</DisplayName></Owner>"
    "<StorageClass>STANDARD</StorageClass></Contents>"
    "<Contents><Key>posthog%2Fcaf%C3%A9+1.csv</Key>"
    "<LastModified>2026-03-01T01:02:04.250Z</LastModified>"
    "<ETag>\"d41d8cd98f00b204e9800998ecf8427e\"</ETag><Size>0</Size></Contents>"
    "<CommonPrefixes><Prefix>posthog%2Fold%2F</Prefix></CommonPrefixes></ListBucketResult>";

typedef struct outcome {
    eh_arena *arena;
    eh_s3_page page;
    eh_s3_fault fault;
    eh_err err;
    bool ok;
} outcome;

/* Fed in chunks of `chunk` bytes. */
static outcome read_xml(const char *xml, size_t len, size_t chunk)
{
    outcome o = {.arena = eh_arena_new((size_t)1 << 24)};
    eh_s3_list *list = eh_s3_list_new(o.arena, &o.err);
    assert_non_null(list);
    o.ok = true;
    for (size_t at = 0; o.ok && at < len; at += chunk)
        o.ok = eh_s3_list_feed(list, eh_slice_of(xml + at, len - at < chunk ? len - at : chunk),
                               &o.err);
    o.ok = o.ok && eh_s3_list_end(list, &o.page, &o.fault, &o.err);
    eh_s3_list_free(list);
    return o;
}

static void expect_refused(const char *xml, eh_class class, const char *message)
{
    outcome o = read_xml(xml, strlen(xml), 7);
    if (o.ok) fail_msg("taken: %s", xml);
    assert_int_equal(o.err.class_, class);
    if (strstr(o.err.message, message) == NULL) fail_msg("it says: %s", o.err.message);
    eh_arena_free(o.arena);
}

static void test_a_page_in_every_cut(void **state)
{
    (void)state;
    for (size_t chunk = 1; chunk < sizeof page_of_two; chunk += chunk < 40 ? 1 : 97) {
        outcome o = read_xml(page_of_two, sizeof page_of_two - 1, chunk);
        if (!o.ok) fail_msg("refused: %s", o.err.message);
        assert_string_equal(o.fault.code, "");
        assert_int_equal(o.page.count, 2);
        const eh_s3_object *first = &o.page.objects[0], *second = &o.page.objects[1];
        assert_string_equal(first->key.data, "posthog/2026-03-01T00:00:00+00.jsonl.gz");
        assert_string_equal(first->etag, "9b2cf535f27731c974343645a3985328-12");
        assert_int_equal(first->size, 734003200);
        assert_int_equal(first->modified_us, INT64_C(1772326923000000));
        assert_string_equal(second->key.data, "posthog/caf\xc3\xa9 1.csv");
        assert_int_equal(second->size, 0);
        assert_int_equal(second->modified_us, INT64_C(1772326924250000));
        assert_true(o.page.more);
        assert_string_equal(o.page.token, "1ueGcxLPRx1Tr/XYExHnhb+=");
        eh_arena_free(o.arena);
    }
}

static void test_a_page_that_is_cut_is_no_page(void **state)
{
    (void)state;
    for (size_t len = 0; len + 1 < sizeof page_of_two; len++) {
        outcome o = read_xml(page_of_two, len, 64);
        if (o.ok) fail_msg("the first %zu bytes were taken", len);
        assert_int_equal(o.page.count, 0);
        assert_true(o.err.class_ == EH_CLASS_TRANSIENT || o.err.class_ == EH_CLASS_REMOTE);
        eh_arena_free(o.arena);
    }
}

/* Only IsTruncated ends a listing, and keys are decoded only where the store says that they are
 * encoded, before or after them. */
static void test_empty_pages_and_plain_keys(void **state)
{
    (void)state;
    static const char empty[] = "<ListBucketResult><IsTruncated>true</IsTruncated>"
                                "<NextContinuationToken>t</NextContinuationToken>"
                                "</ListBucketResult>";
    outcome o = read_xml(empty, sizeof empty - 1, 5);
    assert_true(o.ok && o.page.more);
    assert_int_equal(o.page.count, 0);
    eh_arena_free(o.arena);
    static const char object[] = "<Contents><Key>a+b%20</Key>"
                                 "<LastModified>2026-03-01T01:02:03Z</LastModified>"
                                 "<Size>1</Size></Contents>";
    for (int encoded = 0; encoded < 2; encoded++) {
        char text[1000];
        int len = snprintf(text, sizeof text,
                           "<ListBucketResult><IsTruncated>false</IsTruncated>%s%s"
                           "</ListBucketResult>",
                           object, encoded ? "<EncodingType>url</EncodingType>" : "");
        o = read_xml(text, (size_t)len, 5);
        assert_true(o.ok && !o.page.more);
        assert_string_equal(o.page.objects[0].key.data, encoded ? "a b " : "a+b%20");
        assert_string_equal(o.page.objects[0].etag, "");
        eh_arena_free(o.arena);
    }
}

#define OBJECT(key, rest)                                                                      \
    "<ListBucketResult><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>"       \
    "<Contents><Key>" key "</Key>" rest "</Contents></ListBucketResult>"
#define MODIFIED "<LastModified>2026-03-01T01:02:03Z</LastModified>"

static void test_what_is_no_listing(void **state)
{
    (void)state;
    expect_refused("<html><body>down</body></html>", EH_CLASS_REMOTE, "begins with <html>");
    expect_refused("{\"ok\": false}", EH_CLASS_REMOTE, "no XML of an object store");
    expect_refused("<ListBucketResult><IsTruncated>false</Is>", EH_CLASS_REMOTE, "is broken");
    expect_refused("<ListBucketResult></ListBucketResult>", EH_CLASS_REMOTE, "IsTruncated");
    expect_refused("<ListBucketResult><IsTruncated>yes</IsTruncated></ListBucketResult>",
                   EH_CLASS_REMOTE, "IsTruncated");
    expect_refused("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
                   EH_CLASS_REMOTE, "where it goes on");
    expect_refused("<ListBucketResult><IsTruncated>true</IsTruncated><IsTruncated>false"
                   "</IsTruncated></ListBucketResult>",
                   EH_CLASS_REMOTE, "twice");
    expect_refused(OBJECT("a", MODIFIED), EH_CLASS_REMOTE, "without a key or a size");
    expect_refused(OBJECT("a", MODIFIED "<Size>-1</Size>"), EH_CLASS_REMOTE,
                   "size that is none");
    expect_refused(OBJECT("a", MODIFIED "<Size></Size>"), EH_CLASS_REMOTE, "size that is none");
    expect_refused(OBJECT("a", MODIFIED "<Size>9223372036854775808</Size>"), EH_CLASS_REMOTE,
                   "size that is none");
    expect_refused(OBJECT("a", "<LastModified>now</LastModified><Size>1</Size>"),
                   EH_CLASS_REMOTE, "time that is none");
    expect_refused(OBJECT("a%2", MODIFIED "<Size>1</Size>"), EH_CLASS_REMOTE,
                   "not properly encoded");
    expect_refused("<!DOCTYPE l [<!ENTITY a \"x\">]><ListBucketResult>&a;</ListBucketResult>",
                   EH_CLASS_REMOTE, "DOCTYPE");
    expect_refused("<ListBucketResult><a><b><c><d><e><f><g><h/></g></f></e></d></c></b></a>"
                   "</ListBucketResult>",
                   EH_CLASS_REMOTE, "nests");
    eh_buf big;
    eh_buf_init(&big, 1000000);
    assert_true(eh_buf_append_str(&big, "<ListBucketResult><EncodingType>", NULL));
    while (big.len < 100000) assert_true(eh_buf_append_str(&big, "xxxxxxxxxxxxxxxx", NULL));
    expect_refused(eh_buf_cstr(&big), EH_CLASS_LIMIT, "");
    eh_buf_free(&big);
}

static void test_error_documents(void **state)
{
    (void)state;
    static const char text[] =
        "<?xml version=\"1.0\"?><Error><Code>AuthorizationHeaderMalformed</Code>"
        "<Message>the region is wrong</Message><Region>eu-west-1</Region>"
        "<RequestId>44</RequestId></Error>";
    outcome o = read_xml(text, sizeof text - 1, 3);
    assert_true(o.ok);
    assert_string_equal(o.fault.code, "AuthorizationHeaderMalformed");
    assert_string_equal(o.fault.message, "the region is wrong");
    assert_string_equal(o.fault.region, "eu-west-1");
    assert_int_equal(o.page.count, 0);
    eh_s3_fault fault;
    assert_true(eh_s3_fault_read(eh_slice_of(text, sizeof text - 1), o.arena, &fault));
    assert_string_equal(fault.code, "AuthorizationHeaderMalformed");
    assert_false(eh_s3_fault_read(eh_slice_str("<html/>"), o.arena, &fault));
    assert_string_equal(fault.code, "");
    assert_false(eh_s3_fault_read(eh_slice_of(text, 60), o.arena, &fault));
    eh_arena_free(o.arena);
    expect_refused("<Error><Message>m</Message></Error>", EH_CLASS_REMOTE, "without a code");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bucket_is_in_the_host_or_in_the_path),
        cmocka_unit_test(test_a_key_is_encoded_once_and_never_normalised),
        cmocka_unit_test(test_a_query_is_encoded_and_sorted),
        cmocka_unit_test(test_bucket_names),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_a_page_in_every_cut),
        cmocka_unit_test(test_a_page_that_is_cut_is_no_page),
        cmocka_unit_test(test_empty_pages_and_plain_keys),
        cmocka_unit_test(test_what_is_no_listing),
        cmocka_unit_test(test_error_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
