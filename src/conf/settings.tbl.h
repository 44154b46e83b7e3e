/* SPDX-License-Identifier: Apache-2.0
 * Every setting of the configuration file, one row each. Parser, checker, defaults, `--effective` and documentation are
 * derived from these rows; conf.h makes the members of struct conf from them. No include guard: included many times.
 *
 * SETTING: path is where the setting stands in the file. member is the field of struct conf. The kinds, with the meaning
 * of min and max and the C type of the member:
 *   YES_NO     bool            yes no on off true false (min, max unused)
 *   COUNT      uint32_t        a decimal number from min to max
 *   SIZE       uint64_t        bytes, with K, M or G (1024-based), from min to max
 *   DURATION   uint32_t        milliseconds; written 500ms 30s 5m 2h 7d 1w, a bare number is seconds; min and max in ms
 *   TEXT       const char *    min to max bytes of UTF-8 without control characters; the word `off` is NULL
 *   HOST_TEXT  const char *    TEXT, and the word `hostname` is this machine's name
 *   PATH       const char *    TEXT without `off`; a relative path starts at the configuration file's directory, and one
 *                              that begins with ${CREDENTIALS_DIRECTORY} in the directory of systemd's credentials
 *   FILE       const char *    PATH; the word `off` is NULL
 *   DOMAIN     struct name_buf absolute with or without final dot; the word `off` is len 0
 *   SOCKET     const char *    PATH of a Unix socket, that fits into its address; the word `off` is NULL
 *   PERIOD     uint32_t        seconds; written as a DURATION of whole seconds; min and max in seconds
 *   PREFIXES   struct conf_prefixes  one address or prefix, or a list of min to max; the word `off` is none
 *   LISTEN     struct conf_listens   one entry or a list of min to max entries: ADDRESS, ADDRESS@PORT or {address: ...};
 *                              the default's entries are separated by blanks
 *   RATE       uint32_t        20/s, from min to max
 *   LEVEL FORM TARGET WHEN     enum log_level, enum log_form, enum conf_log_target, enum conf_when: a word of that list
 *
 * ENTRY: the same inside each entry of a list or map: member and place are fields of the struct type that one entry fills.
 * The default may be NULL, for what is not there unless written, and "" for what is worked out from the rest. Kinds that
 * only entries have:
 *   ADDRESS    struct conf_listen    the whole entry
 *   SERIAL PROTECT ZONE_TYPE SCOPE   enum: a word of that list
 *   ALGORITHM  const char *    one of TSIG, also with the least bits of a signature: hmac-sha256-128
 *   NAME       const char *    TEXT without `off`
 *   SECRET     const char *    base64, which no message quotes; gone from memory once the file is read
 *   TIME       int64_t         wall clock microseconds; written 2026-11-30 or 2026-11-30T12:00:00Z
 *   LIST       struct conf_texts     one text or a list of min to max
 *   RANGE      struct conf_range     30..3600: numbers or periods from min to max
 *   PERCENT    uint32_t        50%, from min to max; the word `off` is 0
 *   ENDPOINT   const char *    text that is to be an address, perhaps with @PORT
 *   SOA WAIT                   a map, whose entries are rows of their own
 *   UPDATES                    a list of at most max maps, whose entries are rows of their own
 *   TRANSFER                   the same, and names of remotes
 *
 * LATER: a place that the design has and this version does not: refused as "not supported yet". `*` stands for one name. */

/*      path                                    member                       kind       default           min      max       what it is */
#ifdef SETTING
SETTING("server.listen",                        listen,                      LISTEN,    "0.0.0.0 ::",     1,       256,
        "addresses to answer on, port 53 unless @PORT is given")
SETTING("server.identity",                      identity,                    HOST_TEXT, "off",            1,       255,
        "who answers: NSID, id.server and hostname.bind; `hostname` is the machine's name, `off` tells nothing")
SETTING("server.version",                       version,                     TEXT,      "off",            1,       255,
        "text for version.bind and version.server; `off` tells nothing")
SETTING("server.user",                          user,                        TEXT,      "off",            1,       64,
        "user to become after the sockets are open when started as root; `off` stays")
SETTING("server.state-dir",                     state_dir,                   PATH,      "/var/lib/reeve", 1,       4000,
        "the one directory that is written to: changes of zones, and keys made by `reevectl key`")
