#include "doctor/finding.h"

#include "base/time_format.h"

void sfe_doctor_clock(const struct sfe_doctor_options *options)
{
    const struct sfe_clock *clock = &options->platform->clock;
    struct sfe_finding finding = {.check = "clock", .subject = "", .code = SFE_OK};
    char time[40] = "";
    struct sfe_builder text = sfe_builder_make(time, sizeof(time) - 1u);
    int64_t unix_ns = 0;

    switch (clock->wall_ns(clock->context, &unix_ns)) {
    case SFE_CLOCK_SYNCED:
        sfe_time_add_datetime(&text, unix_ns);
        finding_ok(options, "clock", "", "set and synchronised: %.*s", (int)text.size, time);
        break;
    case SFE_CLOCK_COASTING:
        finding.level = SFE_FINDING_WARN;
        finding_tell(options, &finding, "set, but nothing says that it is synchronised",
                     "run an NTP client (systemd-timesyncd, chrony) on this device");
        break;
    case SFE_CLOCK_UNSET:
        finding.level = SFE_FINDING_WARN;
        finding_tell(options, &finding,
                     "not set: events are kept, and log-ins go by the org's time",
                     "run an NTP client (systemd-timesyncd, chrony) on this device");
        break;
    }
}
