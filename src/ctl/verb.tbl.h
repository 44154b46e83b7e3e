/* SPDX-License-Identifier: Apache-2.0
 * What an operator can ask of a running server, one row a verb. No include guard: included many times. The
 * command line of reevectl, its help, the server's check of a request and its dispatch are made from these rows.
 *
 * VERB: id is the enum (VERB_<id>) and the server's function (control_<id>). name is what is typed and what "verb"
 * holds. wait_s: how long reevectl waits for the next line of the answer. Then at most VERB_ARGS_MAX arguments
 * {name, letter, kind, place, what}, kinds and places as in verb.h; {0} is none.
 *
 * ALIAS: names that other servers' tools have taught. */

/*   id         name         wait_s  what it does                                            arguments */
#ifdef VERB
VERB(status,    "status",    10,     "how the server is, in a few lines",                    {0})
VERB(stats,     "stats",     10,     "every counter",                                        {0})
VERB(reload,    "reload",    900,    "reads the configuration and all zones again, or only the zones named",
     {"zones", 0, VERB_NAMES, VERB_REST, "ZONE"})
VERB(check,     "check",     900,    "checks the configuration and every zone file, changes nothing", {0})
VERB(plan,      "plan",      3600,   "what a reload would do: nothing is applied", {0})
VERB(stop,      "stop",      60,     "stops the server once all that was asked is answered",  {0})
VERB(loglevel,  "log-level", 10,     "least level that is logged, until the next reload; without one, shows it",
     {"level", 0, VERB_TEXT, VERB_MAYBE, "error|warning|notice|info|debug"})
