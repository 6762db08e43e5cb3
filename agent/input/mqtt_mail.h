/* What the MQTT client says from threads of its own, until the next turn takes it. */
#ifndef SFE_INPUT_MQTT_MAIL_H
#define SFE_INPUT_MQTT_MAIL_H

#include "port/mqtt.h"
#include "port/thread.h"

/* A connection has few events under way: one outcome, and its end. */
#define MQTT_MAIL_COUNT 8u

struct mqtt_mail {
    enum sfe_mqtt_event event;
    int detail;
    char text[96]; /* Printable. */
};

struct mqtt_mailbox {
    struct sfe_mutex *mutex; /* Guards what follows. */
    struct mqtt_mail mails[MQTT_MAIL_COUNT];
    uint32_t count;
};

/* SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code mqtt_mailbox_open(struct mqtt_mailbox *box, struct sfe_error *err);

/* When full the newest takes the place of the last: it may be the end of the connection. Any
 * thread. */
void mqtt_mail_put(struct mqtt_mailbox *box, enum sfe_mqtt_event event, int detail,
                   const char *text);

/* Takes all; how many there were. */
uint32_t mqtt_mail_take(struct mqtt_mailbox *box, struct mqtt_mail mails[MQTT_MAIL_COUNT]);

void mqtt_mailbox_close(struct mqtt_mailbox *box);

#endif
