#include "unit.h"

#include "base/csv_field.h"

static void assert_field(const char *text, const char *field)
{
    uint8_t memory[64];
    struct sfe_builder builder = sfe_builder_make(memory, sizeof(memory));

    sfe_csv_add_field(&builder, sfe_slice_text(text));
    assert_slice(sfe_builder_slice(&builder), field);
}

static void a_field_is_quoted_where_it_must_be(void **state)
{
    (void)state;
    assert_field("", "");
    assert_field("plain text;'\t", "plain text;'\t");
    assert_field("a,b", "\"a,b\"");
    assert_field("say \"a\"", "\"say \"\"a\"\"\"");
    assert_field("a\nb", "\"a\nb\"");
    assert_field("a\r", "\"a\r\"");
    assert_field(" a", "\" a\"");
    assert_field("a ", "\"a \"");
    assert_field(" ", "\" \"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_is_quoted_where_it_must_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