SETTING("server.realtime",                      realtime,                    YES_NO,    "no",             0,       1,
        "the thread that answers goes before every ordinary one on its processor (SCHED_RR); from the next start on")
SETTING("server.minimal-responses",             minimal_responses,           YES_NO,    "yes",            0,       1,
        "leave out what a resolver does not need: NS records beside an answer, additional addresses of MX, SRV and the like")
SETTING("server.udp-size",                      udp_size,                    COUNT,     "1232",           512,     4096,
        "largest UDP answer in bytes; a longer one is truncated")
SETTING("server.edns-size",                     edns_size,                   COUNT,     "1232",           512,     4096,
        "UDP payload size in bytes that our OPT records announce")
SETTING("server.cookies",                       cookies,                     YES_NO,    "yes",            0,       1,
        "answer and check DNS cookies (RFC 7873, 9018)")
SETTING("server.cookies-required",              cookies_required,            WHEN,      "no",             0,       0,
        "over UDP answer BADCOOKIE to a client that sends cookies until it has a good one: no, load or yes")
SETTING("server.cookie-secret-file",            cookie_secret_file,          FILE,      "off",            1,       4000,
        "what cookies are made with, the same for all servers of an address; `off`: the server's own, kept in state-dir")
SETTING("server.cookie-lifetime",               cookie_lifetime_s,           PERIOD,    "30d",            3600,    31536000,
        "after that time the server draws another secret of its own; the one before it is still accepted")
SETTING("server.client-subnet-echo",            echo_subnet,                 YES_NO,    "yes",            0,       1,
        "say to who sends a client subnet that answers do not depend on it (RFC 7871, scope 0); else it is ignored")
SETTING("server.report-agent",                  report_agent,                DOMAIN,    "off",            0,       0,
        "domain that resolvers report errors to (RFC 9567), of all zones but those that it is in; `off` for none")
SETTING("server.rate-limit.responses",          rrl_responses,               COUNT,     "0",              0,       1000000,
        "answers a second about one name over UDP to one network; 0 is no limit, for none of those below that are 0 either")
SETTING("server.rate-limit.nxdomain",           rrl_nxdomain,                COUNT,     "0",              0,       1000000,
        "the same for names that do not exist, all of a zone together; 0 is as many as `responses`")
SETTING("server.rate-limit.referrals",          rrl_referrals,               COUNT,     "0",              0,       1000000,
        "the same for referrals to one zone below; 0 is as many as `responses`")
SETTING("server.rate-limit.errors",             rrl_errors,                  COUNT,     "0",              0,       1000000,
        "the same for REFUSED, SERVFAIL, FORMERR and the like, all together; 0 is as many as `responses`")
SETTING("server.rate-limit.all",                rrl_all,                     COUNT,     "0",              0,       1000000,
        "answers a second of any kind over UDP to one network; 0 is no limit")
SETTING("server.rate-limit.slip",               rrl_slip,                    COUNT,     "2",              0,       100,
        "of so many answers that are held back one goes out all the same, truncated, so that a resolver asks again over TCP; 0: none")
SETTING("server.rate-limit.window",             rrl_window_s,                PERIOD,    "15s",            1,       3600,
        "a network that does not stop gets no answers but truncated ones until it has kept quiet for so long at most")
SETTING("server.rate-limit.table-size",         rrl_table_size,              COUNT,     "131072",         1024,    67108864,
        "networks and names remembered, 16 bytes each; when there are more, the busiest stay")
SETTING("server.rate-limit.ipv4-prefix",        rrl_ipv4_prefix,             COUNT,     "24",             8,       32,
        "IPv4 addresses that have so many bits in common are one network")
SETTING("server.rate-limit.ipv6-prefix",        rrl_ipv6_prefix,             COUNT,     "56",             16,      64,
        "IPv6 addresses that have so many bits in common are one network")
SETTING("server.rate-limit.exempt",             rrl_exempt,                  PREFIXES,  "off",            1,       100,
        "networks that are not limited; nor is who has a good cookie of ours, or signs")
SETTING("server.limits.tcp-connections",        tcp_connections,             COUNT,     "10000",          1,       1000000,
        "TCP connections in all")
