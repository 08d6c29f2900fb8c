/* tests/support/http_certificate.c: a key and a certificate that trusts itself, made anew. */
#include "http_parts.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

static void add_extension(X509 *certificate, int nid, const char *text)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, text);
    if (extension == NULL || X509_add_ext(certificate, extension, -1) != 1)
        hs_die("certificate", text);
    X509_EXTENSION_free(extension);
}

static X509 *make(EVP_PKEY *key, const char *name, bool expired)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_NAME_new();
    if (certificate == NULL || subject == NULL) hs_die("certificate", "out of memory");
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -2L * 86400);
    X509_gmtime_adj(X509_getm_notAfter(certificate), expired ? -86400L : 86400L);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               (const unsigned char *)"etlhost test", -1, -1, 0);
    X509_set_subject_name(certificate, subject);
    X509_set_issuer_name(certificate, subject);
    X509_NAME_free(subject);
    X509_set_pubkey(certificate, key);
    char names[300];
    bool is_address = name[0] >= '0' && name[0] <= '9';
    snprintf(names, sizeof names, "%s:%s", is_address ? "IP" : "DNS", name);
    add_extension(certificate, NID_subject_alt_name, names);
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    if (X509_sign(certificate, key, EVP_sha256()) == 0) hs_die("certificate", "not signed");
    return certificate;
}

SSL_CTX *hs_certificate_make(const char *name, bool expired, const char *ca_file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (key == NULL) hs_die("certificate", "no key");
    X509 *certificate = make(key, name, expired);
    FILE *file = ca_file != NULL ? fopen(ca_file, "wb") : NULL;
    if (ca_file != NULL && (file == NULL || PEM_write_X509(file, certificate) != 1))
        hs_die(ca_file, "not written");
    if (file != NULL) fclose(file);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_use_certificate(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context, key) != 1)
        hs_die("tls", "no context");
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}
