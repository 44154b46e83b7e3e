/* SPDX-License-Identifier: Apache-2.0
 * Scenarios: the language of the .rv files, read into steps.
 *
 *     # RFC 1034 s4.3.2: what this shows          a comment, to the end of the line
 *     config {                                    settings of the map `server:`, one on a line
 *         minimal-responses no
 *     }
 *     zone example. {                             a zone file; here ; begins a comment
 *         @    SOA ns hostmaster 7 3600 900 1209600 300
 *         @    NS  ns
 *     }
 *     options example. {                          of a zone: key and value, one on a line, as in
 * the updates [{key: k, all: yes}]            configuration; without `zone` it has no file
 *     }
 *     remote ns1 {                                another server: its address and, if it has one,
 * key address [192.0.2.1, 2001:db8::1@5353] key k
 *     }
 *     key k c2VjcmV0c2VjcmV0c2VjcmV0               a TSIG key (hmac-sha256) and its secret
 *     origin example.                             what relative names below end in
 *     query www A          expect NOERROR aa { answer { www 60 A 192.0.2.1 } }
 *     query nowhere A do   expect NXDOMAIN aa {
 *         answer {}
 *         authority { @ 300 SOA ns hostmaster 7 3600 900 1209600 300 }
 *     }
 *     message { 0001 0000 0001 0000 0000 0000 "example" 00 0001 0001 } udp expect FORMERR|dropped
 *     update example. key k {                     RFC 2136; over UDP unless tcp is said
 *         name-unused  b                          2.4.5
 *         add          b 300 A 192.0.2.2          2.5.1
 *     }
 *     expect NOERROR
 *     file example. {                             the zone file is this from now on, and read again
 *         @    SOA ns hostmaster 9 3600 900 1209600 300
 *     }
 *     restart                                     the server ends, in order, and starts again
 *     crash                                       what is not synced is lost, and it starts again
 *     reload                                      configuration and zone files are read again
 *     after 30s                                   the clock moves
 *     expect sent notify to ns1 udp serial 8 answer NOERROR
 *     expect sent soa to ns1 answer NOERROR { @ SOA ns hostmaster 8 3600 900 1209600 300 }
 *     expect sent ixfr for example. to ns1 fail   the connection is refused
 *     expect sent nothing to ns1
 *     expect answer NOERROR                       to the oldest update that was to have one later
 *     fail write 3                                the third write to the state from now on fails
 *     fail sync once                              the next sync fails
 *     fail read 2                                 the second read of the state from now on fails
 *     fail full                                   every write fails, no space, until `fail nothing`
 *
 * Blanks and line ends separate words and mean nothing else, but for the lines of a block. The
 * indentation of a zone's first line is taken off all its lines. A record without a TTL has 3600,
 * in zones and in expectations. The origin is the last zone's name unless `origin` says another.
 *
 * query NAME TYPE, then any of these in any order:
 *     CLASS   udp tcp (without them it is asked over both)   opcode N   id N
 *     rd ad cd aa tc ra z qr                                  bits of the header
 *     edns SIZE   do   nsid   edns-version N   edns-flags HEX   option CODE HEX (- for nothing)
 *                                                             send an OPT, of size 1232 unless said
 *     key NAME                                                signed with that key
 *     serial N                                                IXFR: the SOA with it in authority
 * AXFR and IXFR over TCP are answered by a row of messages; their answer sections count as one.
 * message { ... }: hex digits, and "text" for a label with its length in front; then udp or tcp.
 * update ZONE [key NAME] [udp|tcp] [lease N [key-lease N]] { clauses }, one on a line; lease asks
 * for it (RFC 9664):
 *     name-in-use N   name-unused N   rrset-exists N TYPE   rrset-absent N TYPE   rrset-equals
 * RECORD add RECORD   delete RECORD   delete-rrset N TYPE   delete-name N A scenario with any
 * statement from `update` on is played once, step by step: its steps have effects. `after`,
 * `sent` and `fail` need the server in this process; over sockets such files are left out.
 *
 * expect sent KIND [for ZONE] to REMOTE [udp|tcp] [serial N]: the oldest message that the server
 * has sent to that remote, and that no such step has seen yet, is of that KIND (notify, soa, ixfr,
 * axfr, update), for that zone (else the origin), with that serial in its SOA record, and signed
 * with the remote's key or not at all. Then what becomes of it, or it stays unanswered:
 *     answer [forged] [unsigned] RCODE [{ records }]   with these records in its answer section,
 *                             signed like the question; forged: with another id
 *     fail                    nobody is there
 * expect sent nothing [to REMOTE]: no message but those that were seen.
 *
 * expect RCODE|RCODE... (or dropped, or later: not yet when all else has come to rest), then any of
 * these:
 *     aa tc ra z ad           bits that are set; those that are not named are clear
 *     aa?                     set or not
 *     nsid "TEXT"   announces N (the size in OPT)   size N (bytes at most)   opt   no-opt
 *     expire N                the EXPIRE option says that
 *     lease N [key-lease N]   the Update Lease option says that; without key-lease in 4 bytes
 *     ede N   no-ede          there is an extended DNS error with that code, or none; else there
 *                             may be any
 *     option CODE HEX         there is this option, once, with these bytes (- for none); HEX...:
 *                             they begin so
 *     no-option CODE          there is none of it
 *     no-question             the question does not come back
 * and sections in braces; one that is not there is not compared:
 *     answer { records }          exactly these, in any order; OPT is left out
 *     answer has { records }      these and maybe others
 *     answer within { records }   some of these, and every RRset that is there whole
 *     answer one-of { records }   the same with exactly one RRset (and what signs it)
 *     answer in-order { records } exactly these, in this order
 * A record is: owner [TTL] [CLASS] type rdata, on one line. Names compare without regard to case.
 * Rdata that ends in ... is compared as far as it goes, word by word, with names absolute:
 * RRSIG SOA 13 1 ...
 *
 * Checked in every answer, without being said: id, QR, opcode and RD; the question byte for
 * byte; OPT if and only if one was asked with, its version, DO as asked, no other flag, no NSID
 * unless expected; the size allowed; no bytes left over.
 *
 * Words that are not known are errors with file and line; so are zone and config behind the
 * first step. */
