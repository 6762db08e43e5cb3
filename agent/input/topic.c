/* Topic filters, MQTT 5 section 4.7: levels parted by '/'; '+' is any one level, a last '#' any
 * number of levels, the parent included. */
#include "input/intake.h"

/* True where `filter` at `at` is a wildcard that fills its whole level. */
static bool is_wildcard(struct sfe_slice filter, size_t at, uint8_t wildcard)
{
    if (filter.bytes[at] != wildcard || (at != 0 && filter.bytes[at - 1] != '/')) {
        return false;
    }
    return at + 1 == filter.size || (wildcard == '+' && filter.bytes[at + 1] == '/');
}

/* True where a filter goes on with "/#" only: "a/#" matches "a" as well. */
static bool is_parent_of_all(struct sfe_slice rest)
{
    return sfe_slice_equal(rest, SFE_TEXT("/#"));
}

static size_t end_of_level(struct sfe_slice topic, size_t at)
{
    while (at < topic.size && topic.bytes[at] != '/') {
        at++;
    }
    return at;
}

/* Topics that begin with '$' are the broker's own. */
static bool is_hidden(struct sfe_slice filter, struct sfe_slice topic)
{
    return topic.bytes[0] == '$' && (filter.bytes[0] == '+' || filter.bytes[0] == '#');
}

bool sfe_topic_matches(struct sfe_slice filter, struct sfe_slice topic)
{
    size_t at = 0;

    if (topic.size == 0 || filter.size == 0 || is_hidden(filter, topic)) {
        return false;
    }
    for (size_t i = 0; i < filter.size; i++) {
        if (is_wildcard(filter, i, '#')) {
            return true;
        }
        if (is_wildcard(filter, i, '+')) {
            at = end_of_level(topic, at);
        } else if (at == topic.size) {
            return is_parent_of_all(sfe_slice_part(filter, i, filter.size));
        } else if (filter.bytes[i] == topic.bytes[at]) {
            at++;
        } else {
            return false;
        }
    }
    return at == topic.size;
}

/* MQTT 5, section 4.8.2: the broker matches what follows the share's name. */
struct sfe_slice sfe_topic_without_share(struct sfe_slice filter)
{
    static const char prefix[] = "$share/";
    const size_t size = sizeof(prefix) - 1;

    if (!sfe_slice_equal(sfe_slice_part(filter, 0, size), sfe_slice_make(prefix, size))) {
        return filter;
    }
    for (size_t i = size; i < filter.size; i++) {
        if (filter.bytes[i] == '/') {
            return sfe_slice_part(filter, i + 1, filter.size);
        }
    }
    return filter;
}
