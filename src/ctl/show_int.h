/* SPDX-License-Identifier: Apache-2.0
 * For the files of ctl/ that show answers: a verb's show function, and what they share.
 *
 * An answer may hold anything: what is missing or of another kind is an empty text, or 0. */
#ifndef REEVE_CTL_SHOW_INT_H
#define REEVE_CTL_SHOW_INT_H

#include "ctl/show.h"

#define VERB(id, ...) void show_##id(const json_t *line, FILE *out);
#include "ctl/verb.tbl.h"
#undef VERB

const char *show_text_of(const json_t *object, const char *key);
json_int_t show_number_of(const json_t *object, const char *key);
bool show_has(const json_t *object, const char *key);

/* "2d 3h", "3h 4m", "4m 5s", "5s" */
void show_span(json_int_t s, FILE *out);
/* 2026-11-21 09:14:03 UTC */
void show_time(json_int_t us, FILE *out);
/* "12 zones" */
void show_count(json_int_t n, const char *what, FILE *out);
/* "1.5 KiB", "18.2 MiB" */
void show_bytes(json_int_t bytes, FILE *out);
/* Of a zone whose changes are kept. */
void show_about(const json_t *line, FILE *out);
/* How many of the zone's records have a lease, and when the first is over. */
void show_zone_leases(const json_t *line, FILE *out);
/* Of the whole server; nothing where there are none. */
void show_lease_counts(const json_t *line, FILE *out);
/* A row for each secondary of a zone. */
void show_secondaries(const json_t *line, json_int_t now_us, FILE *out);
/* Of a zone that follows primaries. */
void show_secondary(const json_t *line, FILE *out);
/* Of `total` the list has only some. */
void show_left_out(json_int_t total, const json_t *list, const char *indent, FILE *out);

#endif
