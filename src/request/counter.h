/* SPDX-License-Identifier: Apache-2.0
 * Counters: one row each; the struct, the names in metrics and the texts are made from the rows. */
#ifndef REEVE_REQUEST_COUNTER_H
#define REEVE_REQUEST_COUNTER_H

#include <stdint.h>

#include "request/option.h"

/* clang-format off */
#define COUNTER_OPTION(X, name, code, how, text) X(edns_option_##name, "messages with " text)
/*        name                   meaning */
#define COUNTER_LIST(X)                                                                            \
    X(udp_queries,         "datagrams received")                                                   \
    X(tcp_queries,         "messages received over TCP")                                           \
    X(answers,             "answers sent")                                                         \
    X(answers_truncated,   "answers with TC set")                                                  \
    X(dropped_short,       "messages shorter than a header, not answered")                         \
    X(dropped_response,    "messages with QR set, not answered")                                   \
    X(dropped_port_zero,   "datagrams from port 0, not answered")                                  \
    X(udp_too_long,        "datagrams longer than what is read of them, answered FORMERR")         \
    X(dropped_send,        "answers that the kernel did not take")                                 \
    X(udp_dropped_kernel,  "datagrams that came faster than they were read, dropped by the kernel") \
    X(formerr,             "answers FORMERR")                                                      \
    X(servfail,            "answers SERVFAIL")                                                     \
    X(notimp,              "answers NOTIMP")                                                       \
    X(refused,             "answers REFUSED")                                                      \
    X(badvers,             "answers BADVERS")                                                      \
    X(nxdomain,            "answers NXDOMAIN")                                                     \
    X(noerror,             "answers NOERROR")                                                      \
    X(yxdomain,            "answers YXDOMAIN")                                                     \
    X(yxrrset,             "answers YXRRSET")                                                      \
    X(nxrrset,             "answers NXRRSET")                                                      \
    X(notauth,             "answers NOTAUTH")                                                      \
    X(notzone,             "answers NOTZONE")                                                      \
    X(chains_cut,          "CNAME or DNAME chains cut at the limit")                               \
    X(arena_full,          "requests that reached the memory limit, answered SERVFAIL")            \
    X(edns_queries,        "messages with OPT")                                                    \
    EDNS_OPTION_LIST(COUNTER_OPTION, X)                                                            \
    X(edns_unknown_option, "EDNS options ignored as unknown")                                      \
    X(cookies_good,        "messages with a server cookie of ours")                                \
    X(cookies_bad,         "messages with a server cookie that is not, or no more, good")          \
    X(badcookie,           "answers BADCOOKIE")                                                    \
    X(nsec3_over_limit,    "answers without NSEC3 proof, iterations above the limit")              \
    X(tcp_accepted,        "TCP connections accepted")                                             \
    X(tcp_limit_total,     "TCP connections that made the idlest one give way")                    \
    X(tcp_limit_address,   "TCP connections refused, too many from one address")                   \
    X(tcp_idle_closed,     "TCP connections closed as idle")                                       \
    X(tcp_slow_closed,     "TCP connections closed, message or answer not moved in time")          \
    X(tcp_paused,          "times reading stopped while unsent answers were large")                \
    X(tcp_no_descriptor,   "TCP connections that found no descriptor or memory at first")          \
    X(keepalives_told,     "answers that say how long a TCP connection may be idle")               \
    X(replies_ignored,     "answers that came to a question of ours and are none to it, ignored")  \
    X(reloads,             "reloads of the configuration that took effect")                        \
    X(reloads_failed,      "reloads refused, configuration faulty")                                \
    X(zone_loads,          "zones loaded")                                                         \
    X(zone_loads_failed,   "zones that could not be loaded")                                       \
    X(zone_files_held,     "zone files held back by a shrink limit")                               \
    X(tsig_verified,       "messages whose signature is right")                                    \
    X(tsig_badkey,         "messages signed with a key that we do not have")                       \
    X(tsig_badsig,         "messages whose signature is wrong")                                    \
    X(tsig_badtime,        "messages signed at another time")                                      \
    X(tsig_badtrunc,       "messages whose signature is too short")                                \
    X(updates,             "UPDATE messages")                                                      \
    X(updates_done,        "updates that changed a zone and are durable")                          \
    X(updates_unchanged,   "updates that had nothing to change")                                   \
    X(updates_ignored,     "operations of updates that are ignored by rule")                       \
    X(leases_granted,      "leases of records that had none")                                      \
    X(leases_renewed,      "leases renewed")                                                       \
    X(leases_expired,      "records removed because their leases were over")                       \
    X(updates_lost,        "updates answered SERVFAIL, the change log failed")                     \
    X(updates_over_pending, "updates answered SERVFAIL, too many wait for the log")                \
    X(updates_wait_timeouts, "updates answered before so many secondaries had them")               \
    X(notifies_sent,       "NOTIFY messages sent")                                                 \
    X(notifies_refused,    "NOTIFY messages that a secondary answered with an error")              \
    X(rrl_limited,         "answers over UDP held back by a rate limit")                           \
    X(rrl_slipped,         "of them sent all the same, truncated or as an error")                  \
    X(rrl_nxdomain,        "of those held back NXDOMAIN")                                          \
    X(rrl_referrals,       "of those held back referrals")                                         \
    X(rrl_errors,          "of those held back errors")                                            \
    X(turned_away,         "messages turned away unread, too many of that source were refused")    \
    X(updates_over_share,  "updates answered SERVFAIL, too many of that client wait")              \
    X(updates_over_work,   "updates REFUSED, they have too many records of the zone looked at")    \
    X(updates_forwarded,   "updates that a primary has answered, for a secondary here")            \
    X(updates_forward_failed, "updates answered SERVFAIL, no primary took them")                   \
    X(updates_over_forwarded, "updates answered SERVFAIL, too many are being passed on")           \
    X(axfr_out,            "whole zones sent, to AXFR or IXFR")                                    \
    X(ixfr_out,            "differences sent to IXFR")                                             \
    X(ixfr_condensed,      "of them in a shorter form than they were made")                        \
    X(ixfr_current,        "IXFR answered: there is nothing newer")                                \
    X(ixfr_fallbacks,      "IXFR answered with the whole zone")                                    \
    X(ixfr_over_udp,       "IXFR over UDP that has to be asked again over TCP")                    \
    X(transfers_refused,   "AXFR and IXFR refused by rule")                                        \
    X(transfers_over_limit, "AXFR and IXFR answered SERVFAIL, too many at once")                   \
    X(transfers_over_client, "AXFR and IXFR answered SERVFAIL, too many of one client")            \
    X(transfers_broken,    "transfers to others that broke off")                                   \
    X(transfers_timed_out, "of them those cut at transfer-time")                                   \
    X(commits,             "batches given to the change log")                                      \
    X(commits_failed,      "batches that the change log did not take")                             \
    X(commit_changes,      "changes in them")                                                      \
    X(snapshots,           "snapshots written")                                                    \
    X(snapshots_failed,    "snapshots that could not be written")                                  \
    X(changes_aged,        "changes dropped from the history at limits.history-age")               \
    X(calls_given_up,      "questions not sent, others of that server had no answer")              \
    X(probes_answered,     "SOA probes that primaries answered")                                   \
    X(primaries_failed,    "questions to primaries that failed, probes and transfers")             \
    X(primaries_plain,     "answers of primaries without EDNS, which are asked again without it")   \
    X(transfers_in,        "transfers from primaries taken")                                       \
    X(transfers_in_failed, "transfers from primaries that failed")                                 \
    X(transfers_in_over_memory, "of these because of limits.transfers-memory")                       \
    X(transfers_in_slow,   "of these because of limits.transfer-progress")                         \
    X(transfers_in_too_large, "of these because of limits.transfer-size or transfer-records")      \
    X(transfers_in_too_long, "of these because of limits.transfer-time")                           \
    X(transfers_in_over_size, "differences not taken, the zone would outgrow limits.transfer-size") \
    X(transfers_in_held,   "transfers from primaries kept back by a shrink limit")                 \
    X(notifies_in,         "NOTIFY messages")                                                      \
    X(notifies_in_refused, "NOTIFY messages turned down")                                          \
    X(zones_damaged,       "secondary zones transferred anew, what the log had was damaged")     \
    X(zones_expired,       "times that a secondary zone's data became too old")
/* clang-format on */

struct counters {
#define X(name, text) uint64_t name;
    COUNTER_LIST(X)
#undef X
};

#endif