SETTING("server.limits.tcp-connections-per-address", tcp_connections_per_address, COUNT, "250",           1,       1000000,
        "TCP connections of one client address")
SETTING("server.limits.tcp-idle",               tcp_idle_ms,                 DURATION,  "10s",            100,     86400000,
        "close a TCP connection on which nothing is under way for so long (RFC 7766 s6.2.3); half of it with more than half "
        "of tcp-connections, a quarter with more than three quarters")
SETTING("server.limits.tcp-first-byte",         tcp_first_byte_ms,           DURATION,  "3s",             100,     3600000,
        "close a new TCP connection that has sent nothing for so long")
SETTING("server.limits.tcp-message",            tcp_message_ms,              DURATION,  "5s",             100,     3600000,
        "time for one whole message to come in, and for unsent answers to make progress")
SETTING("server.limits.tcp-pipeline",           tcp_pipeline,                COUNT,     "128",            1,       65536,
        "requests in flight on one TCP connection before we stop reading")
SETTING("server.limits.tcp-unsent",             tcp_unsent,                  SIZE,      "256K",           131072,  67108864,
        "bytes of answers unsent on one TCP connection before we stop reading")
SETTING("server.limits.udp-receive-buffer",     udp_receive_buffer,          SIZE,      "4M",             65536,   1073741824,
        "receive buffer asked of the kernel for each UDP socket")
SETTING("server.limits.nsec3-iterations",       nsec3_iterations,            COUNT,     "100",            0,       2500,
        "a zone with more NSEC3 iterations is served without its NSEC3 proofs; answers and log say so (RFC 9276)")
SETTING("server.limits.cname-chain",            cname_chain,                 COUNT,     "16",             1,       128,
        "CNAME and DNAME steps put into one answer; a resolver asks on from there")
SETTING("server.limits.zone-records-max",       zone_records_max,            COUNT,     "0",              0,       4294967295,
        "a zone with more records does not load; 0 is no limit")
SETTING("server.limits.load-threads",           load_threads,                COUNT,     "2",              1,       64,
        "helper threads that load zones, and as many again that read transfers from primaries")
SETTING("server.limits.loads-step-back",        loads_step_back,             YES_NO,    "yes",            0,       1,
        "reloads run where nothing else wants the processor, so that no query waits; on a machine that is never idle: no (from the next start on)")
SETTING("server.limits.update-records-per-rrset", update_rrset_records,      COUNT,     "1000",           0,       4294967295,
        "records that an update may leave in one RRset; 0 is no limit")
SETTING("server.limits.update-records-per-name", update_name_records,        COUNT,     "2000",           0,       4294967295,
        "records that an update may leave at one name; 0 is no limit")
SETTING("server.limits.update-zone-records",    update_zone_records,         COUNT,     "0",              0,       4294967295,
        "records that an update may leave in a zone; 0 is no limit")
SETTING("server.limits.update-message-records", update_message_records,      COUNT,     "6000",           0,       65535,
        "prerequisites and changes in one update; more are REFUSED; 64 KiB hold some 5900; 0 is no limit")
SETTING("server.limits.update-work",            update_work,                 COUNT,     "1000000",        0,       4294967295,
        "records of the zone that one update may have looked at, those of a large name each time that it comes to it; more are REFUSED; 0 is no limit")
SETTING("server.limits.update-pending",         update_pending,              COUNT,     "10000",          1,       1000000,
        "updates of all zones that wait for the disk; more get SERVFAIL")
SETTING("server.limits.refusals-per-source",    refusals_per_source,         COUNT,     "100",            0,       1000000,
        "updates, notifies and signed messages that are refused to one network (see rate-limit) in a second; more are turned away unread; 0 is no limit")
SETTING("server.limits.updates-forwarded",      updates_forwarded,           COUNT,     "1000",           1,       100000,
        "updates at once that primaries are to answer; more get SERVFAIL")
SETTING("server.limits.history-size",           history_size,                SIZE,      "64M",            65536,   1099511627776,
        "bytes of each zone's changes that are kept; older ones are forgotten when the zone is written anew (snapshot-after)")
SETTING("server.limits.history-age",            history_age_s,               PERIOD,    "90d",            60,      3153600000,
        "changes older than that are forgotten, some time later: a sixteenth of it, no more than an hour")