VERB(zones,     "zones",     30,     "all zones with type, serial and number of records",     {0})
VERB(zone,      "zone",      10,     "what there is to know about a zone",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"})
VERB(export,    "export",    300,    "a zone as it is served, as it was, or what of it is not its file's",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"},
     {"output", 'o', VERB_FILE, VERB_OPTION, "FILE"},
     {"at", 0, VERB_NUMBER, VERB_OPTION, "SERIAL"},
     {"dynamic", 0, VERB_YES, VERB_OPTION, ""})
VERB(keylist,   "key list",  30,     "the keys: where each is from, until when its secrets hold, who grants it what", {0})
VERB(keynew,    "key new",   900,    "makes a key, takes it into use and shows its secret, once",
     {"key", 0, VERB_NAME, VERB_MUST, "NAME"},
     {"for", 0, VERB_TEXT, VERB_OPTION, "\"acme www\""},
     {"algorithm", 0, VERB_TEXT, VERB_OPTION, "hmac-sha256"})
VERB(keyrotate, "key rotate", 900,
     "gives a key a new secret; the old one holds for a while, and until then another rotation needs --force, which ends it",
     {"key", 0, VERB_NAME, VERB_MUST, "NAME"},
     {"overlap", 0, VERB_TEXT, VERB_OPTION, "7d"},
     {"force", 0, VERB_YES, VERB_OPTION, ""})
VERB(keyrevoke, "key revoke", 900,   "nothing is accepted with the key any more",
     {"key", 0, VERB_NAME, VERB_MUST, "NAME"})
VERB(backup,    "backup",    3600,   "copies the change log, the kept keys and the cookie secrets into a new folder, while the server goes on",
     {"dir", 0, VERB_PATH, VERB_MUST, "DIR"})
VERB(journalcheck, "journal check", 3600, "reads all of the change log and says what is damaged", {0})
VERB(update,    "update",    300,    "changes a zone in one transaction: nsupdate's commands from FILE or standard input",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"},
     {"input", 0, VERB_INPUT, VERB_MAYBE, "FILE"},
     {"dry-run", 0, VERB_YES, VERB_OPTION, ""})
VERB(leases,    "leases",    300,    "records that are removed when their leases are over: for how long each is kept yet",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"},
     {"name", 0, VERB_TEXT, VERB_MAYBE, "NAME"})
VERB(expire,    "expire",    60,     "ends the leases at a name now: its records go as if their time was over",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"},
     {"name", 0, VERB_TEXT, VERB_MUST, "NAME"})
VERB(freeze,    "freeze",    30,     "refuses updates of clients to the zone until it is thawed, over restarts too",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"})
VERB(thaw,      "thaw",      30,     "lets clients update the zone again",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"})
VERB(explain_update, "explain update", 30,
     "what an update with that key (-: unsigned) would get, and what each rule says to it",
     {"key", 0, VERB_TEXT, VERB_MUST, "KEY"},
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"},
     {"update", 0, VERB_TEXT, VERB_MUST, "\"add NAME TTL TYPE DATA\""},
     {"from", 0, VERB_TEXT, VERB_OPTION, "ADDRESS"})
VERB(explain_query, "explain query", 10, "the answer to a query, and what of the zone it comes from",
     {"name", 0, VERB_NAME, VERB_MUST, "NAME"},
     {"type", 0, VERB_TEXT, VERB_MUST, "TYPE"},
     {"from", 0, VERB_TEXT, VERB_OPTION, "ADDRESS"},
     {"do", 0, VERB_YES, VERB_OPTION, ""})
VERB(explain_transfer, "explain transfer", 10,
     "whether somebody there, with that key, may have a zone, and what each rule says to it",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"},
     {"from", 0, VERB_TEXT, VERB_OPTION, "ADDRESS"},
     {"key", 0, VERB_TEXT, VERB_OPTION, "KEY"})
VERB(refused,   "refused",   10,     "the last messages that were refused, and why",
     {"last", 'n', VERB_NUMBER, VERB_OPTION, "N"})
VERB(log,       "log",       300,    "changes of a zone, newest first; -p with their records",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"},
     {"key", 0, VERB_TEXT, VERB_OPTION, "KEY"},
     {"name", 0, VERB_TEXT, VERB_OPTION, "NAME"},
     {"since", 0, VERB_TEXT, VERB_OPTION, "2h|DATE"},
     {"records", 'p', VERB_YES, VERB_OPTION, ""},
     {"limit", 0, VERB_NUMBER, VERB_OPTION, "N"})
VERB(diff,      "diff",      300,    "what differs between two serials, or the zone file, and what is served",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"},
     {"serials", 0, VERB_TEXT, VERB_MAYBE, "SERIAL[..SERIAL]"},
     {"file", 0, VERB_YES, VERB_OPTION, ""})
VERB(roll_back, "rollback",  300,    "undoes what was changed after a serial, as a new change; what the zone file has changed stays",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"},
     {"serial", 0, VERB_NUMBER, VERB_MUST, "SERIAL"},
     {"dry-run", 0, VERB_YES, VERB_OPTION, ""})
VERB(notify,    "notify",    10,     "tells all secondaries of a zone now that it has changed",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"})
VERB(peers,     "peers",     30,     "the secondaries and primaries of a zone, or of all: serial, lag, last error",
     {"zone", 0, VERB_NAME, VERB_MAYBE, "ZONE"})
VERB(wait,      "wait",      3660,   "waits until all secondaries of a zone have its serial, or that one",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"},
     {"serial", 0, VERB_NUMBER, VERB_MAYBE, "SERIAL"},
     {"timeout", 't', VERB_NUMBER, VERB_OPTION, "SECONDS"})
VERB(refresh,   "refresh",   10,     "asks the primaries of a secondary zone now whether there is news",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"})
VERB(transfer,  "transfer",  10,     "has a secondary zone transferred anew, whole; --force: whatever its serial and size",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"},
     {"force", 0, VERB_YES, VERB_OPTION, ""})
VERB(blame,     "blame",     300,    "who has changed a name last, RRset by RRset",
     {"zone", 0, VERB_NAME, VERB_MUST, "ZONE"},
     {"name", 0, VERB_TEXT, VERB_MUST, "NAME"})
#endif

/*    alias              name */
#ifdef ALIAS
ALIAS("zonestatus",      "zone")
ALIAS("zone-status",     "zone")
ALIAS("reconfig",        "reload")
ALIAS("zone-reload",     "reload")
ALIAS("sync",            "export")
ALIAS("write",           "export")
ALIAS("zone-flush",      "export")
ALIAS("conf-check",      "check")
ALIAS("retransfer",      "transfer")
ALIAS("force_transfer",  "transfer")
ALIAS("halt",            "stop")
#endif