#ifndef REEVE_SCENARIO_SCRIPT_H
#define REEVE_SCENARIO_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "dns/codes.h"
#include "dns/rr.h"

#define SCRIPT_TTL 3600

enum script_transport { SCRIPT_UDP = 1, SCRIPT_TCP = 2 };
enum script_opt { OPT_AS_ASKED, OPT_PRESENT, OPT_ABSENT };
enum script_mode { MODE_IGNORE, MODE_EXACT, MODE_HAS, MODE_WITHIN, MODE_ONE_OF, MODE_ORDER };

/* One record that is expected; rdata, or, with words != NULL, the first words of its text. */
struct script_record {
    struct name owner;
    uint16_t type, class;
    uint32_t ttl;
    struct rdata rdata;
    const char *words;
    struct script_record *next;
};

/* An option that is expected in the answer's OPT, or is not. */
struct script_option {
    uint16_t code;
    bool is_absent, is_prefix; /* is_prefix: it may go on */
    const uint8_t *bytes;
    size_t len;
    struct script_option *next;
};

struct script_section {
    enum script_mode mode;
    struct script_record *records;
};

#define SCRIPT_RCODE_DROPPED 63
#define SCRIPT_RCODE_LATER   62

/* What a step does; all but STEP_ASK have no answer. */
enum script_kind {
    STEP_ASK,
    STEP_FILE,
    STEP_RELOAD,
    STEP_RESTART,
    STEP_CRASH,
    STEP_AFTER,
    STEP_FAIL,
    STEP_SENT,
    STEP_ANSWER
};

/* What is expected of a message that the server has sent, and what comes back. */
struct script_sent {
    const char *kind; /* NULL: nothing was sent */
    struct name zone;
    const char *to;      /* NULL: anybody */
    unsigned transports; /* enum script_transport; 0: any */
    bool has_serial;
    uint32_t serial;
    enum script_reply { SENT_KEEP, SENT_ANSWER, SENT_FAIL } reply;
    uint16_t rcode;
    bool is_forged, is_unsigned;
    struct script_record *records;
};

/* What fails, see fail. */
enum script_fault { DISK_WORKS, DISK_WRITE, DISK_SYNC, DISK_READ, DISK_FULL };

struct script_step {
    unsigned line;
    enum script_kind kind;
    const char *key;          /* STEP_ASK: what the message is signed with; NULL: nothing */
    struct script_zone *zone; /* STEP_FILE, with its new text */
    const char *text;
    size_t text_len;
    uint64_t after_ms;       /* STEP_AFTER */
    enum script_fault fault; /* STEP_FAIL */
    unsigned fault_count;
    struct script_sent sent; /* STEP_SENT */
    bool is_query;           /* else raw bytes */
    const uint8_t *wire;     /* what is sent */
    size_t wire_len;
    size_t question_len;   /* query: bytes behind the header that come back */
    unsigned transports;   /* enum script_transport */
    bool has_opt;          /* query: an OPT is sent */
    uint64_t options_sent; /* with these options: bits, of codes below 64 */
    uint16_t opt_size, opt_flags;

    uint64_t rcodes; /* bit per response code, SCRIPT_RCODE_DROPPED among them */
    uint16_t flags, flags_compared;
    enum script_opt opt;
    const char *nsid; /* NULL: none */
    bool has_expire;
    uint32_t expire;
    unsigned lease_len; /* of the Update Lease option; 0: none */
    uint32_t lease_s, key_lease_s;
    bool has_ede, has_no_ede;
    uint16_t ede;
    struct script_option *options; /* the last one first */
    bool no_question;
    size_t size_max;    /* 0: what the transport allows */
    uint32_t announces; /* size in the answer's OPT; 0: not compared */
    struct script_section section[SECTION_COUNT];
    struct script_step *next;
};

struct script_zone {
    const char *name;
    /* the zone file; its lines have the numbers that they have in the scenario; NULL: none */
    const char *text;
    size_t text_len;
    struct script_setting *options;
    struct script_zone *next;
};

struct script_setting {
    const char *key, *value;
    struct script_setting *next;
};

struct script_remote {
    const char *name;
    struct script_setting *settings;
    struct script_remote *next;
};

struct script {
    const char *path;
    bool is_stateful;            /* its steps have effects: it is played once */
    struct script_setting *keys; /* name, secret */
    struct script_remote *remotes;
    struct script_zone *zones;
    struct script_setting *settings;
    struct script_step *steps;
    unsigned step_count;
    struct arena arena; /* all of the above */
};

/* Reads a file. Not OK: diag says "path:line: what", and there is nothing to be freed. */
enum err script_read(const char *path, struct script *out, struct diag *diag);
void script_done(struct script *s);
/* The last value given for a setting, or preset. */
const char *script_setting(const struct script *s, const char *key, const char *preset);

#endif
