/* SPDX-License-Identifier: Apache-2.0
 * YAML events to a tree, without recursion: a stack of the open lists and maps.
 *
 * libyaml stops at the first breach of its grammar, and so does the tree: one fault, at the place
 * libyaml names, put in an operator's words where its own are known to puzzle. */
#include "conf/item.h"

#include <string.h>
#include <yaml.h>

#include "base/check.h"
#include "conf/fault.h"

struct builder {
    struct arena *arena;
    struct conf_faults *faults;
    struct item *open[CONF_DEPTH_MAX], *last[CONF_DEPTH_MAX]; /* last child of each open one */
    unsigned depth;
    struct item *root;
};

static struct conf_at at_of(yaml_mark_t mark)
{
    return (struct conf_at){(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

const char *item_kind_text(const struct item *n)
{
    static const char *const texts[] = {
        [ITEM_TEXT] = "text", [ITEM_LIST] = "a list", [ITEM_MAP] = "a map"};
    return texts[n->kind];
}

/* --- faults of YAML itself --- */

/* The byte at a place, or 0. Columns count characters, and a byte 10xxxxxx does not begin one. */
static unsigned char byte_at(const char *bytes, size_t len, struct conf_at at)
{
    const char *end = bytes + len;
    for (uint32_t line = 1; line < at.line; line++) {
        bytes = memchr(bytes, '\n', (size_t)(end - bytes));
        if (!bytes)
            return 0;
        bytes++;
    }
    for (uint32_t column = 1; bytes < end; bytes++)
        if (((unsigned char)*bytes & 0xC0) != 0x80 && column++ == at.column)
            return (unsigned char)*bytes;
    return 0;
}

/* The place of a byte, for faults found before there are characters. */
static struct conf_at place_of(const char *bytes, size_t offset)
{
    struct conf_at at = {1, 1};
    for (size_t i = 0; i < offset; i++)
        if (bytes[i] == '\n')
            at = (struct conf_at){at.line + 1, 1};
        else if (((unsigned char)bytes[i] & 0xC0) != 0x80)
            at.column++;
    return at;
}

static void say_grammar(struct conf_faults *faults, const yaml_parser_t *p, const char *bytes,
                        size_t len)
{
    struct conf_at at = at_of(p->problem_mark);
    unsigned char c = byte_at(bytes, len, at);
    unsigned char next = byte_at(bytes, len, (struct conf_at){at.line, at.column + 1});
    if (c == '\t')
        fault_add(faults, at, "a tab cannot indent or start a value in YAML: use blanks");
    else if (p->error == YAML_SCANNER_ERROR && (c == '@' || c == '`' || c == '%'))
        fault_add(faults, at, "text that begins with \"%c\" needs quotes", c);
    else if (p->error == YAML_PARSER_ERROR && c == ':' && next == ':')
        fault_add(faults, at, "an address that begins with \"::\" needs quotes here");
    else if (p->context)
        fault_add(faults, at, "not YAML: %s %s at line %zu, column %zu", p->problem, p->context,
                  p->context_mark.line + 1, p->context_mark.column + 1);
    else
        fault_add(faults, at, "not YAML: %s", p->problem);
}

static void say_yaml(struct conf_faults *faults, const yaml_parser_t *p, const char *bytes,
                     size_t len)
{
    if (p->error == YAML_READER_ERROR) {
        size_t offset = p->problem_offset < len ? p->problem_offset : len;
        fault_add(faults, place_of(bytes, offset), "not UTF-8 text: %s", p->problem);
    } else if (p->error == YAML_SCANNER_ERROR || p->error == YAML_PARSER_ERROR) {
        say_grammar(faults, p, bytes, len);
    } else {
        fault_add(faults, at_of(p->mark), "out of memory");
    }
}

/* --- the tree --- */

static bool stop(struct builder *b, struct conf_at at, const char *why)
{
    fault_add(b->faults, at, "%s", why);
    return false;
}

/* Puts an item where the document is now. */
static bool add(struct builder *b, const struct item *like, struct item **added)
{
    struct item *n = arena_copy(b->arena, like, sizeof(*like));
    if (!n)
        return stop(b, like->at, "the configuration is too large");
    *added = n;
    if (b->depth == 0) {
        b->root = n;
        return true;
    }
    struct item *parent = b->open[b->depth - 1], **last = &b->last[b->depth - 1];
    if (parent->kind == ITEM_MAP && parent->count % 2 == 0 && n->kind != ITEM_TEXT)
        return stop(b, n->at, "a key must be text");
    *(*last ? &(*last)->next : &parent->first) = n;
    *last = n;
    parent->count++;
    return true;
}

static void refuse_extras(struct builder *b, const yaml_event_t *ev, const yaml_char_t *anchor,
                          const yaml_char_t *tag)
{
    if (anchor)
        fault_add(b->faults, at_of(ev->start_mark), "anchors (\"&%.*s\") are not supported",
                  QUOTED((const char *)anchor));
    if (tag)
        fault_add(b->faults, at_of(ev->start_mark), "tags (\"%.*s\") are not supported",
                  QUOTED((const char *)tag));
}

static bool add_text(struct builder *b, const yaml_event_t *ev)
{
    const char *value = (const char *)ev->data.scalar.value;
    size_t len = ev->data.scalar.length;
    struct item n = {.kind = ITEM_TEXT,
                     .at = at_of(ev->start_mark),
                     .len = (uint32_t)len,
                     .is_quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE};
    refuse_extras(b, ev, ev->data.scalar.anchor, ev->data.scalar.tag);
    if (memchr(value, '\0', len))
        return stop(b, n.at, "text with a NUL character");
    n.text = arena_string(b->arena, value, len);
    if (!n.text)
        return stop(b, n.at, "the configuration is too large");
    struct item *added;
    return add(b, &n, &added);
}

static bool open_item(struct builder *b, const yaml_event_t *ev, enum item_kind kind)
{
    struct item n = {.kind = kind, .at = at_of(ev->start_mark), .text = ""}, *added;
    if (kind == ITEM_MAP)
        refuse_extras(b, ev, ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
    else
        refuse_extras(b, ev, ev->data.sequence_start.anchor, ev->data.sequence_start.tag);
    if (b->depth == CONF_DEPTH_MAX)
        return stop(b, n.at, "lists and maps are nested too deeply");
    if (!add(b, &n, &added))
        return false;
    b->open[b->depth] = added;
    b->last[b->depth] = NULL;
    b->depth++;
    return true;
}

/* False: nothing more is to be read, because of a fault. */
static bool take(struct builder *b, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        return add_text(b, ev);
    case YAML_SEQUENCE_START_EVENT:
        return open_item(b, ev, ITEM_LIST);
    case YAML_MAPPING_START_EVENT:
        return open_item(b, ev, ITEM_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        ASSERT(b->depth > 0);
        b->depth--;
        return true;
    case YAML_ALIAS_EVENT:
        return stop(
            b, at_of(ev->start_mark),
            "aliases (\"*name\") are not supported; text that begins with \"*\" needs quotes");
    case YAML_DOCUMENT_START_EVENT:
        return !b->root ||
               stop(b, at_of(ev->start_mark), "a second document: the configuration is one");
    default:
        return true;
    }
}

/* A configuration may have secrets in it. What the parser has put aside of the file is wiped as far
 * as its interface shows it; while it grows a long text it leaves copies that nobody sees. */
static void wipe_input(yaml_parser_t *p)
{
    explicit_bzero(p->raw_buffer.start, (size_t)(p->raw_buffer.end - p->raw_buffer.start));
    explicit_bzero(p->buffer.start, (size_t)(p->buffer.end - p->buffer.start));
}

const struct item *item_read(const char *bytes, size_t len, struct arena *arena,
                             struct conf_faults *faults)
{
    struct builder b = {.arena = arena, .faults = faults};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        fault_add(faults, (struct conf_at){1, 1}, "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, len);
    bool more = true, whole = false;
    while (more) {
        yaml_event_t ev;
        if (!yaml_parser_parse(&parser, &ev)) {
            say_yaml(faults, &parser, bytes, len);
            break;
        }
        whole = ev.type == YAML_STREAM_END_EVENT;
        more = take(&b, &ev) && !whole;
        if (ev.type == YAML_SCALAR_EVENT)
            explicit_bzero(ev.data.scalar.value, ev.data.scalar.length);
        yaml_event_delete(&ev);
    }
    wipe_input(&parser);
    yaml_parser_delete(&parser);
    if (!whole)
        return NULL;
    static const struct item nothing = {.kind = ITEM_TEXT, .at = {1, 1}, .text = ""};
    return b.root ? b.root : &nothing;
}
