#include "config/check_inputs.h"

#include "config/suggest.h"

#include <stdio.h>

#define FINGERPRINT "sha256:"
#define DIGITS      64u

/* Records that element `index` of a list is wrong. */
static void element_mistake(struct config_load *load, uint32_t list, uint32_t index,
                            const char *what, const char *meant)
{
    char shown[SFE_CONFIG_SHOWN_BYTES];
    uint32_t item = sfe_json_first(&load->json, list);

    for (uint32_t i = 0; i < index && item != SFE_JSON_NONE; i++) {
        item = sfe_json_next(&load->json, list, item);
    }
    if (item != SFE_JSON_NONE) {
        load_mistake(load, item, "%s %s%s%s%s", what, load_show(load, item, shown),
                     meant[0] == '\0' ? "" : "; did you mean \"", meant,
                     meant[0] == '\0' ? "" : "\"?");
    }
}

static void copy_meant(char meant[SFE_NAME_BYTES_MAX + 1u], struct sfe_slice best)
{
    (void)snprintf(meant, SFE_NAME_BYTES_MAX + 1u, "%.*s", (int)best.size,
                   best.size == 0 ? "" : (const char *)best.bytes);
}

/* The input must be there, and ask for identities. */
static void check_input(struct config_load *load, const char *name, uint32_t list, uint32_t index)
{
    const struct sfe_config *config = load->config;
    struct suggest suggest = suggest_make(sfe_slice_text(name));
    char meant[SFE_NAME_BYTES_MAX + 1u];

    for (uint32_t i = 0; i < config->input_count; i++) {
        const struct sfe_config_input *input = &config->inputs[i];

        if (input->name == NULL || !input->http.by_identity) {
            continue;
        }
        if (strcmp(input->name, name) == 0) {
            return;
        }
        suggest_offer(&suggest, sfe_slice_text(input->name));
    }
    copy_meant(meant, suggest.best);
    element_mistake(load, list, index,
                    "allowed: inputs of type http whose auth has \"identities\"; none is called",
                    meant);
}

static void check_stream(struct config_load *load, const char *name, uint32_t list, uint32_t index)
{
    const struct sfe_config *config = load->config;
    struct suggest suggest = suggest_make(sfe_slice_text(name));
    char meant[SFE_NAME_BYTES_MAX + 1u];

    for (uint32_t i = 0; i < config->stream_count; i++) {
        if (config->streams[i].name != NULL && strcmp(config->streams[i].name, name) == 0) {
            return;
        }
        if (config->streams[i].name != NULL) {
            suggest_offer(&suggest, sfe_slice_text(config->streams[i].name));
        }
    }
    copy_meant(meant, suggest.best);
    element_mistake(load, list, index, "allowed: names of streams; none is called", meant);
}

static bool is_fingerprint(const char *text)
{
    size_t count = 0;

    text += sizeof(FINGERPRINT) - 1;
    while ((text[count] >= '0' && text[count] <= '9') ||
           (text[count] >= 'a' && text[count] <= 'f')) {
        count++;
    }
    return count == DIGITS && text[count] == '\0';
}

static bool names(const struct sfe_config_identity *identity, const char *input)
{
    for (uint32_t i = 0; i < identity->input_count; i++) {
        if (strcmp(identity->inputs[i], input) == 0) {
            return true;
        }
    }
    return identity->input_count == 0;
}

/* Somewhere it may send, certificates must be asked for. */
static void check_authority(struct config_load *load, const struct sfe_config_identity *identity,
                            uint32_t list)
{
    const struct sfe_config *config = load->config;
    bool is_used = false;

    for (uint32_t i = 0; i < config->input_count; i++) {
        const struct sfe_config_input *input = &config->inputs[i];

        if (input->http.by_identity && input->name != NULL && names(identity, input->name)) {
            is_used = true;
            if (input->http.tls_client_ca_file != NULL) {
                return;
            }
        }
    }
    if (is_used) {
        load_mistake(load, list,
                     "no input asks it for a certificate; allowed: with \"client_ca_file\" in the "
                     "tls of an input that it may send to");
    }
}

static void check_certificates(struct config_load *load, const struct sfe_config_identity *identity,
                               uint32_t list)
{
    for (uint32_t i = 0; i < identity->certificate_count; i++) {
        if (strncmp(identity->certificates[i], FINGERPRINT, sizeof(FINGERPRINT) - 1) == 0 &&
            !is_fingerprint(identity->certificates[i])) {
            element_mistake(load, list, i,
                            "allowed: sha256: and 64 hexadecimal digits in small letters; found",
                            "");
        }
    }
    if (identity->certificate_count != 0) {
        check_authority(load, identity, list);
    }
}

void check_identities(struct config_load *load)
{
    uint32_t object;
    uint32_t signers = 0;
    uint32_t key = load_named_first(load, "identities", &object);

    for (uint32_t i = 0; key != SFE_JSON_NONE && i < load->config->identity_count; i++) {
        const struct sfe_config_identity *identity = &load->config->identities[i];

        for (uint32_t k = 0; k < identity->input_count; k++) {
            check_input(load, identity->inputs[k], load_member(load, key + 1, "inputs"), k);
        }
        for (uint32_t k = 0; k < identity->stream_count; k++) {
            check_stream(load, identity->streams[k], load_member(load, key + 1, "streams"), k);
        }
        check_certificates(load, identity, load_member(load, key + 1, "certificate"));
        signers += identity->hmac != NULL || identity->hmac_file != NULL ? 1u : 0u;
        if (signers > SFE_SIGNED_IDENTITIES_MAX) {
            load_mistake(load, key,
                         "it is one more that signs; allowed: at most %u of them, as "
                         "each one's key is tried",
                         SFE_SIGNED_IDENTITIES_MAX);
            return;
        }
        key = sfe_json_next(&load->json, object, key);
    }
}