SETTING("server.limits.snapshot-after",         snapshot_after,              SIZE,      "16M",            4096,    1099511627776,
        "a zone is written anew, for a faster start, after so many bytes of changes, and no less than half of its own size")
SETTING("server.limits.transfers-out",          transfers_out,               COUNT,     "64",             1,       100000,
        "transfers to others at once; more get SERVFAIL")
SETTING("server.limits.transfers-out-per-client", transfers_out_per_client,  COUNT,     "32",             1,       100000,
        "of them to one client, which is an address or a key")
SETTING("server.limits.transfers-in",           transfers_in,                COUNT,     "16",             1,       10000,
        "transfers from primaries at once; the rest waits")
SETTING("server.limits.transfers-in-per-primary", transfers_in_per_primary,  COUNT,     "4",              1,       10000,
        "of them from one address")
SETTING("server.limits.transfer-time",          transfer_time_ms,            DURATION,  "2h",             1000,    604800000,
        "longest time of one transfer, in or out; then it is cut")
SETTING("server.limits.transfer-progress",      transfer_progress,           SIZE,      "64K",            0,       1073741824,
        "bytes a minute that a transfer from a primary brings at least, or it is cut while others wait for its place; 0 is no limit")
SETTING("server.limits.transfer-records",       transfer_records,            COUNT,     "10000000",       0,       4294967295,
        "records in one transfer from a primary; 0 is no limit")
SETTING("server.limits.transfer-size",          transfer_size,               SIZE,      "1G",             65536,   1099511627776,
        "bytes in one transfer from a primary, which may take four times that in memory; a zone that differences make larger is asked for as a whole")
SETTING("server.limits.transfers-memory",       transfers_memory,            SIZE,      "4G",             65536,   1099511627776,
        "bytes in memory of all transfers from primaries until they are the zones; one that goes beyond it fails")
SETTING("server.limits.recent-changes",         recent_changes,              SIZE,      "64M",            0,       1099511627776,
        "bytes of the newest changes of all zones kept in memory for IXFR; older ones are read from the state directory")
SETTING("server.limits.refresh-min",            refresh_min_s,               PERIOD,    "30s",            1,       31536000,
        "least time between two looks at a primary, whatever the SOA says; NOTIFY does not wait for it")
SETTING("server.limits.refresh-max",            refresh_max_s,               PERIOD,    "1d",             1,       31536000,
        "longest time between two looks at a primary")
SETTING("server.limits.retry-min",              retry_min_s,                 PERIOD,    "5s",             1,       31536000,
        "least time until a primary that failed is asked again")
SETTING("server.limits.retry-max",              retry_max_s,                 PERIOD,    "1h",             1,       31536000,
        "longest time until a primary that failed is asked again")
SETTING("server.limits.expire-max",             expire_max_s,                PERIOD,    "1000d",          1,       2147483647,
        "a secondary's data is good for no longer than that, whatever the SOA says")
SETTING("server.limits.cookies-load",           cookies_load,                RATE,      "100000/s",       1,       4294967295,
        "UDP queries in a second from which on `cookies-required: load` wants good cookies")
SETTING("log.level",                            log_level,                   LEVEL,     "info",           0,       0,
        "least level kept: error, warning, notice, info or debug")
SETTING("log.form",                             log_form,                    FORM,      "logfmt",         0,       0,
        "how a line looks: logfmt or json")
SETTING("log.to",                               log_to,                      TARGET,    "stderr",         0,       0,
        "where lines go: stderr or journal")
SETTING("control.socket",                       control_socket,              SOCKET,    "/run/reeve/control.sock", 1,  107,
        "where reevectl reaches the server; `off` for nowhere")
SETTING("control.group",                        control_group,               TEXT,      "off",            1,       64,
        "group whose members may use the control socket (mode 0660); `off` leaves the process's own")
#endif

/*    path                             struct       member                place                kind       default      min  max   what it is */
#ifdef ENTRY
ENTRY("server.listen.*.address",       conf_listen, address,              at,                  ADDRESS,   NULL,        1,   256,
      "ADDRESS or ADDRESS@PORT")

ENTRY("keys.*.algorithm",              conf_key,    algorithm,            ats.algorithm,       ALGORITHM, "",          0,   0,
      "how messages are signed (RFC 8945 s6); unless said, as the file of the secret has it, or hmac-sha256")
