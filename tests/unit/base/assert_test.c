#include "unit.h"

#include "base/assert.h"
#include "port/log_sink.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char last_line[512];
static int last_priority;
static bool leave;
static jmp_buf place;

void sfe_log_sink_write(int priority, const char *line, size_t size)
{
    last_priority = priority;
    snprintf(last_line, sizeof(last_line), "%.*s", (int)size, line);
    if (leave) {
        longjmp(place, 1);
    }
}

static void a_true_condition_does_nothing(void **state)
{
    int evaluated = 0;
    (void)state;
    SFE_ASSERT(++evaluated == 1);
    assert_int_equal(evaluated, 1);
}

static void a_false_condition_is_told_with_file_line_and_text(void **state)
{
    (void)state;
    leave = true;
    if (setjmp(place) == 0) {
        sfe_assert_failed("agent/x.c", 42, "count > 0");
    }
    leave = false;
    assert_int_equal(last_priority, 3);
    assert_string_equal(
        last_line,
        "level=error msg=\"broken invariant\" file=agent/x.c line=42 text=\"count > 0\"");
}

static void a_false_condition_ends_the_process(void **state)
{
    int status = 0;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        SFE_ASSERT(last_priority == -1);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_true_condition_does_nothing),
        cmocka_unit_test(a_false_condition_is_told_with_file_line_and_text),
        cmocka_unit_test(a_false_condition_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
