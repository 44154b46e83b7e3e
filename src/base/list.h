/* SPDX-License-Identifier: Apache-2.0
 * Intrusive doubly linked lists: a head and links are the same struct, the list is a ring through
 * its head.
 *
 * Nothing is allocated; a link is in at most one list. */
#ifndef REEVE_BASE_LIST_H
#define REEVE_BASE_LIST_H

#include <stdbool.h>

#include "base/attr.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_add_last(struct list *head, struct list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void list_add_first(struct list *head, struct list *link)
{
    list_add_last(head->next, link);
}

/* The link may be taken out again (a no-op) after this. */
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

#define list_entry(link, type, member) container_of(link, type, member)

/* The body may remove `it` but no other link. */
#define LIST_EACH(it, head)                                                   \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head); \
         it = it##_next, it##_next = it->next)

#endif