ENTRY("keys.*.secret",                 conf_key,    secret,               ats.secret,          SECRET,    NULL,        1,   1024,
      "the shared secret in base64; `off`: the key is known here, but nothing can be signed with it")
ENTRY("keys.*.secret-file",            conf_key,    secret_file,          ats.secret_file,     PATH,      NULL,        1,   4000,
      "a file with the secret, which others cannot read")
ENTRY("keys.*.previous",               conf_key,    previous,             ats.previous,        SECRET,    NULL,        1,   1024,
      "the secret that was used before, accepted too while clients change over; `off` for none")
ENTRY("keys.*.previous-file",          conf_key,    previous_file,        ats.previous_file,   PATH,      NULL,        1,   4000,
      "a file with the secret that was used before")
ENTRY("keys.*.previous-until",         conf_key,    previous_until_us,    ats.previous_until,  TIME,      NULL,        0,   0,
      "when the secret that was used before is no longer accepted; without it, never")

ENTRY("remotes.*.address",             conf_remote, address,              address.at,          LIST,      NULL,        1,   16,
      "where it is: ADDRESS or ADDRESS@PORT, port 53 unless given; of several the next is tried when one fails")
ENTRY("remotes.*.key",                 conf_remote, key.text,             key.at,              NAME,      NULL,        1,   1020,
      "what is exchanged with it is signed with this key, both ways; without one, nothing is")
ENTRY("remotes.*.source",              conf_remote, source.text,          source.at,           ENDPOINT,  NULL,        1,   100,
      "ADDRESS or ADDRESS@PORT of ours from which it is asked; without it the system chooses")

ENTRY("zones.*.type",                  conf_zone,   type,                 ats.type,            ZONE_TYPE, "",          0,   0,
      "what the other settings make it, to be written down if you like")
ENTRY("zones.*.file",                  conf_zone,   file,                 file_at,             PATH,      NULL,        1,   4000,
      "the zone file (RFC 1035 s5); it is read, never written")
ENTRY("zones.*.soa",                   conf_zone,   soa,                  ats.soa,             SOA,       NULL,        0,   0,
      "for a zone without file: what it is made from when it is new; its records live in the state directory")
ENTRY("zones.*.soa.ns",                conf_soa,    written.ns,           written.ns.at,       LIST,      NULL,        1,   32,
      "the zone's name servers")
ENTRY("zones.*.soa.mname",             conf_soa,    written.mname.text,   written.mname.at,    NAME,      NULL,        1,   1020,
      "the primary's name; default: the first of `ns`")
ENTRY("zones.*.soa.rname",             conf_soa,    written.rname.text,   written.rname.at,    NAME,      NULL,        1,   1020,
      "who answers for the zone, as a name; default: hostmaster below the zone")
ENTRY("zones.*.soa.refresh",           conf_soa,    refresh,              written.refresh,     PERIOD,    "1h",        1,   2147483647,
      "how often secondaries look for changes")
ENTRY("zones.*.soa.retry",             conf_soa,    retry,                written.retry,       PERIOD,    "10m",       1,   2147483647,
      "and how soon again when they cannot")
ENTRY("zones.*.soa.expire",            conf_soa,    expire,               written.expire,      PERIOD,    "14d",       1,   2147483647,
      "after which time without the primary they stop answering")
ENTRY("zones.*.soa.minimum",           conf_soa,    minimum,              written.minimum,     PERIOD,    "5m",        0,   2147483647,
      "how long resolvers keep that a name does not exist (RFC 2308)")
ENTRY("zones.*.soa.ttl",               conf_soa,    ttl,                  written.ttl,         PERIOD,    "1h",        0,   2147483647,
      "TTL of the SOA and NS records")
ENTRY("zones.*.updates",               conf_zone,   updates,              ats.updates,         UPDATES,   NULL,        0,   10000,
      "who may change what (RFC 2136): the first rule that matches decides, what none matches is refused")
ENTRY("zones.*.updates.*.key",         conf_update, key.text,             key.at,              NAME,      NULL,        1,   1020,
      "identity: whoever signs with this key")
