/* SPDX-License-Identifier: Apache-2.0
 * tsigtool: signs for tests. Each line of stdin is
 *
 *   ask KEY ALGORITHM SECRET NOW REQUEST            prints the request signed
 *   serve KEY ALGORITHM SECRET NOW REQUEST ANSWER...  prints rcode and TSIG error, then each answer
 *                                                   signed, as messages of one stream
 *
 * with the secret in base64, NOW in seconds, and messages in hexadecimal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "tsig/tsig.h"

#define LINE_MAX_LEN (1 << 20)

static uint8_t wire[DNS_MESSAGE_MAX * 2];
static char line[LINE_MAX_LEN], hex[sizeof(wire) * 2 + 1];

static void fail(const char *what)
{
    fprintf(stderr, "tsigtool: %s\n", what);
    exit(1);
}

static char *word(char **rest)
{
    char *w = strsep(rest, " \n");
    if (!w || !*w)
        fail("a word is missing");
    return w;
}

static size_t message_from(const char *text)
{
    struct wr w = wr_over(wire, DNS_MESSAGE_MAX);
    if (!base16_scan(text, strlen(text), &w))
        fail("not hexadecimal");
    return wr_len(&w);
}

static void print_message(size_t len)
{
    struct text t;
    text_init(&t, hex, sizeof(hex));
    base16_show(wire, len, &t);
    printf("%s", hex);
}

static struct keyring *read_key(char **rest)
{
    struct name_buf name;
    uint8_t bytes[TSIG_SECRET_LEN_MAX];
    struct diag diag;
    struct wr w = wr_over(bytes, sizeof(bytes));
    const char *text = word(rest), *algorithm = word(rest), *secret = word(rest);
    struct keyring *ring = keyring_new();
    if (name_scan(text, strlen(text), NAME_ROOT, &name, &diag) != OK ||
        !base64_scan(secret, strlen(secret), &w))
        fail("not a key");
    struct tsig_secret one = {bytes, wr_len(&w), 0};
    if (keyring_add(ring, name_of(&name), algorithm, &one, 1, &diag) != OK)
        fail(diag.text);
    return ring;
}

static void ask(struct keyring *ring, int64_t now_us, char *rest)
{
    struct tsig_session s = {0};
    size_t len = message_from(word(&rest));
    tsig_session_start(&s, keyring_at(ring, 0));
    tsig_sign(&s, wire, &len, now_us);
    print_message(len);
    tsig_session_done(&s);
}

static void serve(struct keyring *ring, int64_t now_us, char *rest)
{
    struct tsig_session s = {0};
    struct message m;
    size_t len = message_from(word(&rest));
    if (!message_read_header(&m, wire, len) || message_read(&m) != NOERROR)
        fail("not a message");
    enum rcode rc = tsig_verify(&s, ring, &m, now_us);
    printf("%d %d", (int)rc, s.error);
    while (rest && *rest) {
        len = message_from(word(&rest));
        tsig_sign(&s, wire, &len, now_us);
        printf(" ");
        print_message(len);
    }
    tsig_session_done(&s);
}

int main(void)
{
    while (fgets(line, sizeof(line), stdin)) {
        char *rest = line;
        const char *verb = word(&rest);
        struct keyring *ring = read_key(&rest);
        int64_t now_us = strtoll(word(&rest), NULL, 10) * 1000000;
        if (strcmp(verb, "ask") == 0)
            ask(ring, now_us, rest);
        else
            serve(ring, now_us, rest);
        printf("\n");
        keyring_free(ring);
    }
    return 0;
}
