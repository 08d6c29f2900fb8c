/* engine/s3_credentials.c: see s3_credentials.h. */
#include "engine/s3_credentials.h"

#include <stdio.h>
#include <strings.h>

#define SECRET_MAX ((size_t)64 * 1024)

/* ---- AWS's credentials file --------------------------------------------------------------
 */

static eh_slice trim(eh_slice s)
{
    while (s.len > 0 && strchr(" \t\r", s.data[0]) != NULL) s.data++, s.len--;
    while (s.len > 0 && strchr(" \t\r", s.data[s.len - 1]) != NULL) s.len--;
    return s;
}

static bool is_word(eh_slice s, const char *word)
{
    return s.len == strlen(word) && strncasecmp(s.data, word, s.len) == 0;
}

static bool take_line(eh_slice line, eh_s3_credentials *c, eh_err *err)
{
    static const char export[] = "export ";
    const char *equals = line.len > 0 ? memchr(line.data, '=', line.len) : NULL;
    if (equals == NULL) return true;
    eh_slice name = trim(eh_slice_of(line.data, (size_t)(equals - line.data)));
    eh_slice value = trim(eh_slice_of(equals + 1, line.len - (size_t)(equals + 1 - line.data)));
    if (name.len > sizeof export && memcmp(name.data, export, sizeof export - 1) == 0)
        name = trim(eh_slice_of(name.data + sizeof export - 1, name.len - sizeof export + 1));
    eh_buf *to = is_word(name, "aws_access_key_id")       ? &c->key_id
                 : is_word(name, "aws_secret_access_key") ? &c->secret
                 : is_word(name, "aws_session_token")     ? &c->token
                                                          : NULL;
    if (to == NULL) return true;
    to->len = 0;
    return eh_buf_append(to, value.data, value.len, err);
}

/* Lines before the first [profile] belong to every profile: so the output of
 * `aws configure export-credentials --format env` is read, too. */
static bool read_file(eh_slice text, const char *profile, eh_s3_credentials *c, eh_err *err)
{
    char others[200] = ""; /* the profiles that there are instead */
    bool mine = true;
    while (text.len > 0) {
        const char *newline = memchr(text.data, '\n', text.len);
        size_t len = newline != NULL ? (size_t)(newline - text.data) : text.len;
        eh_slice line = trim(eh_slice_of(text.data, len));
        size_t used = newline != NULL ? len + 1 : len;
        text = eh_slice_of(text.data + used, text.len - used);
        if (line.len == 0 || line.data[0] == '#' || line.data[0] == ';') continue;
        if (line.data[0] == '[' && line.data[line.len - 1] == ']') {
            eh_slice name = trim(eh_slice_of(line.data + 1, line.len - 2));
            size_t at = strlen(others);
            mine = eh_slice_is(name, profile);
            if (!mine)
                (void)snprintf(others + at, sizeof others - at, "%s%.*s", at > 0 ? ", " : "",
                               EH_SLICE_FMT(name));
        } else if (mine && !take_line(line, c, err))
            return false;
    }
    if (c->key_id.len > 0 && c->secret.len > 0) return true;
    eh_fail(err, EH_CLASS_CONFIG, "the credentials have no profile \"%s\" with both keys",
            profile);
    if (others[0] != '\0')
        return eh_err_hint(err, "there are: %s; `profile` names the one that is meant", others);
    return eh_err_hint(err,
                       "the file has a line [%s], then aws_access_key_id = ... and "
                       "aws_secret_access_key = ...; `profile` names another one",
                       profile);
}

/* ---- settings ---------------------------------------------------------------------------
 */

bool eh_s3_is_true(const eh_doc *settings, const char *key, bool fallback)
{
    const char *text = eh_doc_str(settings, key, NULL);
    if (text == NULL) return eh_doc_bool(settings, key, fallback);
    return strcmp(text, "true") == 0;
}

static bool read_setting(const eh_run *run, const char *instance, const eh_doc *settings,
                         const char *key, eh_buf *out, eh_err *err)
{
    const char *text = eh_doc_str(settings, key, NULL);
    return text == NULL ||
           eh_secrets_read(run->secrets, instance, eh_slice_str(text), out, err) ||
           eh_err_while(err, "reading %s", key);
}

static bool read_all(eh_run *run, const char *instance, const eh_doc *settings,
                     eh_s3_credentials *c, eh_err *err)
{
    eh_buf file;
    eh_buf_init(&file, SECRET_MAX);
    bool ok = read_setting(run, instance, settings, "access_key_id", &c->key_id, err) &&
              read_setting(run, instance, settings, "secret_access_key", &c->secret, err) &&
              read_setting(run, instance, settings, "session_token", &c->token, err) &&
              read_setting(run, instance, settings, "credentials", &file, err);
    if (ok && file.len > 0)
        ok = read_file(eh_buf_slice(&file), eh_doc_str(settings, "profile", "default"), c, err);
    eh_secrets_wipe(&file);
    return ok;
}

/* A part of a file is no secret that the store knows: it would be told. */
static bool hide(eh_run *run, const char *instance, const eh_buf *value, const char *kind,
                 eh_err *err)
{
    const char *handle;
    return value->len == 0 ||
           eh_secrets_derived(run->secrets, instance, kind, eh_buf_slice(value), &handle, err);
}

bool eh_s3_credentials_read(eh_run *run, const char *instance, const eh_doc *settings,
                            eh_s3_credentials *out, eh_err *err)
{
    eh_buf_init(&out->key_id, SECRET_MAX);
    eh_buf_init(&out->secret, SECRET_MAX);
    eh_buf_init(&out->token, SECRET_MAX);
    out->anonymous = eh_s3_is_true(settings, "anonymous", false);
    if (out->anonymous) return true;
    if (!read_all(run, instance, settings, out, err)) return false;
    if (out->key_id.len == 0 || out->secret.len == 0) {
        eh_fail(err, EH_CLASS_CONFIG, "%s is missing",
                out->key_id.len > 0   ? "secret_access_key"
                : out->secret.len > 0 ? "access_key_id"
                                      : "access_key_id");
        return eh_err_hint(err, "give access_key_id and secret_access_key, or credentials: "
                                "{ file: ... }; a public bucket is read with anonymous: true");
    }
    if (eh_buf_cstr(&out->key_id) == NULL || eh_buf_cstr(&out->secret) == NULL ||
        eh_buf_cstr(&out->token) == NULL)
        return eh_fail_memory(err, "credentials");
    return hide(run, instance, &out->secret, "secret_access_key", err) &&
           hide(run, instance, &out->token, "session_token", err);
}

void eh_s3_credentials_wipe(eh_s3_credentials *c)
{
    eh_secrets_wipe(&c->key_id);
    eh_secrets_wipe(&c->secret);
    eh_secrets_wipe(&c->token);
}
