/* SPDX-License-Identifier: Apache-2.0
 * Listen addresses. */
#include "conf/listen.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "base/check.h"
#include "base/digits.h"
#include "conf/fault.h"
#include "conf/value.h"

enum { ADDRESS_TEXT_MAX = INET6_ADDRSTRLEN + IF_NAMESIZE + 8 };

/* --- one address --- */

/* fe80::1%eth0: the interface by name or number (RFC 4007 s11). */
static bool scan_scope(const char *name, uint32_t *index)
{
    uint64_t number;
    if (digits_u64(name, strlen(name), UINT32_MAX, &number))
        *index = (uint32_t)number;
    else
        *index = strlen(name) < IF_NAMESIZE ? if_nametoindex(name) : 0;
    return *index != 0;
}

static bool scan_v6(char *address, uint16_t port, struct conf_listen *out)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    char *scope = strchr(address, '%');
    if (scope) {
        *scope++ = '\0';
        if (!scan_scope(scope, &v6.sin6_scope_id))
            return false;
    }
    if (inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
        return false;
    memset(&out->address, 0, sizeof(out->address));
    memcpy(&out->address, &v6, sizeof(v6));
    out->address_len = sizeof(v6);
    return true;
}

static bool scan_v4(const char *address, uint16_t port, struct conf_listen *out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &v4.sin_addr) != 1)
        return false;
    memset(&out->address, 0, sizeof(out->address));
    memcpy(&out->address, &v4, sizeof(v4));
    out->address_len = sizeof(v4);
    return true;
}

bool listen_scan(const char *text, struct conf_listen *out)
{
    char address[ADDRESS_TEXT_MAX];
    size_t len = strcspn(text, "@");
    if (len >= sizeof(address))
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    uint64_t port = CONF_PORT_DEFAULT;
    const char *digits = text + len + 1;
    if (text[len] == '@' && (!digits_u64(digits, strlen(digits), UINT16_MAX, &port) || port == 0))
        return false;
    return scan_v4(address, (uint16_t)port, out) || scan_v6(address, (uint16_t)port, out);
}

/* What other servers write: 127.0.0.1:53, [::1]:53, 127.0.0.1#53, [::1]. False if it is none of
 * these. */
static bool guess_meant(const char *text, char meant[ADDRESS_TEXT_MAX])
{
    struct text t;
    text_init(&t, meant, ADDRESS_TEXT_MAX);
    const char *colon = strchr(text, ':');
    bool is_v6 = colon && strchr(colon + 1, ':');
    for (const char *c = text; *c; c++)
        if (*c == '#' || (*c == ':' && (!is_v6 || (c > text && c[-1] == ']'))))
            text_char(&t, '@');
        else if (*c != '[' && *c != ']')
            text_char(&t, *c);
    struct conf_listen ignored;
    return !t.bad && listen_scan(meant, &ignored);
}

bool listen_read_address(struct fill *f, const struct item *n, struct conf_listen *out)
{
    char meant[ADDRESS_TEXT_MAX];
    if (n->kind != ITEM_TEXT || item_is_empty(n))
        fault_add(f->faults, n->at, "a listen address is ADDRESS or ADDRESS@PORT, not %s",
                  item_is_empty(n) ? "nothing" : item_kind_text(n));
    else if (listen_scan(n->text, out))
        out->text = fill_string(f, n);
    else if (guess_meant(n->text, meant))
        fault_add(f->faults, n->at, "\"%.*s\" is not ADDRESS or ADDRESS@PORT, did you mean \"%s\"?",
                  QUOTED(n->text), meant);
    else
        fault_add(f->faults, n->at,
                  "\"%.*s\" is not ADDRESS or ADDRESS@PORT with an IPv4 or IPv6 address%s",
                  QUOTED(n->text), strchr(n->text, '%') ? " and an interface of this machine" : "");
    out->at = n->at;
    return true;
}

/* --- the list --- */

static void read_listen(struct fill *f, const struct item *n, struct conf_listen *out)
{
    *out = (struct conf_listen){.at = n->at};
    if (n->kind != ITEM_MAP) {
        listen_read_address(f, n, out);
        return;
    }
    unsigned before = f->faults->count;
    fill_map(f, n, "server.listen.*", out);
    if (!out->text && f->faults->count == before)
        fault_add(f->faults, n->at, "a listen address given as a map needs \"address\"");
}

static void check_twice(struct fill *f, const struct conf_listens *all)
{
    for (unsigned i = 0; i < all->count; i++)
        for (unsigned k = 0; k < i; k++) {
            const struct conf_listen *a = &all->items[k], *b = &all->items[i];
            if (!a->text || !b->text || memcmp(&a->address, &b->address, sizeof(a->address)) != 0)
                continue;
            fault_add(f->faults, b->at,
                      "listen address \"%.*s\" is given twice, first at line %u, column %u",
                      QUOTED(b->text), a->at.line, a->at.column);
            break;
        }
}

void listen_read(struct fill *f, const struct setting *s, const struct item *n)
{
    bool is_list = n->kind == ITEM_LIST;
    uint32_t count = is_list ? n->count : 1;
    if (item_is_empty(n) || count < s->min) {
        fault_add(f->faults, n->at, "\"%s\" has no address", s->path);
        return;
    }
    if (count > s->max) {
        char room[SETTING_EXPECTS_MAX];
        fault_add(f->faults, n->at, "\"%s\" takes %s, not %u", s->path, setting_expects(s, room),
                  count);
        return;
    }
    struct conf_listens all = {.items = fill_alloc(f, n, count * sizeof(struct conf_listen))};
    if (!all.items)
        return;
    if (is_list) {
        for (const struct item *item = n->first; item; item = item->next)
            read_listen(f, item, &all.items[all.count++]);
    } else {
        read_listen(f, n, &all.items[all.count++]);
    }
    check_twice(f, &all);
    f->conf->listen = all;
    f->conf->origins[CONF_SET_listen] = (struct conf_origin){.text = NULL, .at = n->at};
}
