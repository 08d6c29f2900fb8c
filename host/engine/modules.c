/* engine/modules.c: see modules.h. */
#include "engine/modules.h"

#include "base/embed.h"
#include "io/file.h"

#define MODULE_MAX ((size_t)512 * 1024)
#define NAME_LIMIT 200

/* ^[a-z0-9_]+(\.[a-z0-9_]+)*$ : no path can be made of it but downwards. */
static bool name_ok(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > NAME_LIMIT || name[0] == '.' || name[len - 1] == '.') return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (!word && !(c == '.' && name[i + 1] != '.')) return false;
    }
    return true;
}

/* path: as people are shown it, from the project's folder where it lies below that. */
static bool try_root(const eh_run *run, const char *root, const char *file, eh_arena *arena,
                     eh_slice *text, const char **path, eh_err *err)
{
    const char *project = eh_doc_str(run->spec, "project", "");
    size_t len = strlen(project);
    if (!eh_file_read_small(root, file, MODULE_MAX, arena, text, err)) return false;
    if (text->data == NULL) return true;
    bool inside =
        len > 0 && strncmp(root, project, len) == 0 && (root[len] == '\0' || root[len] == '/');
    const char *below = inside ? root + len + (root[len] == '/') : root;
    *path = eh_arena_printf(arena, "%s%s%s", below, below[0] != '\0' ? "/" : "", file);
    return *path != NULL || eh_fail_memory(err, "a module");
}

bool eh_module_find(eh_run *run, const char *name, eh_arena *arena, eh_slice *text,
                    const char **path, eh_err *err)
{
    *text = eh_slice_of(NULL, 0);
    if (!name_ok(name)) return eh_fail(err, EH_CLASS_SCRIPT, "\"%s\" is no module name", name);
    char *stem = eh_arena_strdup(arena, name);
    if (stem == NULL) return eh_fail_memory(err, "a module");
    for (char *p = stem; *p != '\0'; p++)
        if (*p == '.') *p = '/';
    const char *files[2] = {eh_arena_printf(arena, "%s.lua", stem),
                            eh_arena_printf(arena, "%s/init.lua", stem)};
    if (files[0] == NULL || files[1] == NULL) return eh_fail_memory(err, "a module");
    const eh_doc *roots = eh_doc_get(run->spec, "module_roots");
    for (const eh_doc *r = eh_doc_first(roots); r != NULL; r = r->next) {
        for (int i = 0; i < 2 && r->kind == EH_DOC_STRING; i++) {
            if (!try_root(run, r->as.string.data, files[i], arena, text, path, err))
                return false;
            if (text->data != NULL) return true;
        }
    }
    for (int i = 0; i < 2 && strncmp(stem, "sources/", 8) == 0; i++) {
        *text = eh_embedded_find(files[i]);
        *path = files[i];
        if (text->data != NULL) return true;
    }
    return true;
}
