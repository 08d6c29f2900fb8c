/* data/json.cpp: see json_index.h. The one C++ file: everything that knows simdjson.
 *
 * simdjson::internal::dom_parser_implementation is declared in the public header because the
 * public create_dom_parser_implementation returns it; its stage1 and structural_indexes have
 * been the same since 0.5. The tests of json.h fail at once if a newer version changes them. */
#include <cstring>
#include <memory>
#include <new>

#include <simdjson.h>

extern "C" {
#include "data/json.h"
}
#include "data/json_index.h"

struct eh_json_index {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
};

/* The code for this processor, chosen when the program is loaded: choosing allocates, and would
 * throw where there is nobody to tell. */
static const simdjson::implementation *choose()
{
    const bool used = simdjson::validate_utf8("", 0); /* the first use chooses */
    static_cast<void>(used);
    return simdjson::get_active_implementation();
}

static const simdjson::implementation *const best = choose();

/* The capacity grows in steps of two, from a size that most windows never exceed. */
static const size_t FIRST_CAPACITY = 128 * 1024;

/* Stage one keeps no stack of open containers; a depth is asked for all the same. */
static const size_t STAGE_TWO_DEPTH = 1;

extern "C" eh_json_index *eh_json_index_new(eh_err *err)
{
    eh_json_index *index = new (std::nothrow) eh_json_index();
    if (index == nullptr) {
        eh_fail_memory(err, "a JSON index");
        return nullptr;
    }
    simdjson::error_code code =
        best->create_dom_parser_implementation(FIRST_CAPACITY, STAGE_TWO_DEPTH, index->parser);
    if (code != simdjson::SUCCESS) {
        eh_fail_memory(err, "a JSON index");
        delete index;
        return nullptr;
    }
    return index;
}

extern "C" void eh_json_index_free(eh_json_index *index)
{
    delete index;
}

static bool make_room(eh_json_index *index, size_t len, eh_err *err)
{
    size_t capacity = index->parser->capacity();
    if (len <= capacity) return true;
    if (len > UINT32_MAX)
        return eh_fail(err, EH_CLASS_LIMIT, "a JSON record of %zu bytes is too long", len);
    while (capacity < len) capacity = capacity == 0 ? FIRST_CAPACITY : capacity * 2;
    if (capacity > UINT32_MAX) capacity = len;
    if (index->parser->set_capacity(capacity) != simdjson::SUCCESS)
        return eh_fail_memory(err, "a JSON index");
    return true;
}

extern "C" eh_json_indexed eh_json_index_run(eh_json_index *index, const char *text, size_t len,
                                             eh_json_tokens *tokens, eh_err *err)
{
    if (len == 0) return EH_JSON_UNFIT;
    if (!make_room(index, len, err)) return EH_JSON_NO_INDEX;
    const uint8_t *bytes = reinterpret_cast<const uint8_t *>(text);
    simdjson::error_code code =
        index->parser->stage1(bytes, len, simdjson::stage1_mode::regular);
    if (code != simdjson::SUCCESS) return EH_JSON_UNFIT;
    tokens->text = text;
    tokens->len = len;
    tokens->at = index->parser->structural_indexes.get();
    tokens->count = index->parser->n_structural_indexes;
    return EH_JSON_INDEXED;
}

extern "C" bool eh_utf8_valid(const char *data, size_t len)
{
    return len == 0 || best->validate_utf8(data, len);
}