ENTRY("zones.*.updates.*.unsigned",    conf_update, is_unsigned,          ats.is_unsigned,     YES_NO,    NULL,        0,   1,
      "identity: anybody, without a signature; narrow it with `from`")
ENTRY("zones.*.updates.*.deny",        conf_update, is_deny,              ats.is_deny,         YES_NO,    NULL,        0,   1,
      "what matches is refused, whatever later rules say")
ENTRY("zones.*.updates.*.from",        conf_update, from,                 from.at,             LIST,      NULL,        1,   1000,
      "only from these addresses or prefixes")
ENTRY("zones.*.updates.*.name",        conf_update, name,                 name.at,             LIST,      NULL,        1,   10000,
      "where: these names")
ENTRY("zones.*.updates.*.under",       conf_update, under,                under.at,            LIST,      NULL,        1,   10000,
      "where: these names and all below them")
ENTRY("zones.*.updates.*.self",        conf_update, is_self,              ats.is_self,         YES_NO,    NULL,        0,   1,
      "where: the name of the key; a key name without final dot is taken under the zone")
ENTRY("zones.*.updates.*.below-self",  conf_update, is_below_self,        ats.is_below_self,   YES_NO,    NULL,        0,   1,
      "where: all below the name of the key")
ENTRY("zones.*.updates.*.acme",        conf_update, acme,                 acme.at,             LIST,      NULL,        1,   10000,
      "where: TXT at _acme-challenge of these names, `any` of every name; unless said, TTLs up to 300, 8 records per name and a lease of 1h")
ENTRY("zones.*.updates.*.dhcp",        conf_update, is_dhcp,              ats.is_dhcp,         YES_NO,    NULL,        0,   1,
      "where: A, AAAA, PTR and DHCID at every name; `types` may narrow that")
ENTRY("zones.*.updates.*.reverse-of-source", conf_update, is_reverse,     ats.is_reverse,      YES_NO,    NULL,        0,   1,
      "where: the reverse name of the address that the update comes from")
ENTRY("zones.*.updates.*.all",         conf_update, is_all,               ats.is_all,          YES_NO,    NULL,        0,   1,
      "where: every name of the zone")
ENTRY("zones.*.updates.*.types",       conf_update, types,                types.at,            LIST,      NULL,        1,   1000,
      "only these types of records; without it all but SOA, NS of the zone itself and those of DNSSEC")
ENTRY("zones.*.updates.*.ops",         conf_update, ops,                  ops.at,              LIST,      NULL,        1,   2,
      "only add, or only delete")
ENTRY("zones.*.updates.*.max-records", conf_update, records_max,          ats.records_max,     COUNT,     NULL,        1,   4294967295,
      "records that this rule covers, in the whole zone")
ENTRY("zones.*.updates.*.max-per-name", conf_update, per_name_max,        ats.per_name_max,    COUNT,     NULL,        1,   4294967295,
      "records at one name")
ENTRY("zones.*.updates.*.ttl",         conf_update, ttl,                  ats.ttl,             RANGE,     NULL,        0,   2147483647,
      "TTLs of records that are added")
ENTRY("zones.*.updates.*.rate",        conf_update, rate,                 ats.rate,            RATE,      NULL,        1,   1000000,
      "updates in a second")
ENTRY("zones.*.updates.*.lease",       conf_update, lease_s,              ats.lease_s,         PERIOD,    NULL,        0,   2147483647,
      "what is added is removed after so long unless it is added again, or its client asks for another lease (RFC 9664); 0 is for good; `acme` has 1h")
ENTRY("zones.*.updates.*.lease-range", conf_update, lease,                ats.lease,           RANGE,     NULL,        1,   2147483647,
      "leases that a client may ask for; shorter and longer ones become these; default: 30s..24h")
ENTRY("zones.*.updates.*.key-lease-range", conf_update, key_lease,        ats.key_lease,       RANGE,     NULL,        1,   2147483647,
      "the same of the lease that it asks for KEY records; default: 30s..7d")
ENTRY("zones.*.updates.*.within",      conf_update, within,               within.at,           LIST,      NULL,        1,   1000,
      "only addresses in these prefixes, in A and AAAA records and in names of PTR records")
ENTRY("zones.*.serial",                conf_zone,   serial,               ats.serial,          SERIAL,    "increment", 0,   0,
      "how the serial moves with a change: to the next number, the time in seconds, or YYYYMMDD00")
