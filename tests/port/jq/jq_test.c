#include "asking.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct asking asking;

static void a_program_is_compiled_or_its_mistake_told(void **state)
{
    static const char *const bad[] = {".[", "nosuch(1)", "$x", "1 +", "import \"a\" as a; ."};
    const struct sfe_jq_options good = asking_options("map(.a)");
    struct sfe_error err = {0};

    (void)state;
    assert_int_equal(sfe_jq_check(&good, &err), SFE_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct sfe_jq_options options = asking_options(bad[i]);
        assert_int_equal(sfe_jq_check(&options, &err), SFE_E_CONFIG);
        assert_non_null(strstr(err.message, "jq: error: "));
    }
}

static void answers_come_in_the_order_of_the_values(void **state)
{
    const struct sfe_jq_options options = asking_options(". + 1");
    char text[16];

    (void)state;
    asking_start(&asking, &options);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(text, sizeof(text), "%d", i);
        asking_give(&asking, text);
    }
    for (int i = 0; i < 100; i++) {
        (void)snprintf(text, sizeof(text), "%d", i + 1);
        assert_true(asking_next(&asking));
        assert_string_equal(asking.text, text);
    }
    (void)sfe_jq_stop(&asking.jq);
}

static void a_worker_that_is_killed_is_known_as_that(void **state)
{
    const struct sfe_jq_options options = asking_options("last(range(1e18))");

    (void)state;
    asking_start(&asking, &options);
    asking_give(&asking, "1");
    assert_int_equal(kill((pid_t)asking.jq.process, SIGKILL), 0);
    assert_false(asking_next(&asking));
    assert_int_equal(sfe_jq_stop(&asking.jq), SFE_JQ_KILLED);
    assert_int_equal(asking.jq.socket, -1);
    assert_int_equal(sfe_jq_stop(&asking.jq), SFE_JQ_KILLED); /* Of none. */
}

static void a_worker_that_is_stopped_leaves_nothing(void **state)
{
    const struct sfe_jq_options options = asking_options("last(range(1e18))");

    (void)state;
    asking_start(&asking, &options);
    asking_give(&asking, "1");
    const pid_t process = (pid_t)asking.jq.process;
    (void)sfe_jq_stop(&asking.jq);
    assert_int_equal(waitpid(process, NULL, 0), -1);
    assert_int_equal(errno, ECHILD);
}

/* Gone, or dead and still to be taken away by whoever inherited it. */
static bool is_over(pid_t process)
{
    char path[64];
    char text[256] = {0};
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)process);
    file = fopen(path, "re");
    if (file == NULL) {
        return true;
    }
    (void)!fread(text, 1, sizeof(text) - 1u, file);
    (void)fclose(file);
    const char *state = strrchr(text, ')');
    return state == NULL || state[2] == 'Z' || state[2] == 'X';
}

static void a_worker_ends_when_who_started_it_does(void **state)
{
    int ends[2];
    pid_t worker = -1;
    char byte;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        struct sfe_jq_options options = asking_options("last(range(1e18))");
        options.cpu_ms = 3600u * 1000u;
        asking_start(&asking, &options);
        asking_give(&asking, "1"); /* It is busy, and sees no end of its socket. */
        worker = (pid_t)asking.jq.process;
        (void)!write(ends[1], &worker, sizeof(worker));
        (void)kill(getpid(), SIGKILL);
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &worker, sizeof(worker)), sizeof(worker));
    assert_int_equal(read(ends[0], &byte, 1), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    for (int i = 0; i < 10000 && !is_over(worker); i++) {
        (void)usleep(1000);
    }
    assert_true(is_over(worker));
    (void)close(ends[0]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_is_compiled_or_its_mistake_told),
        cmocka_unit_test(answers_come_in_the_order_of_the_values),
        cmocka_unit_test(a_worker_that_is_killed_is_known_as_that),
        cmocka_unit_test(a_worker_that_is_stopped_leaves_nothing),
        cmocka_unit_test(a_worker_ends_when_who_started_it_does),
    };

    if (sfe_jq_is_worker(argc, argv)) {
        return sfe_jq_work(argc, argv);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
