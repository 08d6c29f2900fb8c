/* tests/fuzz/fuzz_csv.c: libFuzzer on the CSV parser.
 *
 * The first eight bytes choose options and the sizes of chunks, the rest is the input. All cuts
 * and all levels of SIMD must give the same batches (csv_dump touches every byte of them), and
 * a parser begun at a batch's end must give the rest. Small inputs are scanned in small
 * pieces, so that they cross them. Seeds are in seeds/csv/.
 */
#include "../c/csv_dump.h"
#include "data/csv_scan.h"

enum { OPTIONS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static eh_csv_options choose(const uint8_t *b)
{
    static const char delimiters[] = {0, ',', ';', 'x'};
    static const eh_slice nulls[] = {{"NULL", 4}, {"\\N", 2}};
    static const eh_slice columns[] = {{"a", 1}, {"b", 1}};
    eh_csv_options o = {
        .delimiter = delimiters[b[0] & 3],
        .quote = (b[0] & 4) != 0 ? '\'' : 0,
        .no_header = (b[0] & 8) != 0,
        .nulls = nulls,
        .null_count = b[0] >> 4 & 2,
        .columns = (b[0] & 64) != 0 ? columns : NULL,
        .column_count = 2,
        .batch_rows = b[1],
        .batch_bytes = b[2],
        .max_field_bytes = b[3] < 128 ? b[3] : 0,
        .encoding = (b[4] & 128) != 0 ? (eh_csv_encoding)(EH_CSV_LATIN1 + (b[4] & 1))
                                      : (eh_csv_encoding)(b[4] & 3),
    };
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < OPTIONS) return 0;
    eh_csv_options o = choose(data);
    eh_slice input = eh_slice_of((const char *)data + OPTIONS, size - OPTIONS);
    csv_dump_how how = {.with_place = true, .batches = true};
    eh_buf first, other;
    eh_buf_init(&first, OUT_MAX);
    eh_buf_init(&other, OUT_MAX);
    o.simd = 1;
    parse_to(&o, input, how, &first);
    for (int simd = 1; simd <= 3; simd++) {
        o.simd = simd;
        if (eh_csv_scan_for(simd) == NULL) continue;
        how.chunk = data[4 + simd] + 1U;
        o.scan_bytes = simd == 1 ? 0 : data[4 + simd] / 2 + 1U;
        how.end_apart = (data[4] >> (simd + 1) & 1) != 0;
        parse_to(&o, input, how, &other);
        must(same(&first, 0, &other));
    }
    if (size < 300) (void)csv_goes_on(&o, input);
    eh_buf_free(&first);
    eh_buf_free(&other);
    return 0;
}