ENTRY("zones.*.strict",                conf_zone,   is_strict,            ats.is_strict,       YES_NO,    "no",        0,   1,
      "changes that RFC 2136 ignores in silence are refused")
ENTRY("zones.*.protect",               conf_zone,   protect,              ats.protect,         PROTECT,   "file",      0,   0,
      "`file`: updates cannot change or hide what the zone file has; `none`: they can, until the file itself changes it")
ENTRY("zones.*.history",               conf_zone,   has_history,          ats.has_history,     YES_NO,    "",          0,   1,
      "keep the zone's changes in the state directory; unless said, exactly if it has `updates`, `soa`, `primaries`, `secondaries` or `transfer`")
ENTRY("zones.*.primaries",             conf_zone,   written.primaries,    written.primaries.at, LIST,     NULL,        1,   100,
      "the zone comes from these remotes, tried in this order (while the first one fails, the one that answered last goes before it), and NOTIFY is accepted from them: it is a secondary")
ENTRY("zones.*.secondaries",           conf_zone,   written.secondaries,  written.secondaries.at, LIST,   NULL,        1,   1000,
      "these remotes may transfer the zone, and are told of its changes (NOTIFY)")
ENTRY("zones.*.notify",                conf_zone,   written.notify,       written.notify.at,   LIST,      NULL,        1,   1000,
      "these remotes are told of its changes, and no more than that")
ENTRY("zones.*.transfer",              conf_zone,   written.transfer,     written.transfer_at, TRANSFER,  NULL,        0,   10000,
      "who else may transfer it (AXFR, IXFR): the first rule that matches decides, what none matches is refused")
ENTRY("zones.*.transfer.*.key",        conf_transfer, key.text,           key.at,              NAME,      NULL,        1,   1020,
      "identity: whoever signs with this key")
ENTRY("zones.*.transfer.*.unsigned",   conf_transfer, is_unsigned,        ats.is_unsigned,     YES_NO,    NULL,        0,   1,
      "identity: anybody, without a signature; narrow it with `from`")
ENTRY("zones.*.transfer.*.from",       conf_transfer, from,               from.at,             LIST,      NULL,        1,   1000,
      "only from these addresses or prefixes")
ENTRY("zones.*.transfer.*.deny",       conf_transfer, is_deny,            ats.is_deny,         YES_NO,    NULL,        0,   1,
      "what matches is refused, whatever later rules say")
ENTRY("zones.*.transfer.*.scope",      conf_transfer, scope,              ats.scope,           SCOPE,     NULL,        0,   0,
      "`whole`, which is the default, or `granted`: only what the key may change by `updates`")
ENTRY("zones.*.forward-updates",       conf_zone,   forwards_updates,     ats.forwards_updates, YES_NO,   "no",        0,   1,
      "a secondary passes updates on to its primaries (RFC 2136 s6), which decide; else they are answered NOTIMP")
ENTRY("zones.*.wait-secondaries",      conf_zone,   wait_count,           ats.wait,            WAIT,      NULL,        0,   0,
      "an update is answered when secondaries have it, or after a time")
ENTRY("zones.*.wait-secondaries.count", conf_zone,  wait_count,           ats.wait_count,      COUNT,     "1",         1,   1000,
      "how many of them")
ENTRY("zones.*.wait-secondaries.timeout", conf_zone, wait_ms,             ats.wait_ms,         DURATION,  "3s",        10,  600000,
      "how long at most; then it is answered all the same")
ENTRY("zones.*.shrink-limit",          conf_zone,   shrink_percent,       ats.shrink_percent,  PERCENT,   "off",       1,   99,
      "a transfer or a zone file that takes away more than that of the zone's records is held back until an operator takes it")
#endif

/*    path */
#ifdef LATER
LATER("metrics")
LATER("tls")
LATER("policies")
LATER("templates")
LATER("views")
LATER("server.listen.*.tls")
LATER("remotes.*.tls")
LATER("zones.*.template")
LATER("zones.*.updates.*.cert")
LATER("zones.*.updates.*.sig0")
LATER("zones.*.dnssec")
LATER("zones.*.policy")
LATER("zones.*.catalog")
LATER("zones.*.auto-ptr")
#endif
