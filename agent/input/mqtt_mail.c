#include "input/mqtt_mail.h"

#include <string.h>

enum sfe_code mqtt_mailbox_open(struct mqtt_mailbox *box, struct sfe_error *err)
{
    box->count = 0;
    box->mutex = sfe_mutex_open();
    return box->mutex == NULL ? sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a mutex") : SFE_OK;
}

void mqtt_mail_put(struct mqtt_mailbox *box, enum sfe_mqtt_event event, int detail,
                   const char *text)
{
    struct mqtt_mail *mail;

    sfe_mutex_lock(box->mutex);
    if (box->count < MQTT_MAIL_COUNT) {
        box->count++;
    }
    mail = &box->mails[box->count - 1];
    mail->event = event;
    mail->detail = detail;
    sfe_printable(mail->text, sizeof(mail->text), sfe_slice_text(text));
    sfe_mutex_unlock(box->mutex);
}

uint32_t mqtt_mail_take(struct mqtt_mailbox *box, struct mqtt_mail mails[MQTT_MAIL_COUNT])
{
    uint32_t count;

    sfe_mutex_lock(box->mutex);
    count = box->count;
    memcpy(mails, box->mails, count * sizeof(mails[0]));
    box->count = 0;
    sfe_mutex_unlock(box->mutex);
    return count;
}

void mqtt_mailbox_close(struct mqtt_mailbox *box)
{
    sfe_mutex_close(box->mutex);
    box->mutex = NULL;
}
