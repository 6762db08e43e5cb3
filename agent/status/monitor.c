#include "status/monitor.h"

#include "base/arena.h"
#include "base/assert.h"
#include "input/http.h"
#include "status/metrics.h"
#include "status/progress.h"

/* Prometheus, a probe, and somebody who looks. */
#define CONNECTIONS 4u
/* Requests have no body. */
#define REQUEST_BYTES       1024u
#define REQUEST_NS          (10u * UINT64_C(1000000000))
#define TROUBLE_BYTES_MAX   512u
#define PLAIN               "text/plain; charset=utf-8"
#define SERVICE_UNAVAILABLE 503u

struct sfe_monitor {
    struct sfe_monitor_options options;
    struct sfe_source server; /* Its context NULL: nothing is shown. */
    struct sfe_progress progress;
    uint64_t still_ns;
    uint8_t trouble[TROUBLE_BYTES_MAX];
    size_t trouble_size;
};

static bool show(void *owner, struct sfe_slice path, struct sfe_http_page *page);

static struct sfe_http_pages pages_of(struct sfe_monitor *monitor, uint32_t parts)
{
    return (struct sfe_http_pages){monitor, show, (uint32_t)sfe_metrics_bytes_max(2u * parts)};
}

static struct sfe_http_source_options server_options(const struct sfe_monitor_options *options,
                                                     const struct sfe_http_pages *pages)
{
    return (struct sfe_http_source_options){
        .input = "watch",
        .host = options->host,
        .port = options->port,
        .path = "/",
        .request_bytes_max = REQUEST_BYTES,
        .request_timeout_ns = REQUEST_NS,
        .connections = CONNECTIONS,
        .pages = pages,
        .poller = options->poller,
        .clock = options->clock,
        .log = options->log,
    };
}

size_t sfe_monitor_memory_bytes(const struct sfe_monitor_options *options)
{
    const struct sfe_http_pages pages = pages_of(NULL, options->parts);
    const struct sfe_http_source_options server = server_options(options, &pages);

    return sfe_arena_cost(sizeof(struct sfe_monitor)) +
           (options->host == NULL ? 0 : sfe_http_source_memory_bytes(&server));
}

enum sfe_code sfe_monitor_open(const struct sfe_monitor_options *options, struct sfe_arena *arena,
                               struct sfe_monitor **monitor, struct sfe_error *err)
{
    struct sfe_monitor *self = sfe_arena_take(arena, sizeof(*self), err);

    *monitor = NULL;
    if (self == NULL) {
        return err->code;
    }
    self->options = *options;
    if (options->host != NULL) {
        const struct sfe_http_pages pages = pages_of(self, options->parts);
        const struct sfe_http_source_options server = server_options(options, &pages);
        if (sfe_http_source_open(&server, arena, &self->server, err) != SFE_OK) {
            return sfe_within(err, "cannot open the listener of \"watch\"");
        }
    }
    *monitor = self;
    return SFE_OK;
}

uint64_t sfe_monitor_turn(struct sfe_monitor *monitor, uint64_t now_ns)
{
    return monitor->server.context == NULL ? UINT64_MAX
                                           : monitor->server.turn(monitor->server.context, now_ns);
}

/* Texts of others may have line ends. */
static void keep_one_line(struct sfe_builder *text)
{
    for (size_t i = 0; i < text->size; i++) {
        text->bytes[i] = text->bytes[i] < ' ' ? ' ' : text->bytes[i];
    }
}

static void look(struct sfe_monitor *monitor, const struct sfe_status *status, uint64_t now_ns)
{
    struct sfe_builder text = sfe_builder_make(monitor->trouble, sizeof(monitor->trouble));

    sfe_progress_add_trouble(&monitor->progress, status, monitor->still_ns, now_ns, &text);
    keep_one_line(&text);
    monitor->trouble_size = text.size;
}

void sfe_monitor_note(struct sfe_monitor *monitor, const struct sfe_status *status,
                      uint64_t still_ns, uint64_t now_ns)
{
    monitor->still_ns = still_ns;
    sfe_progress_note(&monitor->progress, status, now_ns);
    look(monitor, status, now_ns);
}

struct sfe_slice sfe_monitor_trouble(const struct sfe_monitor *monitor)
{
    return sfe_slice_make(monitor->trouble, monitor->trouble_size);
}

/* Before the first look nothing can stand still. */
static void gather(struct sfe_monitor *monitor, struct sfe_status *status)
{
    memset(status, 0, sizeof(*status));
    monitor->options.gather(monitor->options.owner, status);
    if (monitor->still_ns != 0) {
        look(monitor, status, sfe_clock_monotonic_ns(monitor->options.clock));
    }
}

static void show_metrics(struct sfe_monitor *monitor, struct sfe_http_page *page)
{
    struct sfe_status status;

    gather(monitor, &status);
    page->type = SFE_METRICS_TYPE;
    sfe_metrics_add(&status, sfe_monitor_trouble(monitor), &page->body);
}

static void show_health(struct sfe_monitor *monitor, struct sfe_http_page *page)
{
    (void)monitor;
    sfe_builder_add_text(&page->body, "alive\n");
}

static void show_readiness(struct sfe_monitor *monitor, struct sfe_http_page *page)
{
    struct sfe_status status;
    struct sfe_slice trouble;

    gather(monitor, &status);
    trouble = sfe_monitor_trouble(monitor);
    if (status.is_stopping) {
        trouble = SFE_TEXT("the agent is stopping");
    } else if (status.is_draining) {
        trouble = SFE_TEXT("it is drained: nothing is taken in");
    }
    if (trouble.size == 0) {
        sfe_builder_add_text(&page->body, "ready\n");
        return;
    }
    page->status = SERVICE_UNAVAILABLE;
    sfe_builder_add_text(&page->body, "not ready: ");
    sfe_builder_add(&page->body, trouble);
    sfe_builder_add_byte(&page->body, '\n');
}

static const struct {
    const char *path;
    void (*show)(struct sfe_monitor *monitor, struct sfe_http_page *page);
} pages[] = {
    {"/metrics", show_metrics},
    {"/healthz", show_health},
    {"/readyz", show_readiness},
};

static bool show(void *owner, struct sfe_slice path, struct sfe_http_page *page)
{
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (sfe_slice_equal(path, sfe_slice_text(pages[i].path))) {
            page->type = PLAIN;
            pages[i].show(owner, page);
            return true;
        }
    }
    return false;
}

void sfe_monitor_close(struct sfe_monitor *monitor)
{
    if (monitor != NULL && monitor->server.context != NULL) {
        monitor->server.close(monitor->server.context);
        monitor->server.context = NULL;
    }
}
