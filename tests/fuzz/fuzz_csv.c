/* fuzz_csv.c: CSV tables; the first byte chooses the separator. */
#include "fuzz.h"

#include "io/csv.h"
#include "io/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char separators[4] = {',', ';', '\t', ' '};
  lm_table table;
  lm_err e = {0};
  char separator = size ? separators[data[0] & 3] : ',';
  lm_status status = lm_csv_parse(&table, "case.csv", (const char *)data, (int64_t)size, separator, &e);
  fuzz_told(status, &e, "case.csv");
  for (int64_t i = 0; i < table.rows * table.columns; i++) {
    double value;
    int64_t integer;
    bool whole;
    lm_number_parse(table.fields[i].data, table.fields[i].n, &value, &integer, &whole);
  }
  lm_table_free(&table);
  return 0;
}
