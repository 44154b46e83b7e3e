/* SPDX-License-Identifier: Apache-2.0
 * Sends mutated messages of every kind (mutator.h), over UDP and over TCP.
 *
 *     mutate PORT SEED FIRST COUNT      to 127.0.0.1: messages FIRST to FIRST + COUNT - 1 of SEED
 *     mutate show SEED NUMBER           prints message NUMBER in hexadecimal
 *
 * After each batch comes a question that must be answered (client.h), so that the server is never
 * ahead or behind by more. Prints what was sent, and the rcodes of what came back; when it fails,
 * the seed and the numbers of the batch. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/wire.h"
#include "client.h"
#include "dns/codes.h"
#include "mutator.h"

#define DATAGRAM_MAX 4000
#define STREAM_EVERY 4  /* batches */
#define STREAM_COUNT 16 /* messages of one connection: few enough for nothing to be held back */

struct mutate {
    struct client client;
    struct mutator *mutator;
    uint64_t seed, next, batch;
    int64_t now_s;
    unsigned long sound, spoilt, plain, rcode[16];
    bool is_done;
};

static void hear(void *arg, const uint8_t *answer, size_t len)
{
    struct mutate *mu = arg;
    mu->rcode[answer[3] & FLAG_RCODE_MASK]++;
    mutator_learn(mu->mutator, answer, len);
}

static size_t next_message(struct mutate *mu, uint8_t *p, size_t max)
{
    struct mutant what;
    size_t len = mutator_write(mu->mutator, mu->next++, mu->now_s, p, max, &what);
    mu->sound += what.is_sound;
    mu->spoilt += what.is_spoilt;
    mu->plain += !what.is_spoilt && what.steps == 0;
    return len;
}

static void send_datagrams(struct mutate *mu, unsigned count)
{
    static uint8_t bytes[CLIENT_BATCH_MAX][DATAGRAM_MAX];
    struct iovec iov[CLIENT_BATCH_MAX];
    for (unsigned i = 0; i < count; i++)
        iov[i] = (struct iovec){bytes[i], next_message(mu, bytes[i], DATAGRAM_MAX)};
    client_send(&mu->client, iov, count);
    client_ask_udp(&mu->client);
}

/* One connection, at whose end the question stands. The server may have closed it before for what
 * came on it; then the question is asked once more, on a connection of its own. */
static void send_stream(struct mutate *mu, unsigned count)
{
    static uint8_t bytes[STREAM_COUNT * (DNS_MESSAGE_MAX + 2) + CLIENT_QUESTION_MAX + 2];
    size_t len = 0;
    for (unsigned i = 0; i < count; i++)
        len += client_frame(bytes + len, next_message(mu, bytes + len + 2, DNS_MESSAGE_MAX));
    uint8_t *asked = bytes + len + 2;
    size_t asked_len = client_question(&mu->client, asked);
    len += client_frame(bytes + len, asked_len);
    int fd = client_dial(&mu->client);
    client_push(fd, bytes, len);
    bool is_answered = client_await(&mu->client, fd, asked, asked_len);
    close(fd);
    if (is_answered)
        return;
    fd = client_dial(&mu->client);
    client_push(fd, asked - 2, asked_len + 2);
    if (!client_await(&mu->client, fd, asked, asked_len)) {
        errno = ECONNRESET;
        client_fail("a good question over TCP");
    }
    close(fd);
}

static void send_all(struct mutate *mu, uint64_t end)
{
    for (unsigned batch = 0; mu->next < end; batch++) {
        bool is_stream = batch % STREAM_EVERY == 0;
        uint64_t left = end - mu->next, most = is_stream ? STREAM_COUNT : CLIENT_BATCH_MAX;
        mu->batch = mu->next;
        mu->now_s = time(NULL);
        if (is_stream)
            send_stream(mu, (unsigned)(left < most ? left : most));
        else
            send_datagrams(mu, (unsigned)(left < most ? left : most));
    }
}

static void say_where(int code, void *arg)
{
    struct mutate *mu = arg;
    if (code && !mu->is_done)
        fprintf(stderr, "seed %llu, messages %llu to %llu\n", (unsigned long long)mu->seed,
                (unsigned long long)mu->batch, (unsigned long long)mu->next - 1);
}

static void say_all(const struct mutate *mu, const char *count)
{
    char text[16];
    printf("seed %llu: %s messages, %lu of them unchanged, %lu spoilt, %lu signed right; %lu good "
           "questions; %lu answers:",
           (unsigned long long)mu->seed, count, mu->plain, mu->spoilt, mu->sound,
           mu->client.questions, mu->client.answers);
    for (unsigned i = 0; i < 16; i++)
        if (mu->rcode[i])
            printf(" %s %lu", rcode_text(i, text), mu->rcode[i]);
    printf("\n");
}

static void show(struct mutate *mu, uint64_t number)
{
    static uint8_t bytes[DNS_MESSAGE_MAX];
    struct mutant what;
    size_t len = mutator_write(mu->mutator, number, time(NULL), bytes, sizeof(bytes), &what);
    fprintf(stderr, "%s, %u steps%s, key %s%s\n", what.kind, what.steps,
            what.is_spoilt ? ", spoilt" : "", what.key ? what.key : "none",
            what.is_sound ? ", signed right" : "");
    for (size_t i = 0; i < len; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

int main(int argc, char **argv)
{
    static struct mutate mu;
    bool is_show = argc == 4 && strcmp(argv[1], "show") == 0;
    if (!is_show && argc != 5) {
        fprintf(stderr, "mutate PORT SEED FIRST COUNT\nmutate show SEED NUMBER\n");
        return 2;
    }
    mu.seed = strtoull(argv[2], NULL, 10);
    mu.next = strtoull(argv[3], NULL, 10);
    mu.mutator = mutator_new(mu.seed, TEST_DATA "/rdata.txt");
    if (is_show) {
        show(&mu, mu.next);
    } else {
        on_exit(say_where, &mu);
        mu.client.heard = hear;
        mu.client.arg = &mu;
        client_open(&mu.client, (uint16_t)strtoul(argv[1], NULL, 10));
        send_all(&mu, mu.next + strtoull(argv[4], NULL, 10));
        say_all(&mu, argv[4]);
    }
    mu.is_done = true;
    mutator_free(mu.mutator);
    return 0;
}
