/* SPDX-License-Identifier: Apache-2.0
 * YAML to a tree: text stays text, places are right, what is refused is refused where it stands. */
#include "conf/item.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "unit.h"

static struct conf_faults faults;
static struct arena arena;

static const struct item *read_text(const char *yaml)
{
    arena_init(&arena, 4096, 1 << 20);
    faults.count = 0;
    return item_read(yaml, strlen(yaml), &arena, &faults);
}

static void place_is(const struct item *n, unsigned line, unsigned column, const char *text)
{
    cr_expect_eq(n->at.line, line, "%s: line %u", text, n->at.line);
    cr_expect_eq(n->at.column, column, "%s: column %u", text, n->at.column);
    cr_expect_str_eq(n->text, text);
}

Test(item, keeps_every_scalar_as_text)
{
    const struct item *n =
        read_text("[no., on, 0.10.in-addr.arpa, 010, 1e3, ~, null, 2024-01-01, 'a b', \"c\\td\"]");
    static const char *const texts[] = {"no.", "on",   "0.10.in-addr.arpa", "010", "1e3",
                                        "~",   "null", "2024-01-01",        "a b", "c\td"};
    cr_assert_not_null(n);
    cr_assert_eq(n->kind, ITEM_LIST);
    cr_assert_eq(n->count, ARRAY_LEN(texts));
    const struct item *it = n->first;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++, it = it->next) {
        cr_expect_str_eq(it->text, texts[i]);
        cr_expect_eq(it->len, strlen(texts[i]));
    }
    arena_done(&arena);
}

Test(item, knows_its_place_in_characters)
{
    const struct item *n = read_text("# c\r\na:\r\n  b: \xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80  # "
                                     "x\r\n  \xC3\xBC\xC3\xBC: [1, 2]\r\n");
    cr_assert_not_null(n);
    const struct item *a = n->first, *map = a->next, *b = map->first, *u = b->next->next;
    place_is(n, 2, 1, "");
    place_is(a, 2, 1, "a");
    place_is(map, 3, 3, "");
    place_is(b, 3, 3, "b");
    place_is(b->next, 3, 6, "\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80");
    place_is(u, 4, 3, "\xC3\xBC\xC3\xBC");
    place_is(u->next, 4, 7, "");
    place_is(u->next->first->next, 4, 11, "2");
    arena_done(&arena);
}

Test(item, tells_nothing_from_empty_text)
{
    const struct item *n = read_text("a:\nb: ''\nc: x\n");
    cr_assert_not_null(n);
    cr_expect(item_is_empty(n->first->next));
    cr_expect_not(item_is_empty(n->first->next->next->next));
    cr_expect_not(item_is_empty(n->first->next->next->next->next->next));
    arena_done(&arena);
    cr_expect(item_is_empty(read_text("")));
    arena_done(&arena);
    cr_expect(item_is_empty(read_text("# nothing\n---\n")));
    arena_done(&arena);
}

Test(item, refuses_where_it_stands)
{
    static const struct row {
        const char *yaml;
        unsigned line, column;
        const char *text; /* begins so */
    } rows[] = {
        {"a: &x 1\n", 1, 4, "anchors (\"&x\") are not supported"},
        {"a: &x [1]\n", 1, 4, "anchors (\"&x\")"},
        {"a: &x {b: 1}\n", 1, 4, "anchors (\"&x\")"},
        {"a: 1\nb: *x\n", 2, 4, "aliases"},
        {"a: !!str 1\n", 1, 4, "tags (\"tag:yaml.org,2002:str\")"},
        {"a: !x [1]\n", 1, 4, "tags (\"!x\")"},
        {"a: 1\n---\nb: 2\n", 2, 1, "a second document"},
        {"? [a]\n: 1\n", 1, 3, "a key must be text"},
        {"{{a: 1}: 2}", 1, 2, "a key must be text"},
        {"a: \"x\\0y\"\n", 1, 4, "text with a NUL character"},
        {"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", 1, 17, "lists and maps are nested too deeply"},
        {"a: [1, 2\nb: 3\n", 2, 2,
         "not YAML: did not find expected ',' or ']' while parsing a flow sequence at line 1, "
         "column 4"},
        {"a: 1\n  b: 2\n", 2, 4, "not YAML: mapping values are not allowed in this context"},
        {"a: 'x\n", 2, 1,
         "not YAML: found unexpected end of stream while scanning a quoted scalar at line 1, "
         "column 4"},
        {"a:\n\tb: 1\n", 2, 1, "a tab cannot indent"},
        {"a: @x\n", 1, 4, "text that begins with \"@\" needs quotes"},
        {"a: `x\n", 1, 4, "text that begins with \"`\" needs quotes"},
        {"a: %x\n", 1, 4, "text that begins with \"%\" needs quotes"},
        {"a: [::1]\n", 1, 5, "an address that begins with \"::\" needs quotes"},
        {"a: 1\nb: \xC3\xBC \xFF\n", 2, 6, "not UTF-8 text"},
        {"a: 1\nb: \x01\n", 2, 4, "not UTF-8 text: control characters are not allowed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        read_text(r->yaml);
        const struct conf_fault *f = &faults.list[0];
        cr_expect_eq(faults.count, 1, "%s: %u faults", r->yaml, faults.count);
        cr_expect(f->at.line == r->line && f->at.column == r->column, "%s: at %u:%u", r->yaml,
                  f->at.line, f->at.column);
        cr_expect(strncmp(f->text, r->text, strlen(r->text)) == 0, "%s: %s", r->yaml, f->text);
        arena_done(&arena);
    }
}

Test(item, refuses_a_document_larger_than_its_memory)
{
    size_t len = 100000;
    char *yaml = malloc(len);
    memset(yaml, ',', len);
    yaml[0] = '[';
    for (size_t i = 1; i < len; i += 2)
        yaml[i] = 'a';
    yaml[len - 1] = ']';
    arena_init(&arena, 4096, 64 << 10);
    cr_expect_null(item_read(yaml, len, &arena, &faults));
    cr_expect_eq(faults.count, 1);
    cr_expect_str_eq(faults.list[0].text, "the configuration is too large");
    arena_done(&arena);
    free(yaml);
}
