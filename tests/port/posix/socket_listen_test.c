#include "loop.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct corner {
    char directory[64];
    char path[96];
};

static void make_corner(struct corner *corner)
{
    (void)snprintf(corner->directory, sizeof(corner->directory), "/tmp/sfedge-listen-XXXXXX");
    assert_non_null(mkdtemp(corner->directory));
    (void)snprintf(corner->path, sizeof(corner->path), "%s/s", corner->directory);
}

static void local_socket_is_ours_alone_and_goes_with_the_listener(void **state)
{
    struct loop *loop = *state;
    struct corner corner;
    struct stat status;
    struct sfe_socket *listener = NULL;
    make_corner(&corner);
    assert_int_equal(
        loop->poller.listen_local(loop->poller.context, corner.path, &listener, &loop->err),
        SFE_OK);
    assert_int_equal(stat(corner.path, &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    assert_int_equal(status.st_mode & 0777u, 0600);
    loop->poller.close(loop->poller.context, listener);
    assert_int_not_equal(stat(corner.path, &status), 0);
    assert_int_equal(rmdir(corner.directory), 0);
}

static void local_connection_carries_bytes(void **state)
{
    struct loop *loop = *state;
    struct corner corner;
    struct sfe_socket *listener = NULL;
    struct sfe_socket *near_end = NULL;
    struct sfe_socket *far_end = NULL;
    char bytes[8];
    size_t count = 0;
    make_corner(&corner);
    void *context = loop->poller.context;
    assert_int_equal(loop->poller.listen_local(context, corner.path, &listener, &loop->err),
                     SFE_OK);
    assert_int_equal(loop->poller.accept(context, listener, &far_end, &loop->err), SFE_E_AGAIN);
    assert_int_equal(loop->poller.connect_local(context, corner.path, &near_end, &loop->err),
                     SFE_OK);
    assert_true(loop->poller.connected(context, near_end));
    assert_int_equal(loop->poller.accept(context, listener, &far_end, &loop->err), SFE_OK);
    assert_int_equal(loop->poller.write(context, near_end, SFE_TEXT("hello"), &count, &loop->err),
                     SFE_IO_DATA);
    assert_int_equal(loop->poller.read(context, far_end, bytes, sizeof(bytes), &count, &loop->err),
                     SFE_IO_DATA);
    assert_memory_equal(bytes, "hello", 5);
    loop->poller.close(context, listener);
    assert_int_equal(rmdir(corner.directory), 0);
}

static void stale_socket_is_replaced_and_a_live_one_is_not(void **state)
{
    struct loop *loop = *state;
    struct corner corner;
    struct sfe_socket *first = NULL;
    struct sfe_socket *second = NULL;
    char kept[112];
    void *context = loop->poller.context;
    make_corner(&corner);
    assert_int_equal(loop->poller.listen_local(context, corner.path, &first, &loop->err), SFE_OK);
    assert_int_equal(loop->poller.listen_local(context, corner.path, &second, &loop->err),
                     SFE_E_REFUSED);
    /* A killed process leaves its socket behind: here the close cannot find it. */
    (void)snprintf(kept, sizeof(kept), "%s.kept", corner.path);
    assert_int_equal(rename(corner.path, kept), 0);
    loop->poller.close(context, first);
    assert_int_equal(rename(kept, corner.path), 0);
    assert_int_equal(loop->poller.listen_local(context, corner.path, &second, &loop->err), SFE_OK);
    loop->poller.close(context, second);
    assert_int_equal(rmdir(corner.directory), 0);
}

static void file_that_is_no_socket_is_not_replaced(void **state)
{
    struct loop *loop = *state;
    struct corner corner;
    struct sfe_socket *listener = NULL;
    make_corner(&corner);
    FILE *file = fopen(corner.path, "w");
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(
        loop->poller.listen_local(loop->poller.context, corner.path, &listener, &loop->err),
        SFE_E_REFUSED);
    assert_int_equal(unlink(corner.path), 0);
    assert_int_equal(rmdir(corner.directory), 0);
}

static void anybody_is_let_in_at_an_address_and_is_known_by_his_own(void **state)
{
    static const uint8_t loopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1};
    struct loop *loop = *state;
    void *context = loop->poller.context;
    struct sfe_socket *probe = NULL;
    struct sfe_socket *listener = NULL;
    struct sfe_socket *second = NULL;
    struct sfe_socket *near_end = NULL;
    struct sfe_socket *far_end = NULL;
    uint8_t address[16];
    uint16_t port = 0;

    /* A port that is free again. */
    assert_int_equal(loop->poller.listen_loopback(context, &probe, &port, &loop->err), SFE_OK);
    loop->poller.close(context, probe);
    assert_int_equal(loop->poller.listen(context, "0.0.0.0", port, &listener, &loop->err), SFE_OK);
    assert_int_equal(loop->poller.listen(context, "0.0.0.0", port, &second, &loop->err),
                     SFE_E_NETWORK);
    assert_null(second);
    assert_int_equal(loop->poller.listen(context, "localhost", port, &second, &loop->err),
                     SFE_E_NETWORK);
    assert_int_equal(loop->poller.accept(context, listener, &far_end, &loop->err), SFE_E_AGAIN);
    assert_int_equal(loop->poller.connect(context, "127.0.0.1", port, &near_end, &loop->err),
                     SFE_OK);
    for (int i = 0; i < 1000 && far_end == NULL; i++) {
        assert_int_equal(loop->poller.wait(context, 1, &loop->err), SFE_OK);
        (void)!loop->poller.accept(context, listener, &far_end, &loop->err);
    }
    assert_non_null(far_end);
    loop->poller.peer(context, far_end, address);
    assert_memory_equal(address, loopback, 16);
    loop->poller.close(context, far_end);
    loop->poller.close(context, near_end);
    loop->poller.close(context, listener);
}

static void accept_without_a_caller_says_again(void **state)
{
    struct loop *loop = *state;
    struct sfe_socket *listener = NULL;
    struct sfe_socket *stream = NULL;
    uint16_t port = 0;
    assert_int_equal(
        loop->poller.listen_loopback(loop->poller.context, &listener, &port, &loop->err), SFE_OK);
    assert_int_not_equal(port, 0);
    assert_int_equal(loop->poller.accept(loop->poller.context, listener, &stream, &loop->err),
                     SFE_E_AGAIN);
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, loop_open, loop_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(local_socket_is_ours_alone_and_goes_with_the_listener),
        LOOP_TEST(local_connection_carries_bytes),
        LOOP_TEST(stale_socket_is_replaced_and_a_live_one_is_not),
        LOOP_TEST(file_that_is_no_socket_is_not_replaced),
        LOOP_TEST(accept_without_a_caller_says_again),
        LOOP_TEST(anybody_is_let_in_at_an_address_and_is_known_by_his_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
